import { describe, expect, it } from '@jest/globals'
import type { Change } from '../../../src/release/compare.js'
import type { Release } from '../../../src/release/record.js'
import { changesAnything, isSettled } from '../../../src/release/settled.js'

const web = { service: 'shop_web', key: 'web', job: false } as const
const unchanged = (release: string): Change => ({ ...web, kind: 'unchanged', release })
const created: Change = { ...web, kind: 'create', image: 'app:1' }

/** The live release, whose record says that web was last changed by `release`. */
function live(release: string | null): { release: Release | null } {
  if (release === null) return { release: null }
  const services = { web: { image: 'app:1', deploy: { labels: { 'swarm-rollout.release': release } } } }
  return { release: { rendered: { services } } as unknown as Release }
}

describe('what a deploy leaves alone', () => {
  it.each<[string, Change[], { release: Release | null } | null, boolean]>([
    ['is what the live release recorded', [unchanged('r4')], live('r4'), true],
    ['was last changed by an older release, as recorded', [unchanged('r2')], live('r2'), true],
    ['was applied by a run that never came to a good end', [unchanged('r5')], live('r4'), false],
    ['was left by a first deploy that failed', [unchanged('r1')], null, false],
    ['cannot be compared, as the record is unreadable', [unchanged('r4')], live(null), false],
    ['is nothing: the service is new', [created], null, true]
  ])('%s', (_, changes, last, settled) => {
    expect(isSettled(changes, last)).toBe(settled)
  })
})

describe('a deploy', () => {
  it.each<[Change, boolean]>([
    [unchanged('r4'), false],
    [created, true],
    [{ ...web, kind: 'remove', release: 'r4' }, true],
    [{ ...web, kind: 'foreign' }, false],
    [{ ...web, kind: 'skip' }, false]
  ])('with only %j changes something: %s', (change, changes) => {
    expect(changesAnything([change])).toBe(changes)
  })
})
