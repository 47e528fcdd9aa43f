import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { Service } from '../../src/engine-types.js'
import { label } from '../../src/model.js'
import { applyStack } from '../../src/stages/apply.js'
import { restore } from '../../src/stages/restore.js'
import { ReleaseRun, service, stackOf } from './release-run.ts'
import type { StageRun } from './stages.ts'

/** The way back, whatever the swarm or another run has done meanwhile. */
let swarm: ReleaseRun
let run: StageRun
let images: readonly string[]

beforeAll(async () => {
  swarm = await ReleaseRun.open('restore')
  ;({ run, images } = swarm)
}, 240_000)

afterAll(async () => {
  await swarm?.[Symbol.asyncDispose]()
})

it('goes back as a whole: what was updated, what is new, and the job that failed', async () => {
  const [v1 = '', v2 = ''] = images
  const good = stackOf({ web: service(v1), api: service(v1), still: service(v1) })
  await swarm.deploy('back', good)
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
  const { entry, before, last } = await swarm.put('back', bad)
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
  await swarm.settled('back')
  const now = await run.host.engine.services('back')
  const specs = (services: readonly Service[]) => Object.fromEntries(services.map(({ Spec }) => [Spec.Name, Spec]))
  expect(specs(now)).toEqual(specs(captured))
}, 120_000)

it('goes back to what was last deployed, not to what a killed run had left half done', async () => {
  const [v1 = '', v2 = '', v3 = ''] = images
  await swarm.deploy('half', stackOf({ web: service(v1), api: service(v1) }))
  // Killed before its verdict: the record stays pending.
  await swarm.put('half', stackOf({ web: service(v2), api: service(v1) }))
  await swarm.settled('half')
  const { entry, before, last } = await swarm.put('half', stackOf({ web: service(v3), api: service(v3) }))
  const restoration = await restore(run.ports, run.host, {
    stack: 'half',
    release: entry?.release.id ?? '',
    rendered: entry?.release.rendered ?? stackOf({}),
    jobs: [],
    before,
    last,
    redeploy: (rendered, changes, live) => {
      const { ports, host, dockerConfig } = run
      const services = changes.map(({ key }) => key)
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
  await swarm.settled('half')
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
    await swarm.deploy(stack, stackOf({ web: service(v1, {}, auto) }))
    const captured = await run.host.engine.services(stack)
    const crash = { environment: { PORT: '', EXIT_AFTER: '0', EXIT_CODE: '1' } }
    const { entry, before, last } = await swarm.put(stack, stackOf({ web: service(v2, crash, auto) }))
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
    await swarm.settled(stack)
    const [web] = await run.host.engine.services(stack)
    expect(web?.Spec).toEqual(captured[0]?.Spec)
    expect(web?.ServiceStatus?.RunningTasks).toBe(1)
    expect(web?.UpdateStatus?.State ?? 'completed').toMatch(/^(rollback_)?completed$/)
  },
  60_000
)
