import { describe, expect, it } from '@jest/globals'
import { label } from '../../../src/model.js'
import {
  expiredPreviews,
  isKnownClosed,
  listPreviews,
  overLimit,
  previewsOf,
  stillExpired,
  type Preview
} from '../../../src/release/previews.js'
import { entry, live } from './swarm.js'

const hour = 3_600_000
const now = Date.parse('2030-01-10T00:00:00Z')

function preview(number: number, hours: number): Preview {
  return { stack: `shop-pr-${number}`, preview: `o/shop#${number}`, lastDeploy: now - hours * hour }
}

describe('more previews than the limit', () => {
  it('are named, the oldest, as those that prune will remove', () => {
    const three = [preview(1, 1), preview(2, 5), preview(3, 80)]
    expect(overLimit(three, 1)).toBe(
      '3 previews are live, more than `preview-limit` allows (1): the next run with `command: prune` and that limit ' +
        'removes `shop-pr-2`, `shop-pr-3`.'
    )
    expect([overLimit(three, 3), overLimit(three, 0)]).toEqual([null, null])
  })

  it('are those of one repository, however its name is written', () => {
    const other = { ...preview(1, 1), preview: 'o/shop-two#1' }
    expect(previewsOf('O/Shop', [preview(2, 1), other, { ...other, preview: 'nonsense' }])).toEqual([preview(2, 1)])
  })
})

describe('the previews of a swarm', () => {
  it('are found by their records, their services, or both; the last deploy counts', () => {
    const record = (stack: string, id: string, at: string) => {
      const { object } = entry(id, { stack, at })
      return { ...object, Spec: { ...object.Spec, Labels: { ...object.Spec.Labels, [label.preview]: 'o/shop#1' } } }
    }
    const service = {
      ...live('shop-pr-2', 'web', { labels: { [label.preview]: 'o/shop#2' } }),
      CreatedAt: '2030-01-03T00:00:00Z'
    }
    const records = [
      record('shop-pr-1', 'r1', '2030-01-01T00:00:00Z'),
      record('shop-pr-1', 'r2', '2030-01-02T00:00:00Z')
    ]
    expect(listPreviews([...records, entry('r9').object], [service, live('shop', 'web')])).toEqual([
      { stack: 'shop-pr-2', preview: 'o/shop#2', lastDeploy: Date.parse('2030-01-03T00:00:00Z') },
      { stack: 'shop-pr-1', preview: 'o/shop#1', lastDeploy: Date.parse('2030-01-02T00:00:00Z') }
    ])
  })

  it.each<[string, Parameters<typeof expiredPreviews>[1], readonly string[]]>([
    ['none, within their time', { now, ttlMs: 100 * hour }, []],
    ['none at the last moment', { now, ttlMs: 72 * hour }, []],
    ['past their time', { now, ttlMs: 10 * hour }, ['3: its last deploy was 3 days ago']],
    [
      'past their time, in hours',
      { now, ttlMs: hour },
      ['2: its last deploy was 5 h ago', '3: its last deploy was 3 days ago']
    ],
    [
      'closed',
      { now, ttlMs: null, closed: ({ preview: name }) => name.endsWith('#1') },
      ['1: its pull request is closed']
    ],
    ['too many, the oldest first', { now, ttlMs: null, limit: 2 }, ['3: 2 newer previews are live']],
    [
      'too many, where a closed one does not count',
      { now, ttlMs: null, limit: 2, closed: ({ preview: name }) => name.endsWith('#2') },
      ['2: its pull request is closed']
    ]
  ])('go: %s', (_title, rule, expected) => {
    const found = expiredPreviews([preview(3, 72), preview(1, 1), preview(2, 5)], rule)
    expect(found.map(({ preview: { preview: name }, why }) => `${name.split('#')[1]}: ${why}`)).toEqual(expected)
  })
})

describe('a pull request is known to be closed', () => {
  it.each<[string, Parameters<typeof isKnownClosed>, boolean]>([
    ['when GitHub says so', [{ state: 'closed' }, true], true],
    ['not when it is open', [{ state: 'open' }, true], false],
    ['when the repository has no such number', [null, true], true],
    ['not when the token does not see the repository', [null, false], false],
    ['not when GitHub could not be asked', [undefined, true], false]
  ])('%s', (_title, given, expected) => {
    expect(isKnownClosed(...given)).toBe(expected)
  })
})

describe('a preview that was to go, looked at again', () => {
  const old = preview(3, 72)
  const ttl = { now, ttlMs: 10 * hour }
  const closed = { now, ttlMs: null, closed: ({ stack }: Preview) => stack === old.stack }
  it.each<[string, readonly Preview[], Parameters<typeof expiredPreviews>[1], string | null]>([
    ['as it was', [preview(1, 1), old], ttl, 'its last deploy was 3 days ago'],
    ['deployed again', [preview(1, 1), preview(3, 0)], ttl, null],
    ['gone', [preview(1, 1)], ttl, null],
    ['of another pull request now', [{ ...old, preview: 'o/shop#4' }], ttl, null],
    ['closed still', [old], closed, 'its pull request is closed'],
    ['open again', [old], { now, ttlMs: null }, null],
    ['closed now, which was only old', [old], { ...closed, ttlMs: hour }, 'its pull request is closed'],
    [
      'one too many still',
      [preview(1, 1), preview(2, 5), old],
      { now, ttlMs: null, limit: 2 },
      '2 newer previews are live'
    ],
    ['not one too many any more', [preview(1, 1), old], { now, ttlMs: null, limit: 2 }, null]
  ])('%s', (_title, present, rule, why) => {
    expect(stillExpired(old, present, rule)?.why ?? null).toBe(why)
  })
})
