import { describe, expect, it } from '@jest/globals'
import type { SwarmObject } from '../../../src/engine-types.js'
import {
  askLabels,
  describeHolder,
  freeLabels,
  isExpired,
  leaseLabels,
  leaseTimes,
  lockName,
  nextStep,
  parseLease,
  type Efforts,
  type Lease,
  type Look,
  type Step
} from '../../../src/release/lease.js'

const lease: Lease = {
  owner: { runUrl: 'https://github.com/o/r/actions/runs/1', actor: 'octocat', command: 'deploy' },
  nonce: 'n1',
  since: '2030-01-02T03:04:05.678Z'
}

function lock(labels: Readonly<Record<string, string>>, updatedAt?: string): SwarmObject {
  return {
    ID: 'id',
    Version: { Index: 1 },
    ...(updatedAt !== undefined && { UpdatedAt: updatedAt }),
    Spec: { Name: lockName('shop'), Labels: labels }
  }
}

describe('the lock as it lies in the swarm', () => {
  it('is read back as it was written, and can be asked for', () => {
    const held = lock(leaseLabels('shop', lease, 3))
    expect(parseLease(held)).toEqual(lease)
    expect(parseLease(lock(askLabels(held, 'closed')))).toEqual({ ...lease, asked: 'closed' })
    expect(parseLease(lock(freeLabels('shop')))).toBeNull()
    expect(parseLease(lock({}))).toBeNull()
  })

  it('differs with every renewal', () => {
    expect(leaseLabels('shop', lease, 1)).not.toEqual(leaseLabels('shop', lease, 2))
  })

  const renewed = '2030-01-02T03:04:05.123456789Z'
  const at = Date.parse('2030-01-02T03:04:05.123Z')

  it.each<[string, string | undefined, number, boolean]>([
    ['just renewed', renewed, at, false],
    ['at its last moment', renewed, at + leaseTimes.expiresAfterMs, false],
    ['after it', renewed, at + leaseTimes.expiresAfterMs + 1, true],
    ['renewed in the future, as the clocks differ', renewed, at - 60_000, false],
    ['without a time', undefined, at + 1e9, false],
    ['with a time that is none', 'soon', at + 1e9, false]
  ])('%s', (_title, updatedAt, now, expired) => {
    expect(isExpired(lock(leaseLabels('shop', lease, 1), updatedAt), now)).toBe(expired)
  })

  it('outlives several renewals that fail', () => {
    expect(leaseTimes.expiresAfterMs / leaseTimes.renewEveryMs).toBeGreaterThanOrEqual(5)
  })

  it('says who holds it, as far as that is known', () => {
    expect(describeHolder(lease)).toBe(
      'the deploy of octocat, https://github.com/o/r/actions/runs/1, since 03:04:05 UTC'
    )
    expect(describeHolder({ owner: { runUrl: '', actor: '', command: '' }, nonce: 'n', since: '' })).toBe('the run')
  })
})

describe('what a run does that wants the lock', () => {
  const now = Date.parse('2030-01-02T03:10:00Z')
  const fresh = '2030-01-02T03:09:50Z'
  const silent = '2030-01-02T03:08:00Z'
  const error = new Error('socket hang up')
  const other: Lease = { ...lease, nonce: 'n2' }
  const theirs = lock(leaseLabels('shop', other, 1), fresh)
  const dead = lock(leaseLabels('shop', other, 1), silent)
  const free = lock(freeLabels('shop'), fresh)
  const mine = lock(leaseLabels('shop', lease, 0), fresh)
  const who = describeHolder(other)
  const nothing: Efforts = { unanswered: false, told: '', asked: false }
  const none: Look['made'] = { is: 'none' }
  const taken: Look['made'] = { is: 'taken' }
  const unanswered: Look['made'] = { is: 'unanswered', error }
  const nobody: Step = { is: 'wait', holder: null, tell: false, ask: null }
  const first: Step = { is: 'wait', holder: who, tell: true, ask: null }

  it.each<[string, Pick<Look, 'made' | 'present'>, Partial<Efforts>, boolean, Step]>([
    ['made: holds it', { made: { is: 'made', id: 'x' }, present: null }, {}, false, { is: 'hold', id: 'x' }],
    ['no answer, but made: holds it', { made: unanswered, present: mine }, {}, false, { is: 'hold', id: 'id' }],
    ['made before, seen only now: holds it', { made: none, present: mine }, {}, true, { is: 'hold', id: 'id' }],
    ['no answer, nothing made: once more', { made: unanswered, present: null }, {}, false, { is: 'look-again' }],
    [
      'no answer again: gives up',
      { made: unanswered, present: null },
      { unanswered: true },
      false,
      { is: 'give-up', error }
    ],
    [
      'no answer, another’s lies there: waits',
      { made: unanswered, present: theirs },
      { unanswered: true },
      false,
      first
    ],
    ['another was faster, and is gone: waits', { made: taken, present: null }, { unanswered: true }, true, nobody],
    ['another holds it: says so', { made: taken, present: theirs }, {}, false, first],
    ['says it once', { made: none, present: theirs }, { told: who }, false, { ...first, tell: false }],
    ['says it of the next holder', { made: none, present: theirs }, { told: 'somebody' }, false, first],
    ['asks to stop where it may', { made: none, present: theirs }, {}, true, { ...first, ask: theirs }],
    ['asks once', { made: none, present: theirs }, { asked: true }, true, first],
    [
      'a silent holder: marks its lock as free and removes it',
      { made: none, present: dead },
      { told: who },
      true,
      { is: 'clear', lock: dead, mark: true, otherwise: { is: 'wait', holder: who, tell: false, ask: dead } }
    ],
    [
      'nobody’s: removes it, and tells of nobody',
      { made: none, present: free },
      {},
      true,
      { is: 'clear', lock: free, mark: false, otherwise: nobody }
    ]
  ])('%s', (_title, seen, before, mayAsk, expected) => {
    expect(nextStep({ ...seen, engineNow: now }, { ...nothing, ...before }, { nonce: 'n1', mayAsk })).toEqual(expected)
  })
})
