import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp, pushVersions } from '../../testbed/images.ts'
import { stampRelease } from '../../src/compose/stamp.js'
import type { Service } from '../../src/engine-types.js'
import { label, type Json, type Stack } from '../../src/model.js'
import type { Engine } from '../../src/ports.js'
import { compare, describeChange, isTouched, keptLabels, type Change } from '../../src/release/compare.js'
import { findRelease } from '../../src/release/find.js'
import { liveRelease, type ReleaseEntry } from '../../src/release/record.js'
import { applyStack, removeDropped } from '../../src/stages/apply.js'
import { collectGarbage } from '../../src/stages/collect.js'
import {
  assertRestorable,
  markRelease,
  readReleases,
  saveRelease,
  type SavedRelease
} from '../../src/stages/releases.js'
import { removeStack } from '../../src/stages/remove.js'
import { restore } from '../../src/stages/restore.js'
import { stageRun, type StageRun } from './stages.ts'

let bed: Bed
let run: StageRun
let images: string[]

beforeAll(async () => {
  bed = await openBed({ name: 'releases', builder: false })
  run = await stageRun(bed.server)
  images = (await pushVersions(bed.registry)).map(({ pinned }) => pinned)
}, 240_000)

afterAll(async () => {
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

const policy = {
  update_config: { order: 'start-first', failure_action: 'pause', monitor: '1s' },
  restart_policy: { condition: 'any', delay: '1s' }
}

function service(
  image: string,
  more: Record<string, Json> = {},
  deploy: Record<string, Json> = {}
): Record<string, Json> {
  return { image, networks: { default: null }, environment: { PORT: '' }, ...more, deploy: { ...policy, ...deploy } }
}

function stackOf(services: Record<string, Record<string, Json>>, more: Partial<Stack> = {}): Stack {
  return { services: services as unknown as Stack['services'], networks: { default: { driver: 'overlay' } }, ...more }
}

interface Deployed {
  readonly changes: readonly Change[]
  readonly entry: SavedRelease | null
  readonly before: readonly Service[]
  readonly last: ReleaseEntry | null
}

/** What the pipeline does up to the watch. */
async function put(
  stack: string,
  wanted: Stack,
  openReplicas: string[] = [],
  brought: Record<string, string> = {}
): Promise<Deployed> {
  const { ports, host, dockerConfig } = run
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
async function deploy(...args: Parameters<typeof put>): Promise<Deployed> {
  const done = await put(...args)
  await settled(args[0])
  if (done.entry !== null) {
    await removeDropped(run.ports, run.host.engine, done.changes)
    await markRelease(run.host.engine, done.entry, 'deployed')
  }
  return done
}

async function settled(stack: string): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const services = await run.host.engine.services(stack)
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

/** Until only the containers of the live tasks run. */
async function stopped(stack: string): Promise<void> {
  const filter = ['--filter', `label=com.docker.stack.namespace=${stack}`]
  for (let i = 0; i < 100; i++) {
    if ((await bed.server.docker('ps', '-q', ...filter)).trim().split('\n').length === 1) return
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

async function versions(stack: string): Promise<Record<string, number>> {
  const services = await run.host.engine.services(stack)
  return Object.fromEntries(services.map(({ Spec, Version }) => [Spec.Name, Version.Index]))
}

const kinds = (changes: readonly Change[]): Record<string, string> =>
  Object.fromEntries(changes.map(({ key, kind }) => [key, kind]))

describe('releases on a swarm', () => {
  it('touches only what changed, and nothing the second time', async () => {
    const [v1 = '', v2 = ''] = images
    const job = service(
      v1,
      { environment: { PORT: '', EXIT_AFTER: '0' } },
      { mode: 'replicated-job', restart_policy: { condition: 'none' }, update_config: null }
    )
    delete (job['deploy'] as Record<string, Json>)['update_config']
    const first = await deploy('one', stackOf({ web: service(v1), api: service(v1), job }))
    expect(kinds(first.changes)).toEqual({ web: 'create', api: 'create', job: 'create' })
    expect((await readReleases(run.host.engine, 'one')).map(({ id, verdict }) => [id, verdict])).toEqual([
      ['r1', 'deployed']
    ])
    const was = await versions('one')
    const again = await put('one', stackOf({ web: service(v1), api: service(v1), job }))
    expect(kinds(again.changes)).toEqual({ web: 'unchanged', api: 'unchanged', job: 'unchanged' })
    expect(await versions('one')).toEqual(was)
    const second = await deploy('one', stackOf({ web: service(v2), api: service(v1), job }))
    expect(second.changes.map(describeChange)).toEqual([
      `web: image: ${v1} → ${v2}`,
      'api: unchanged',
      'job: unchanged'
    ])
    const is = await versions('one')
    expect({ ...is, one_web: 0 }).toEqual({ ...was, one_web: 0 })
    const live = await run.host.engine.services('one')
    expect(Object.fromEntries(live.map(({ Spec }) => [Spec.Name, Spec.Labels?.[label.release]]))).toEqual({
      one_web: 'r2',
      one_api: 'r1',
      one_job: 'r1'
    })
  }, 120_000)

  it('sees what somebody changed by hand, and puts it right', async () => {
    const [v1 = '', v2 = ''] = images
    const wanted = stackOf({ web: service(v1, {}, { replicas: 1 }), api: service(v1), open: service(v1) })
    await deploy('drift', wanted, ['open'])
    await bed.server.docker('service', 'update', '--detach', '--no-resolve-image', '--image', v2, 'drift_web')
    await bed.server.docker('service', 'update', '--detach', '--env-add', 'BY_HAND=1', 'drift_api')
    await bed.server.docker('service', 'scale', '--detach', 'drift_open=2')
    await settled('drift')
    const { changes } = await deploy('drift', wanted, ['open'])
    expect(changes.map(describeChange)).toEqual([
      `web: changed by hand (image: ${v2} → ${v1}), put right`,
      'api: changed by hand (environment), put right',
      'open: unchanged; scaled by hand to 2, kept'
    ])
    const live = await run.host.engine.services('drift')
    const spec = (name: string) => live.find(({ Spec }) => Spec.Name === `drift_${name}`)?.Spec
    expect(spec('web')?.TaskTemplate.ContainerSpec?.Image).toBe(v1)
    expect(spec('api')?.TaskTemplate.ContainerSpec?.Env).toEqual(['PORT='])
    expect(spec('open')?.Mode?.Replicated?.Replicas).toBe(2)
    expect(kinds((await put('drift', wanted, ['open'])).changes)).toEqual({
      web: 'unchanged',
      api: 'unchanged',
      open: 'unchanged'
    })
    const next = await deploy('drift', stackOf({ ...wanted.services, open: service(v2) } as never), ['open'])
    expect(kinds(next.changes)['open']).toBe('update')
    expect((await run.host.engine.service('drift_open'))?.Spec.Mode?.Replicated?.Replicas).toBe(2)
  }, 120_000)

  it('goes back as a whole: what was updated, what is new, and the job that failed', async () => {
    const [v1 = '', v2 = ''] = images
    const good = stackOf({ web: service(v1), api: service(v1), still: service(v1) })
    await deploy('back', good)
    const captured = await run.host.engine.services('back')
    const job = {
      ...service(v1, { environment: { EXIT_AFTER: '0', EXIT_CODE: '3' } }),
      deploy: { mode: 'replicated-job', restart_policy: { condition: 'none' } }
    }
    const bad = stackOf({
      web: service(v2),
      api: service(v2, { environment: { EXIT_AFTER: '0', EXIT_CODE: '1' } }),
      still: service(v1),
      extra: service(v2),
      job: job as never
    })
    const { entry, before, last } = await put('back', bad)
    await new Promise(resolve => setTimeout(resolve, 3000))
    const restoration = await restore(run.ports, run.host, {
      stack: 'back',
      release: entry?.release.id ?? '',
      rendered: entry?.release.rendered ?? bad,
      jobs: ['job'],
      before,
      last,
      redeploy: () => Promise.reject(new Error('not needed'))
    })
    expect(restoration.left).toEqual([])
    expect(restoration.actions.map(({ key, action }) => [key, action])).toEqual([
      ['web', 'respec'],
      ['api', 'respec'],
      ['still', 'wait'],
      ['extra', 'remove'],
      ['job', 'remove']
    ])
    expect(restoration.targets.map(({ key, release, touched }) => [key, release, touched])).toEqual([
      ['web', 'r1', true],
      ['api', 'r1', true],
      ['still', 'r1', false]
    ])
    await settled('back')
    const now = await run.host.engine.services('back')
    const specs = (services: readonly Service[]) => Object.fromEntries(services.map(({ Spec }) => [Spec.Name, Spec]))
    expect(specs(now)).toEqual(specs(captured))
  }, 120_000)

  it('goes back to what was last deployed, not to what a killed run had left half done', async () => {
    const [v1 = '', v2 = '', v3 = ''] = images
    await deploy('half', stackOf({ web: service(v1), api: service(v1) }))
    // Killed before its verdict: the record stays pending.
    await put('half', stackOf({ web: service(v2), api: service(v1) }))
    await settled('half')
    const { entry, before, last } = await put('half', stackOf({ web: service(v3), api: service(v3) }))
    const restoration = await restore(run.ports, run.host, {
      stack: 'half',
      release: entry?.release.id ?? '',
      rendered: entry?.release.rendered ?? stackOf({}),
      jobs: [],
      before,
      last,
      redeploy: (rendered, services, live) => {
        const changes = services.map(key => ({
          ...({
            kind: 'update',
            why: 'changed',
            key,
            service: `half_${key}`,
            job: false,
            fields: [],
            drift: []
          } as const),
          image: ''
        }))
        const { ports, host, dockerConfig } = run
        return applyStack(ports, host, {
          ...{ stack: 'half', rendered, changes, services, live, dockerConfig, withRegistryAuth: false },
          stillOurs: () => Promise.resolve()
        })
      }
    })
    expect(restoration.actions.map(({ key, action, why }) => [key, action, why])).toEqual([
      ['web', 'redeploy', 'back to release r1'],
      ['api', 'respec', 'back to release r1']
    ])
    expect(restoration.targets.map(({ key, release }) => [key, release]).sort()).toEqual([
      ['api', 'r1'],
      ['web', 'r1']
    ])
    await settled('half')
    const now = await run.host.engine.services('half')
    expect(now.map(({ Spec }) => Spec.TaskTemplate.ContainerSpec?.Image)).toEqual([v1, v1])
    expect(now.map(({ Spec }) => Spec.Labels?.[label.release])).toEqual(['r1', 'r1'])
  }, 120_000)

  it.each([0, 300, 900, 1_500, 2_500])(
    'meets the automatic rollback of the swarm at any moment (after %d ms) and ends where it began',
    async ms => {
      const [v1 = '', v2 = ''] = images
      const stack = `race${ms}`
      const auto = { update_config: { order: 'start-first', failure_action: 'rollback', monitor: '500ms' } }
      await deploy(stack, stackOf({ web: service(v1, {}, auto) }))
      const captured = await run.host.engine.services(stack)
      const crash = { environment: { PORT: '', EXIT_AFTER: '0', EXIT_CODE: '1' } }
      const { entry, before, last } = await put(stack, stackOf({ web: service(v2, crash, auto) }))
      await new Promise(resolve => setTimeout(resolve, ms))
      const { targets, left } = await restore(run.ports, run.host, {
        ...{
          stack,
          release: entry?.release.id ?? '',
          rendered: entry?.release.rendered ?? stackOf({}),
          jobs: [],
          before,
          last
        },
        redeploy: () => Promise.reject(new Error('not needed'))
      })
      expect(left).toEqual([])
      expect(targets.map(({ release }) => release)).toEqual(['r1'])
      // The state of an update appears some milliseconds after it.
      await new Promise(resolve => setTimeout(resolve, 500))
      await settled(stack)
      const [web] = await run.host.engine.services(stack)
      expect(web?.Spec).toEqual(captured[0]?.Spec)
      expect(web?.ServiceStatus?.RunningTasks).toBe(1)
      expect(web?.UpdateStatus?.State ?? 'completed').toMatch(/^(rollback_)?completed$/)
    },
    60_000
  )

  it('marks a record that was labelled meanwhile, and leaves one that is gone', async () => {
    const { engine } = run.host
    const entry = await saveRelease(engine, {
      stack: 'marked',
      entries: [],
      live: [],
      build: id => ({
        ...{ version: 1, id, stack: 'marked', commit: 'c', ref: 'main', actor: 'a', runUrl: 'u', at: 'now' },
        ...{ rendered: stackOf({}), phases: [], jobs: [], openReplicas: [], images: {} }
      })
    })
    let raced = false
    const racing: Engine = {
      ...engine,
      config: async id => {
        const seen = await engine.config(id)
        if (!raced && seen !== null) await engine.labelObject('config', seen, { ...seen.Spec.Labels, note: 'mine' })
        raced = true
        return seen
      }
    }
    await markRelease(racing, entry, 'deployed')
    const [marked] = await readReleases(engine, 'marked')
    expect(marked).toMatchObject({ verdict: 'deployed', object: { Spec: { Labels: { note: 'mine' } } } })
    await engine.removeObject('config', entry.config)
    await markRelease(engine, entry, 'failed')
    expect(await readReleases(engine, 'marked')).toEqual([])
  }, 60_000)

  it('collects what nothing needs, keeps what a rollback needs, and refuses a release whose secret is gone', async () => {
    const [v1 = ''] = images
    const { engine } = run.host
    const secret = async (n: number) =>
      engine.createObject('secret', `gc_s-${n}`, Buffer.from(`value ${n}`), {
        [label.namespace]: 'gc',
        [label.kind]: 'secret'
      })
    const with_ = (n: number) =>
      stackOf(
        { web: service(v1, { secrets: [{ source: 's', target: 's' }] }) },
        { secrets: { s: { external: true, name: `gc_s-${n}` } } }
      )
    for (const n of [1, 2, 3, 4]) {
      await secret(n)
      await deploy('gc', with_(n))
    }
    const collected = await collectGarbage(run.ports, engine, { stack: 'gc', keep: 2 })
    expect({ ...collected, secrets: [...collected.secrets].sort() }).toMatchObject({
      secrets: ['gc_s-1', 'gc_s-2'],
      configs: [],
      releases: ['r2', 'r1'],
      images: []
    })
    // What is said to be left is what is there.
    const now = await readReleases(engine, 'gc')
    expect(collected.left.releases.map(({ id, verdict }) => [id, verdict])).toEqual(
      now.map(({ id, verdict }) => [id, verdict])
    )
    expect(collected.left.services.map(({ ID }) => ID)).toEqual((await engine.services('gc')).map(({ ID }) => ID))
    expect((await engine.objects('secret', { stack: 'gc' })).map(({ Spec }) => Spec.Name).sort()).toEqual([
      'gc_s-3',
      'gc_s-4'
    ])
    const entries = await readReleases(engine, 'gc')
    const previous = findRelease(entries, 'previous')
    expect(previous.id).toBe('r3')
    await assertRestorable(run.ports, engine, previous.release)
    const gone = { ...previous.release, rendered: with_(2) }
    await expect(assertRestorable(run.ports, engine, gone)).rejects.toThrow('secret gc_s-2')
    const unknown = { ...previous.release, rendered: stackOf({ web: service(`${bed.registry}/never:1`) }) }
    await expect(assertRestorable(run.ports, engine, unknown)).rejects.toThrow(`image ${bed.registry}/never:1`)
    const carried = { ...previous.release, rendered: stackOf({ web: service('127.0.0.1:61234/shop/web:1') }) }
    await expect(assertRestorable(run.ports, engine, carried)).rejects.toThrow('image 127.0.0.1:61234/shop/web:1')
    const silent = { ...previous.release, rendered: stackOf({ web: service(`${bed.address}:1/shop/web:1`) }) }
    await assertRestorable(run.ports, engine, silent)
    expect(run.lines.at(-1)).toContain('could not be found out')
  }, 120_000)

  it('removes images that it brought once no release needs them', async () => {
    const { engine } = run.host
    const pushed = await Promise.all(
      ['1', '2', '3'].map(tag => pushApp(bed.registry, { name: `brought:${tag}`, env: { BROUGHT: tag } }))
    )
    const brought = pushed.map(({ pinned }) => pinned)
    for (const image of brought) await deploy('img', stackOf({ web: service(image) }), [], { web: image })
    await stopped('img')
    await bed.server.docker('container', 'prune', '--force')
    const collected = await collectGarbage(run.ports, engine, { stack: 'img', keep: 1 })
    // The second image is the live service's PreviousSpec.
    expect(collected.images).toEqual([brought[0]])
    expect(collected.releases).toEqual(['r1'])
    expect((await readReleases(engine, 'img')).map(({ id, verdict }) => [id, verdict])).toEqual([
      ['r3', 'deployed'],
      ['r2', 'retired']
    ])
    const left = await bed.server.docker('image', 'ls', '--digests', '--format', '{{.Repository}}@{{.Digest}}')
    expect(left).not.toContain(`/brought@${brought[0]?.split('@')[1]}`)
    expect(left).toContain(`/brought@${brought[1]?.split('@')[1]}`)
  }, 120_000)

  it('takes a stack down until nothing is left, and again', async () => {
    const [v1 = ''] = images
    const wanted = stackOf(
      { web: service(v1, { volumes: [{ type: 'volume', source: 'data', target: '/data' }] }, { replicas: 2 }) },
      { volumes: { data: {} } }
    )
    await deploy('gone', wanted)
    const { engine } = run.host
    const kept = await removeStack(run.ports, engine, { stack: 'gone', volumes: false, timeoutMs: 60_000 })
    expect(kept.removed).toMatchObject({ services: 1, networks: 1, configs: 1, volumes: 0 })
    expect(kept.left).toEqual(['Volume gone_data keeps its data; `remove-volumes: true` removes it too.'])
    await deploy('gone', wanted)
    const all = await removeStack(run.ports, engine, { stack: 'gone', volumes: true, timeoutMs: 60_000 })
    expect(all).toMatchObject({ existed: true, removed: { volumes: 1 }, left: [] })
    const again = await removeStack(run.ports, engine, { stack: 'gone', volumes: true, timeoutMs: 60_000 })
    expect(again.existed).toBe(false)
    expect(await bed.server.docker('ps', '-aq', '--filter', 'label=com.docker.stack.namespace=gone')).toBe('')
  }, 120_000)
})
