import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { label, type Json } from '../../src/model.js'
import type { Engine } from '../../src/ports.js'
import { describeChange, type Change } from '../../src/release/compare.js'
import { findRelease } from '../../src/release/find.js'
import { collectGarbage } from '../../src/stages/collect.js'
import { assertRestorable, markRelease, readReleases, saveRelease } from '../../src/stages/releases.js'
import { removeStack } from '../../src/stages/remove.js'
import { ReleaseRun, service, stackOf } from './release-run.ts'
import type { StageRun } from './stages.ts'

let swarm: ReleaseRun
let run: StageRun
let bed: Bed
let images: readonly string[]

beforeAll(async () => {
  swarm = await ReleaseRun.open('releases')
  ;({ run, bed, images } = swarm)
}, 240_000)

afterAll(async () => {
  await swarm?.[Symbol.asyncDispose]()
})

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
    const first = await swarm.deploy('one', stackOf({ web: service(v1), api: service(v1), job }))
    expect(kinds(first.changes)).toEqual({ web: 'create', api: 'create', job: 'create' })
    expect((await readReleases(run.host.engine, 'one')).map(({ id, verdict }) => [id, verdict])).toEqual([
      ['r1', 'deployed']
    ])
    const was = await versions('one')
    const again = await swarm.put('one', stackOf({ web: service(v1), api: service(v1), job }))
    expect(kinds(again.changes)).toEqual({ web: 'unchanged', api: 'unchanged', job: 'unchanged' })
    expect(await versions('one')).toEqual(was)
    const second = await swarm.deploy('one', stackOf({ web: service(v2), api: service(v1), job }))
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
    await swarm.deploy('drift', wanted, ['open'])
    await bed.server.docker('service', 'update', '--detach', '--no-resolve-image', '--image', v2, 'drift_web')
    await bed.server.docker('service', 'update', '--detach', '--env-add', 'BY_HAND=1', 'drift_api')
    await bed.server.docker('service', 'scale', '--detach', 'drift_open=2')
    await swarm.settled('drift')
    const { changes } = await swarm.deploy('drift', wanted, ['open'])
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
    expect(kinds((await swarm.put('drift', wanted, ['open'])).changes)).toEqual({
      web: 'unchanged',
      api: 'unchanged',
      open: 'unchanged'
    })
    const next = await swarm.deploy('drift', stackOf({ ...wanted.services, open: service(v2) } as never), ['open'])
    expect(kinds(next.changes)['open']).toBe('update')
    expect((await run.host.engine.service('drift_open'))?.Spec.Mode?.Replicated?.Replicas).toBe(2)
  }, 120_000)

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
      await swarm.deploy('gc', with_(n))
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
    for (const image of brought) await swarm.deploy('img', stackOf({ web: service(image) }), [], { web: image })
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
    await swarm.deploy('gone', wanted)
    const { engine } = run.host
    const kept = await removeStack(run.ports, engine, { stack: 'gone', volumes: false, timeoutMs: 60_000 })
    expect(kept.removed).toMatchObject({ services: 1, networks: 1, configs: 1, volumes: 0 })
    expect(kept.left).toEqual(['Volume gone_data keeps its data; `remove-volumes: true` removes it too.'])
    await swarm.deploy('gone', wanted)
    const all = await removeStack(run.ports, engine, { stack: 'gone', volumes: true, timeoutMs: 60_000 })
    expect(all).toMatchObject({ existed: true, removed: { volumes: 1 }, left: [] })
    const again = await removeStack(run.ports, engine, { stack: 'gone', volumes: true, timeoutMs: 60_000 })
    expect(again.existed).toBe(false)
    expect(await bed.server.docker('ps', '-aq', '--filter', 'label=com.docker.stack.namespace=gone')).toBe('')
  }, 120_000)
})
