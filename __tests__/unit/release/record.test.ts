import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import {
  decodeRelease,
  encodeRelease,
  isStillThere,
  keyOf,
  liveRelease,
  nextId,
  objectName,
  parseEntries,
  parseEntry,
  releaseName
} from '../../../src/release/record.js'
import { entry, live, stackOf, unreadable } from './swarm.js'

describe('a release record', () => {
  it('is read back as it was written', () => {
    const rendered = stackOf({ web: { image: 'app:1@sha256:0', environment: { A: 'x'.repeat(1000), B: '$$' } } })
    const written = entry('r7', { rendered, images: { web: 'app:1' }, rollbackOf: 'r3', commit: 'abc' })
    expect(decodeRelease(encodeRelease(written.release))).toEqual(written.release)
    expect(parseEntry(written.object)).toMatchObject({
      id: 'r7',
      number: 7,
      verdict: 'deployed',
      commit: 'abc',
      rollbackOf: 'r3',
      actor: 'octocat'
    })
  })

  it('shrinks what repeats itself: 300 services fit into one config', () => {
    const services = Array.from(
      { length: 300 },
      (_, i) => [`s${i}`, { environment: { URL: `http://s${i}:80/`, MODE: 'x' } }] as const
    )
    const { release } = entry('r1', { rendered: stackOf(Object.fromEntries(services)) })
    expect(encodeRelease(release).length).toBeLessThan(20_000)
  })

  it('stays in the list when its data cannot be read, and says why', () => {
    const broken = parseEntry(unreadable(entry('r2')))
    expect(broken).toMatchObject({ id: 'r2', release: null })
    expect(broken?.unreadable).toBeTruthy()
    const newer = Buffer.from(encodeRelease({ ...entry('r2').release, version: 2 as 1 })).toString('base64')
    const { object } = entry('r2')
    expect(parseEntry({ ...object, Spec: { ...object.Spec, Data: newer } })?.unreadable).toBe(
      'it was written by a newer version of this action'
    )
  })

  it.each([{ 'swarm-rollout.kind': 'lock' }, { 'swarm-rollout.kind': 'release', 'swarm-rollout.release': 'x1' }, {}])(
    'is not a config with the labels %j',
    labels => {
      const { object } = entry('r1')
      expect(parseEntry({ ...object, Spec: { ...object.Spec, Labels: labels as Record<string, string> } })).toBeNull()
    }
  )

  it('comes newest first, by number and not by text', () => {
    const objects = ['r2', 'r10', 'r9'].map(id => entry(id).object)
    expect(parseEntries(objects).map(({ id }) => id)).toEqual(['r10', 'r9', 'r2'])
  })

  it('is live when it is the newest that was deployed', () => {
    const entries = [
      entry('r5', { verdict: 'rolled-back' }),
      entry('r4', { verdict: 'pending' }),
      entry('r3'),
      entry('r2')
    ]
    expect(liveRelease(entries)?.id).toBe('r3')
    expect(liveRelease([])).toBeNull()
  })

  it('gets a number that was never used, even when the records are gone', () => {
    expect(nextId([], [])).toBe('r1')
    expect(nextId([entry('r10'), entry('r9')], [])).toBe('r11')
    expect(nextId([entry('r2')], [live('shop', 'web', { release: 'r40' })])).toBe('r41')
    expect(nextId([], [live('shop', 'web', { release: 'by-hand' })])).toBe('r1')
  })

  it.each<[string, readonly Service[], boolean]>([
    ['a service', [live('shop', 'web', { release: 'r1' }), live('shop', 'api', { release: 'r2' })], true],
    ['only a job', [live('shop', 'migrate', { release: 'r2', job: { completed: 1 } })], false],
    ['nothing', [live('shop', 'web', { release: 'r1' }), live('shop', 'theirs')], false]
  ])('is still there in %s', (_title, services, there) => {
    expect(isStillThere('r2', services)).toBe(there)
  })

  it('has a name that a config may have, and no two stacks share', () => {
    expect(releaseName('shop', 'r1')).toBe('shop.release.r1')
    const long = 'a'.repeat(70)
    const names = [objectName(long, 'release.r123456789'), objectName(`${long}b`, 'release.r123456789')]
    expect(names.every(name => name.length === 64)).toBe(true)
    expect(new Set(names).size).toBe(2)
    expect(names[0]).toMatch(/^a+-[0-9a-f]{8}\.release\.r123456789$/)
  })

  it('knows a service by its key', () => {
    expect(keyOf('shop', live('shop', 'web'))).toBe('web')
    expect(keyOf('sho', live('shop', 'web'))).toBe('shop_web')
  })
})
