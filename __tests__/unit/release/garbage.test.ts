import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { SwarmObject } from '../../../src/engine-types.js'
import { label } from '../../../src/model.js'
import { chooseGarbage, chooseImages, objectNames, type Garbage, type Inventory } from '../../../src/release/garbage.js'
import { parseEntry, type ReleaseEntry, type Verdict } from '../../../src/release/record.js'
import { entry, live, stackOf, unreadable } from './swarm.js'

function object(name: string, kind = 'secret', stack = 'shop'): SwarmObject {
  return {
    ID: `id-${name}`,
    Version: { Index: 1 },
    Spec: { Name: name, Labels: { [label.namespace]: stack, [label.kind]: kind } }
  }
}

const digest = (of: string) => `sha256:${of.repeat(64).slice(0, 64)}`

/** A release with one service, one secret and the image that it brought. */
function release(
  n: number,
  verdict: Verdict = 'deployed',
  stack = 'shop',
  image = `app:${n}@${digest(`${n % 10}`)}`
): ReleaseEntry {
  const rendered = stackOf({ web: { image, release: `r${n}` } }, { secrets: { s: { external: true, name: `s-${n}` } } })
  return entry(`r${n}`, { stack, verdict, rendered, images: { web: image } })
}

function choose(inventory: Partial<Inventory>): {
  secrets: string[]
  configs: string[]
  releases: string[]
  images: string[]
} {
  return names(
    chooseGarbage({ stack: 'shop', keep: 2, services: [], entries: [], secrets: [], configs: [], ...inventory })
  )
}

function names(garbage: Garbage): { secrets: string[]; configs: string[]; releases: string[]; images: string[] } {
  return {
    secrets: garbage.secrets.map(({ Spec }) => Spec.Name),
    configs: garbage.configs.map(({ Spec }) => Spec.Name),
    releases: garbage.releases.map(({ entry: { id }, waits }) => (waits ? `${id} waits` : id)),
    images: garbage.releases.flatMap(({ images }) => images)
  }
}

const secrets = [1, 2, 3, 4, 5].map(n => object(`s-${n}`))

describe('what may go', () => {
  it('is what older releases than the kept ones needed', () => {
    expect(choose({ entries: [5, 4, 3, 2].map(n => release(n)), secrets })).toEqual({
      secrets: ['s-1', 's-2', 's-3'],
      configs: [],
      releases: ['r3', 'r2'],
      images: [`app:3@${digest('3')}`, `app:2@${digest('2')}`]
    })
  })

  it('is not what a Spec or a PreviousSpec names, in any stack', () => {
    const services = [
      live('shop', 'web', { secrets: ['s-2'], previous: { secrets: ['s-1'] } }),
      live('other', 'web', { secrets: ['s-3'] })
    ]
    expect(choose({ entries: [release(5), release(4)], secrets, services }).secrets).toEqual([])
  })

  it('is not what a release of another stack names', () => {
    expect(choose({ entries: [release(5), release(4), release(1, 'deployed', 'other')], secrets }).secrets).toEqual([
      's-2',
      's-3'
    ])
  })

  it('is not what is not ours: without our label, or of another stack', () => {
    const { [label.kind]: _, ...labels } = object('x').Spec.Labels ?? {}
    const foreign = { ...object('x'), Spec: { Name: 'x', Labels: labels } }
    expect(
      choose({ entries: [release(5)], secrets: [foreign, object('y', 'secret', 'other'), object('z', 'key')] }).secrets
    ).toEqual([])
  })

  it('is nothing at all when a kept record cannot be read, of whatever stack', () => {
    const own = parseEntry(unreadable(entry('r4'))) as ReleaseEntry
    const other = parseEntry(unreadable(entry('r4', { stack: 'other' }))) as ReleaseEntry
    const nothing = { secrets: [], configs: [], releases: [], images: [] }
    expect(choose({ entries: [release(5), own, release(3), release(2)], secrets })).toEqual(nothing)
    expect(choose({ entries: [release(5), release(3), release(2), release(1), other], secrets })).toEqual(nothing)
  })

  it('keeps the live release even when nothing shall be kept', () => {
    expect(choose({ keep: 0, entries: [release(5), release(4)], secrets })).toMatchObject({
      releases: ['r4'],
      secrets: ['s-1', 's-2', 's-3', 's-4']
    })
  })

  it('keeps a run that may be at work, and the failed ones since as history', () => {
    const entries = [
      release(9, 'pending'),
      release(8),
      release(7, 'failed'),
      release(6),
      release(5, 'failed'),
      release(4)
    ]
    expect(choose({ entries }).releases).toEqual(['r5', 'r4'])
  })

  it('keeps no more failed ones than releases', () => {
    const entries = [release(8), release(7, 'failed'), release(6, 'failed'), release(5, 'timeout'), release(4)]
    expect(choose({ entries }).releases).toEqual(['r5'])
  })

  it('keeps an image that a kept release has under another tag', () => {
    const entries = [release(5), release(4, 'deployed', 'shop', `app:latest@${digest('3')}`), release(3)]
    expect(choose({ entries })).toMatchObject({ images: [], releases: ['r3'] })
  })

  it('remembers a release until the images that it brought may go, unless a later one does', () => {
    const old = release(3)
    const services = [live('shop', 'web', { image: `app:3@${digest('3')}` })]
    expect(choose({ entries: [release(5), release(4), old], services })).toMatchObject({
      images: [],
      releases: ['r3 waits']
    })
    const again = release(4, 'deployed', 'shop', `app:3@${digest('3')}`)
    expect(choose({ entries: [release(5), again, old], services })).toMatchObject({ images: [], releases: ['r3'] })
  })

  it('forgets in the end', () => {
    const entries = Array.from({ length: 60 }, (_, i) =>
      release(100 - i, i < 2 ? 'deployed' : 'retired', 'shop', `app:${i}`)
    )
    const found = choose({ entries })
    expect(found.releases).toHaveLength(58)
    expect(found.images).toHaveLength(50)
  })
})

describe('the images of a stack that goes', () => {
  it('are those that no other stack needs', () => {
    const entries = [release(2), release(1), release(2, 'deployed', 'other')]
    expect(
      chooseImages({ stack: 'shop', services: [live('shop', 'web', { image: `app:1@${digest('1')}` })], entries })
    ).toEqual([`app:1@${digest('1')}`])
    expect(
      chooseImages({ stack: 'shop', services: [live('other', 'web', { image: `x@${digest('1')}` })], entries })
    ).toEqual([])
  })
})

it('never chooses anything that a rollback may need', () => {
  const verdict = fc.constantFrom<Verdict>(
    'deployed',
    'deployed',
    'deployed',
    'failed',
    'rolled-back',
    'pending',
    'retired'
  )
  const objectName = fc.constantFrom('s-1', 's-2', 's-3', 's-4', 's-5', 's-6')
  const stack = fc.constantFrom('shop', 'shop', 'other')
  const releases = fc
    .array(fc.record({ verdict, stack, secrets: fc.array(objectName, { maxLength: 3 }), image: fc.nat(5) }), {
      maxLength: 12
    })
    .map(list =>
      list
        .map(({ verdict: how, stack: of, secrets: named, image }, index) => {
          const reference = `app:${image}@${digest(`${image}`)}`
          const rendered = stackOf(
            { web: { image: reference } },
            { secrets: Object.fromEntries(named.map(name => [name, { external: true, name }])) }
          )
          return entry(`r${index + 1}`, { verdict: how, stack: of, rendered, images: { web: reference } })
        })
        .reverse()
    )
  const service = fc.record({
    stack,
    now: fc.array(objectName, { maxLength: 2 }),
    before: fc.array(objectName, { maxLength: 2 }),
    image: fc.nat(5),
    was: fc.nat(5)
  })
  fc.assert(
    fc.property(
      releases,
      fc.array(service, { maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (entries, list, keep) => {
        const services = list.map(({ stack: of, now, before, image, was }, index) =>
          live(of, `s${index}`, {
            secrets: now,
            image: `app:${image}@${digest(`${image}`)}`,
            previous: { secrets: before, image: `x:${was}@${digest(`${was}`)}` }
          })
        )
        const all = [1, 2, 3, 4, 5, 6].map(n => object(`s-${n}`))
        const found = names(chooseGarbage({ stack: 'shop', keep, services, entries, secrets: all, configs: [] }))
        const own = entries.filter(({ stack: of }) => of === 'shop')
        const kept = own.filter(({ verdict: how }) => how === 'deployed').slice(0, keep)
        const others = entries.filter(({ stack: of, verdict: how }) => of === 'other' && how !== 'retired')
        const needed = new Set(
          [...kept, ...others].flatMap(objectNames).concat(list.flatMap(({ now, before }) => [...now, ...before]))
        )
        expect(found.secrets.filter(name => needed.has(name))).toEqual([])
        expect(found.releases.filter(id => kept.some(one => one.id === id))).toEqual([])
        const images = new Set([
          ...[...kept, ...others].map(({ release: { rendered } }) => rendered.services['web']?.image.split('@')[1]),
          ...list.flatMap(({ image, was }) => [digest(`${image}`), digest(`${was}`)])
        ])
        expect(found.images.filter(image => images.has(image.split('@')[1]))).toEqual([])
        // And everything else does go.
        const useless = all.map(({ Spec }) => Spec.Name).filter(name => !needed.has(name))
        const newest = own.find(({ verdict: how }) => how === 'deployed')?.number ?? 0
        const newer = own.filter(({ number }) => number > newest).flatMap(objectNames)
        expect(useless.filter(name => !newer.includes(name))).toEqual(found.secrets)
      }
    ),
    { numRuns: 500 }
  )
})
