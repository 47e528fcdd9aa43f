import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isObjectName, keyName, readablePart, versionedName } from '../../../src/secrets/name.js'

const key = Buffer.alloc(32, 7)
const data = Buffer.from('value')
const name = (more: Partial<Parameters<typeof versionedName>[1]> = {}, with_: Uint8Array = key): string =>
  versionedName(with_, { kind: 'secret', readable: 'shop_db', data, ...more })

describe('versionedName', () => {
  it('is the same for the same value', () => {
    expect(name()).toBe(name())
    expect(name()).toMatch(/^shop_db-[0-9a-f]{12}$/)
  })

  it.each([
    ['the value', { data: Buffer.from('other') }],
    ['a trailing newline', { data: Buffer.from('value\n') }],
    ['the kind', { kind: 'config' as const }],
    ['the name', { readable: 'shop_dc' }]
  ])('changes with %s', (_, more) => {
    expect(name(more).slice(-12)).not.toBe(name().slice(-12))
  })

  it('cannot be guessed without the key', () => {
    expect(name({}, Buffer.alloc(32, 8))).not.toBe(name())
  })

  it('keeps apart what is cut to the same', () => {
    const long = 'x'.repeat(80)
    expect(name({ readable: `${long}a` })).toHaveLength(64)
    expect(name({ readable: `${long}a` })).not.toBe(name({ readable: `${long}b` }))
  })

  it('is a name that the swarm takes, whatever it is made of', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$/),
        fc.string({ unit: 'binary' }),
        (stack, each) => {
          expect(isObjectName(name({ readable: readablePart(stack, each, undefined) }))).toBe(true)
          expect(isObjectName(name({ readable: readablePart(stack, 'k', each) }))).toBe(true)
          expect(isObjectName(keyName(stack))).toBe(true)
        }
      )
    )
  })
})

it.each([
  ['shop', 'shop_swarm-rollout.key'],
  ['x'.repeat(40), `${'x'.repeat(40)}_swarm-rollout.key`]
])('the key of %s is %s', (stack, expected) => {
  expect(keyName(stack)).toBe(expected)
})

it('keeps the keys of two long stack names apart', () => {
  expect(keyName(`${'x'.repeat(62)}a`)).not.toBe(keyName(`${'x'.repeat(62)}b`))
  expect(keyName('x'.repeat(63)).length).toBeLessThanOrEqual(64)
})

it.each(['-a', 'a-', 'a b', '', 'a'.repeat(65), 'ü'])('%j is no name for the swarm', text => {
  expect(isObjectName(text)).toBe(false)
})
