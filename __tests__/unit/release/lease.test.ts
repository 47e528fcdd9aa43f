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
  parseLease,
  type Lease
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
