import { describe, expect, it } from '@jest/globals'
import { UserError } from '../../../src/errors.js'
import { findRelease, presentRelease, rollbackTargets } from '../../../src/release/find.js'
import { parseEntry, type ReleaseEntry } from '../../../src/release/record.js'
import { entry, live, unreadable } from './swarm.js'

const commit = (digit: string) => digit.repeat(40)
const r1 = entry('r1', { commit: commit('1') })
const r2 = entry('r2', { commit: commit('2') })
const r3 = entry('r3', { commit: commit('3') })
const failed = entry('r4', { commit: commit('4'), verdict: 'failed' })
const undone = entry('r4', { commit: commit('4'), verdict: 'rolled-back' })
const back = entry('r4', { commit: commit('2'), rollbackOf: 'r2' })

describe('the release to go back to', () => {
  it.each<[string, readonly ReleaseEntry[], string, string]>([
    ['the one before', [r3, r2, r1], 'previous', 'r2'],
    ['the last good one, after one that failed and was left', [failed, r3, r2], 'previous', 'r3'],
    ['the one before the live one, after one that was rolled back', [undone, r3, r2], 'previous', 'r2'],
    ['a rollback of a rollback', [back, r3, r2, r1], 'previous', 'r3'],
    ['by id', [r3, r2, r1], 'r1', 'r1'],
    ['by id in capitals', [r3, r2, r1], 'R1', 'r1'],
    ['the live one itself, by id', [r3, r2], 'r3', 'r3'],
    ['by commit', [r3, r2, r1], commit('1'), 'r1'],
    ['by the first characters of the commit', [r3, r2, r1], '2222222', 'r2'],
    ['the newest of one commit', [back, r3, r2], '2222222', 'r4']
  ])('%s', (_title, entries, wanted, id) => {
    expect(findRelease(entries, wanted).id).toBe(id)
  })

  it.each<[string, ReleaseEntry['verdict'], readonly string[], string]>([
    ['was cancelled and is gone', 'cancelled', ['r3', 'r1'], 'r2'],
    ['was killed, and the swarm took it back itself', 'pending', ['r3'], 'r2'],
    ['was killed half-way', 'pending', ['r4', 'r3'], 'r3'],
    ['failed and was left', 'failed', ['r4'], 'r3'],
    ['was deployed, with all of it scaled away', 'deployed', [], 'r3']
  ])('after a run that %s', (_title, verdict, releases, id) => {
    const services = releases.map((release, index) => live('shop', `s${index}`, { release }))
    const entries = [entry('r4', { verdict }), r3, r2, r1]
    expect(findRelease(entries, 'previous', services).id).toBe(id)
    expect(presentRelease(entries, services)?.id).toBe(id === 'r3' ? 'r4' : 'r3')
  })

  it.each<[string, readonly ReleaseEntry[], string, RegExp]>([
    ['there never was one', [], 'previous', /keeps no release/],
    ['only one that failed', [failed], 'previous', /keeps no release/],
    ['the live one is the first', [r1], 'previous', /no release before/],
    ['an unknown id', [r3, r2], 'r9', /no release "r9"/],
    ['one that never went live', [undone, r3], 'r4', /never went live \(rolled-back\)/],
    ['a commit that never went live', [failed, r3], '4444444', /no release/],
    ['too little of a commit', [r3, r2], '222', /no release "222"/],
    ['a branch', [r3, r2], 'main', /no release "main"/],
    [
      'two commits',
      [entry('r2', { commit: 'abcdef01' }), entry('r1', { commit: 'abcdef02' })],
      'abcdef0',
      /More than one/
    ],
    ['a record that cannot be read', [r3, parseEntry(unreadable(r2)) as ReleaseEntry], 'previous', /cannot be read/]
  ])('is refused: %s', (_title, entries, wanted, message) => {
    expect(() => findRelease(entries, wanted)).toThrow(message)
    expect(() => findRelease(entries, wanted)).toThrow(UserError)
  })

  it('comes with the choice', () => {
    expect(rollbackTargets([undone, r3, r2, r1]).map(({ id }) => id)).toEqual(['r2', 'r1'])
    expect(rollbackTargets([failed, r3, r2]).map(({ id }) => id)).toEqual(['r3', 'r2'])
    try {
      findRelease([r3, r2], 'r9')
    } catch (error) {
      expect((error as UserError).problems[0]?.remedy).toBe('One can go back to r2 (2222222, 2030-01-02 03:04 UTC).')
    }
    expect.assertions(3)
  })
})
