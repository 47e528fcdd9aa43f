import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Service } from '../../../src/engine-types.js'
import { planRecovery, type Accident } from '../../../src/release/recovery.js'
import { entry, live, stackOf, type Given } from './swarm.js'

const old: Given = { release: 'r1', content: 'c1', image: 'app:1', version: 10 }
const bad: Given = { release: 'r2', content: 'c2', image: 'app:2', version: 20 }
const recorded = entry('r1', { rendered: stackOf({ web: { release: 'r1', content: 'c1' } }) })

function plan(before: Given | null, now: Given | null, more: Partial<Accident> = {}): unknown {
  const [step] = planRecovery({
    stack: 'shop',
    release: 'r2',
    rendered: stackOf({ web: { release: 'r2', content: 'c2' } }),
    jobs: [],
    before: before === null ? [live('shop', 'other', old)] : [live('shop', 'web', before)],
    now: now === null ? [] : [live('shop', 'web', now)],
    last: recorded,
    ...more
  })
  const { action, why } = step ?? {}
  const release = step !== undefined && 'release' in step ? step.release : undefined
  return [action, release, why]
}

describe('the way back to the release before', () => {
  it.each<[string, unknown, unknown]>([
    ['what was updated', plan(old, bad), ['respec', 'r1', 'back to release r1']],
    ['what was updated, without any record', plan(old, bad, { last: null }), ['respec', 'r1', 'back to release r1']],
    ['what ran without us', plan({ image: 'app:0' }, bad, { last: null }), ['respec', null, 'back to what ran before']],
    ['what was not touched', plan(old, old), ['wait', 'r1', 'it was not touched']],
    [
      'what the swarm takes back',
      plan(old, { ...old, version: 30 }),
      ['wait', 'r1', 'the swarm has taken it back itself']
    ],
    ['what is new', plan(null, bad, { last: entry('r1') }), ['remove', undefined, 'it was not in the release before']],
    ['what never was made', plan(null, null, { last: entry('r1') }), ['leave', undefined, 'was not made']],
    ['what somebody removed', plan(old, null, { last: entry('r1') }), ['leave', undefined, 'somebody removed it']],
    [
      'what is new, but another run made',
      plan(null, { release: 'r3' }, { last: entry('r1') }),
      ['leave', undefined, 'it was made by r3']
    ],
    [
      'what another run has changed since',
      plan(old, { ...bad, release: 'r3' }),
      ['leave', undefined, "release r3 is there, which is another run's"]
    ]
  ])('%s', (_title, found, expected) => {
    expect(found).toEqual(expected)
  })

  const killed: Given = { release: 'r0', content: 'c0' }

  it.each<[string, unknown, unknown]>([
    ['is redeployed from its record', plan(killed, bad), ['redeploy', 'r1', 'back to release r1']],
    ['also when the swarm has gone back to that half', plan(killed, killed), ['redeploy', 'r1', 'back to release r1']],
    ['also when it was gone before', plan(null, bad), ['redeploy', 'r1', 'back to release r1']],
    ['unless it got there somehow', plan(killed, old), ['wait', 'r1', 'it is at release r1 already']]
  ])('what a killed run had left half done %s', (_title, found, expected) => {
    expect(found).toEqual(expected)
  })

  it.each<[string, readonly string[], number | undefined]>([
    ['keeps the scale by hand where that release leaves the replicas open', ['web'], 5],
    ['takes the replicas of the record where it names them', [], undefined]
  ])('of what a killed run had left half done %s', (_title, openReplicas, replicas) => {
    const last = { ...recorded, release: { ...recorded.release, openReplicas } }
    const [step] = planRecovery({
      stack: 'shop',
      release: 'r2',
      rendered: stackOf({ web: { release: 'r2', content: 'c2' } }),
      jobs: [],
      before: [live('shop', 'web', { ...killed, replicas: 5 })],
      now: [live('shop', 'web', bad)],
      last
    })
    expect(step).toMatchObject({ action: 'redeploy', change: { service: 'shop_web', kind: 'update', why: 'restored' } })
    const change = step?.action === 'redeploy' && step.change
    expect(change && 'replicas' in change ? change.replicas : undefined).toBe(replicas)
  })

  it('puts back what the failed release leaves out, where a run before it had taken a port from it', () => {
    const [caddy, web] = planRecovery({
      stack: 'shop',
      release: 'r3',
      rendered: stackOf({ caddy: { release: 'r3', content: 'c3' } }),
      jobs: [],
      before: [live('shop', 'web', { release: 'r2' })],
      now: [live('shop', 'web', { release: 'r2' }), live('shop', 'caddy', { release: 'r3' })],
      last: recorded
    })
    expect([web, caddy]).toMatchObject([
      { key: 'web', action: 'redeploy', release: 'r1' },
      { key: 'caddy', action: 'remove' }
    ])
  })

  it('leaves a first deploy as it is', () => {
    const first = { before: [], last: null }
    expect(plan(null, bad, first)).toEqual(['leave', undefined, 'a first deploy has nothing to go back to'])
  })

  it.each<[string, unknown, string]>([
    ['completed', { ...bad, job: { completed: 1, running: 0 } }, 'leave'],
    ['failed', { ...bad, job: { completed: 0, running: 0 } }, 'remove'],
    ['is still running', { ...bad, job: { completed: 0, running: 1 } }, 'remove'],
    ['was not run', { ...old, job: { completed: 1, running: 0 } }, 'leave']
  ])('never runs a job backwards: one that %s', (_title, now, action) => {
    expect((plan({ ...old, job: { completed: 1 } }, now as Given, { jobs: ['web'] }) as unknown[])[0]).toBe(action)
  })

  it('never removes a service that was there before, and posts no Spec but the captured one', () => {
    const label = fc.constantFrom(undefined, 'r0', 'r1', 'r2', 'r3')
    const services = (prefix: number) =>
      fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), release: label }), { maxLength: 4 }).map(list =>
        [...new Map(list.map(given => [given.key, given])).values()].map(({ key, release }, index): Service =>
          live('shop', key, {
            ...(release !== undefined && { release }),
            version: prefix + index,
            image: `app:${prefix}`
          })
        )
      )
    fc.assert(
      fc.property(services(10), services(20), fc.boolean(), (before, now, withRecord) => {
        const rendered = stackOf({
          a: { release: 'r2' },
          b: { release: 'r2' },
          c: { release: 'r2' },
          d: { release: 'r2' }
        })
        const last = withRecord
          ? entry('r1', { rendered: stackOf({ a: { release: 'r1' }, b: { release: 'r0' } }) })
          : null
        const steps = planRecovery({ stack: 'shop', release: 'r2', rendered, jobs: [], before, now, last })
        for (const step of steps) {
          const captured = before.find(({ Spec }) => Spec.Name === step.service)
          if (step.action === 'remove') expect(captured).toBeUndefined()
          if (step.action === 'respec') expect(step.spec).toBe(captured?.Spec)
          if (step.action === 'redeploy') expect(last?.release.rendered.services[step.key]).toBeDefined()
        }
        expect(steps.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
      })
    )
  })
})
