import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions } from '../../testbed/images.ts'
import { stampRelease } from '../../src/compose/stamp.js'
import type { Service } from '../../src/engine-types.js'
import type { Json, Stack } from '../../src/model.js'
import { compare, isTouched, keptLabels, type Change } from '../../src/release/compare.js'
import { liveRelease, type ReleaseEntry } from '../../src/release/record.js'
import { applyStack, removeDropped } from '../../src/stages/apply.js'
import { markRelease, readReleases, saveRelease, type SavedRelease } from '../../src/stages/releases.js'
import { stageRun, type StageRun } from './stages.ts'

const policy = {
  update_config: { order: 'start-first', failure_action: 'pause', monitor: '1s' },
  restart_policy: { condition: 'any', delay: '1s' }
}

/** A service of a rendered stack. */
export function service(
  image: string,
  more: Record<string, Json> = {},
  deploy: Record<string, Json> = {}
): Record<string, Json> {
  return { image, networks: { default: null }, environment: { PORT: '' }, ...more, deploy: { ...policy, ...deploy } }
}

export function stackOf(services: Record<string, Record<string, Json>>, more: Partial<Stack> = {}): Stack {
  return { services: services as unknown as Stack['services'], networks: { default: { driver: 'overlay' } }, ...more }
}

export interface Deployed {
  readonly changes: readonly Change[]
  readonly entry: SavedRelease | null
  readonly before: readonly Service[]
  readonly last: ReleaseEntry | null
}

/** A swarm of one, and the stages that a rollout is made of, as its pipeline goes through them. */
export class ReleaseRun implements AsyncDisposable {
  readonly bed: Bed
  readonly run: StageRun
  /** Three versions of the test app, pinned. */
  readonly images: readonly string[]

  private constructor(bed: Bed, run: StageRun, images: readonly string[]) {
    this.bed = bed
    this.run = run
    this.images = images
  }

  static async open(name: string): Promise<ReleaseRun> {
    const bed = await openBed({ name, builder: false })
    const run = await stageRun(bed.server)
    return new ReleaseRun(
      bed,
      run,
      (await pushVersions(bed.registry)).map(({ pinned }) => pinned)
    )
  }

  /** What the pipeline does up to the watch. */
  async put(
    stack: string,
    wanted: Stack,
    openReplicas: string[] = [],
    brought: Record<string, string> = {}
  ): Promise<Deployed> {
    const { ports, host, dockerConfig } = this.run
    const [before, entries] = await Promise.all([host.engine.services(stack), readReleases(host.engine, stack)])
    const last = liveRelease(entries)
    const changes = compare(stampRelease(wanted, { release: 'r0' }), before, last, { stack, openReplicas })
    if (!changes.some(change => isTouched(change) || change.kind === 'remove'))
      return { changes, entry: null, before, last }
    const entry = await saveRelease(host.engine, {
      stack,
      entries,
      live: before,
      build: id => ({
        version: 1,
        id,
        stack,
        commit: `${id.slice(1)}abcdef0123456`,
        ref: 'main',
        actor: 'octocat',
        runUrl: `https://github.com/o/r/actions/runs/${id}`,
        at: new Date().toISOString(),
        rendered: stampRelease(wanted, { release: id, keep: keptLabels(changes) }),
        phases: [Object.keys(wanted.services)],
        jobs: changes.filter(change => change.job).map(change => change.key),
        openReplicas,
        images: brought
      })
    })
    await applyStack(ports, host, {
      stack,
      rendered: entry.release.rendered,
      changes,
      services: Object.keys(wanted.services),
      live: before,
      dockerConfig,
      withRegistryAuth: false,
      stillOurs: () => Promise.resolve()
    })
    return { changes, entry, before, last }
  }

  /** Puts it and waits until it runs. */
  async deploy(...args: Parameters<ReleaseRun['put']>): Promise<Deployed> {
    const done = await this.put(...args)
    await this.settled(args[0])
    if (done.entry !== null) {
      await removeDropped(this.run.ports, this.run.host.engine, done.changes)
      await markRelease(this.run.host.engine, done.entry, 'deployed')
    }
    return done
  }

  /** A minute, as the machine may be busy with other beds. */
  async settled(stack: string): Promise<void> {
    for (let i = 0; i < 240; i++) {
      const services = await this.run.host.engine.services(stack)
      const busy = services.filter(({ UpdateStatus, ServiceStatus, Spec }) => {
        const jobs = Spec.Mode?.ReplicatedJob
        if (jobs) return (ServiceStatus?.CompletedTasks ?? 0) < (jobs.TotalCompletions ?? 1)
        return (
          /^(updating|rollback_started)$/.test(UpdateStatus?.State ?? '') ||
          ServiceStatus?.RunningTasks !== ServiceStatus?.DesiredTasks
        )
      })
      if (busy.length === 0) return
      await new Promise(resolve => setTimeout(resolve, 250))
    }
    throw new Error(`${stack} never settled`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run.host[Symbol.asyncDispose]()
    await this.bed.close()
  }
}
