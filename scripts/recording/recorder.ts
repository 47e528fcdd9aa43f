import { setTimeout as sleep } from 'node:timers/promises'
import type { Bed } from '../../testbed/bed.ts'
import type { Server } from '../../testbed/server.ts'
import type { Scenario, Spec } from './scenarios.ts'
import { trimNode, trimService, trimTask, type Raw } from './trim.ts'

/** A recorded rollout: each frame holds only the records that changed since the one before. */
export interface Fixture {
  readonly scenario: string
  readonly engine: string
  /** Per service: what the run that is judged knows of it. */
  readonly targets: readonly Raw[]
  /** Engine time at which the change was made. */
  readonly startedAt: number
  readonly frames: readonly Frame[]
  /** The last lines of the first task that failed, and its container's state, where there is one. */
  readonly evidence: Readonly<Record<string, Raw>>
}

export interface Frame {
  readonly at: number
  readonly services?: readonly Raw[]
  readonly tasks?: readonly Raw[]
  readonly nodes?: readonly Raw[]
  /** Ids of services, tasks and nodes that are no longer listed. */
  readonly gone?: readonly string[]
  /** Ids of the tasks that the engine calls up to date; when they changed. */
  readonly current?: readonly string[]
}

const nameSpace = 'com.docker.stack.namespace'
const releaseLabel = 'swarm-rollout.release'

/** Plays one scenario on a bed, in a stack of its own, and records what the engine said from the change on. */
export class Recorder {
  readonly stack: string
  private readonly bed: Bed
  private readonly scenario: Scenario
  private readonly manager: Server
  private readonly seen = new Map<string, string>()
  private current = ''
  private readonly frames: Frame[] = []
  private readonly evidence: Record<string, Raw> = {}

  constructor(bed: Bed, scenario: Scenario) {
    this.bed = bed
    this.scenario = scenario
    this.stack = scenario.name.replaceAll('.', '-')
    this.manager = bed.server
  }

  async run(): Promise<Fixture> {
    const { before = {}, after = {}, settle = 3, seconds } = this.scenario
    for (const [key, spec] of Object.entries(before)) await this.create(key, spec, 'r1')
    if (Object.keys(before).length > 0) await sleep(settle * 1000)
    await this.scenario.prepare?.({ bed: this.bed, server: this.manager, stack: this.stack })
    const targets: Raw[] = []
    const startedAt = await this.now()
    for (const [key, spec] of Object.entries(after)) {
      const old = (await this.services()).find(service => service.Spec.Name === `${this.stack}_${key}`)
      const touched = this.scenario.untouched?.includes(key) !== true
      if (touched) await (old ? this.update(old, key, spec, 'r2') : this.create(key, spec, 'r2'))
      targets.push({
        service: `${this.stack}_${key}`,
        key,
        release: touched ? 'r2' : 'r1',
        mode: modeOf(spec),
        touched,
        ...(old && touched ? { versionBefore: old.Version.Index } : {}),
        ...(old?.JobStatus?.JobIteration ? { jobIterationBefore: old.JobStatus.JobIteration.Index } : {})
      })
    }
    const meanwhile = this.scenario.meanwhile?.({
      bed: this.bed,
      server: this.manager,
      stack: this.stack,
      recorder: this
    })
    const end = Date.now() + seconds * 1000
    while (Date.now() < end) {
      await this.frame().catch(() => undefined)
      await sleep(200)
    }
    await meanwhile
    await this.clear()
    const { ServerVersion } = (await this.manager.api('GET', '/info')) as { ServerVersion: string }
    return {
      scenario: this.scenario.name,
      engine: ServerVersion,
      targets,
      startedAt,
      frames: this.frames,
      evidence: this.evidence
    }
  }

  async update(old: Raw, key: string, spec: Spec, release: string): Promise<void> {
    await this.manager.api(
      'POST',
      `/services/${old.ID}/update?version=${old.Version.Index}`,
      this.whole(key, spec, release)
    )
  }

  async services(): Promise<Raw[]> {
    return (await this.list('/services', { label: [`${nameSpace}=${this.stack}`] }, '&status=true')) as Raw[]
  }

  private async create(key: string, spec: Spec, release: string): Promise<void> {
    await this.manager.api('POST', '/services/create', this.whole(key, spec, release))
  }

  private whole(key: string, spec: Spec, release: string): Raw {
    const labels = { [nameSpace]: this.stack, [releaseLabel]: release }
    const container = { ...spec.TaskTemplate.ContainerSpec, Labels: { [nameSpace]: this.stack } }
    return {
      ...spec,
      Name: `${this.stack}_${key}`,
      Labels: { ...labels, ...spec.Labels },
      TaskTemplate: { ...spec.TaskTemplate, ContainerSpec: container },
      EndpointSpec: { Mode: 'dnsrr', ...spec.EndpointSpec }
    }
  }

  private list(path: string, filters: Record<string, string[]>, more = ''): Promise<unknown> {
    return this.manager.api('GET', `${path}?filters=${encodeURIComponent(JSON.stringify(filters))}${more}`)
  }

  private async now(): Promise<number> {
    return Date.parse(((await this.manager.api('GET', '/info')) as { SystemTime: string }).SystemTime)
  }

  /** The tasks first, then the services, as the watch reads them. */
  private async frame(): Promise<void> {
    const names = (await this.services()).map(service => service.ID as string)
    const all = names.length === 0 ? [] : ((await this.list('/tasks', { service: names })) as Raw[])
    const fresh =
      names.length === 0 ? [] : ((await this.list('/tasks', { service: names, '_up-to-date': ['true'] })) as Raw[])
    const services = await this.services()
    const nodes = (await this.manager.api('GET', '/nodes')) as Raw[]
    for (const task of all) await this.lookCloser(task)
    const frame: Raw = { at: await this.now() }
    const here = new Set<string>()
    const changed = (records: Raw[]) =>
      records.filter(record => {
        here.add(record.ID)
        const text = JSON.stringify(record)
        const same = this.seen.get(record.ID) === text
        this.seen.set(record.ID, text)
        return !same
      })
    const parts = { services: services.map(trimService), tasks: all.map(trimTask), nodes: nodes.map(trimNode) }
    for (const [part, records] of Object.entries(parts)) {
      const news = changed(records)
      if (news.length > 0) frame[part] = news
    }
    const gone = [...this.seen.keys()].filter(id => !here.has(id))
    for (const id of gone) this.seen.delete(id)
    if (gone.length > 0) frame.gone = gone
    const current = fresh.map(task => task.ID as string).sort()
    if (current.join() !== this.current) frame.current = current
    this.current = current.join()
    const last = this.frames.at(-1)
    if (Object.keys(frame).length > 1 || !last || frame.at - last.at > 1000) this.frames.push(frame as Frame)
  }

  /** The logs and the container of a task that failed, before both are gone. */
  private async lookCloser(task: Raw): Promise<void> {
    if (!['failed', 'rejected', 'complete'].includes(task.Status.State) || this.evidence[task.ID]) return
    const line = `docker service logs --raw --tail 20 ${task.ID} 2>&1`
    const logs = await this.manager.exec(['sh', '-c', line]).catch(() => '')
    const id = task.Status.ContainerStatus?.ContainerID as string | undefined
    const container = id
      ? ((await this.manager.api('GET', `/containers/${id}/json`).catch(() => null)) as Raw | null)
      : null
    const { OOMKilled, ExitCode, Health } = container?.State ?? {}
    const state = container
      ? { State: { OOMKilled, ExitCode, ...(Health ? { Health: { Log: Health.Log } } : {}) } }
      : null
    this.evidence[task.ID] = { logs: logs === '' ? [] : logs.split('\n'), container: state }
  }

  private async clear(): Promise<void> {
    for (const service of await this.services())
      await this.manager.api('DELETE', `/services/${service.ID}`).catch(() => undefined)
  }
}

function modeOf(spec: Spec): string {
  if (spec.Mode?.Global) return 'global'
  if (spec.Mode?.ReplicatedJob) return 'replicated-job'
  return spec.Mode?.GlobalJob ? 'global-job' : 'replicated'
}
