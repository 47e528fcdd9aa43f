import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { masksOf, masksOfBytes } from '../../../src/secrets/masks.js'

describe('masksOf', () => {
  it('hides a value in every form that a log may show it in', () => {
    const value = `p@ss"wörd'$1/2`
    const { masks, weak } = masksOf(value)
    expect(weak).toBe(false)
    for (const form of [
      value,
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('base64url'),
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
      `p@ss"wörd'\\''$1/2`,
      `p@ss"wörd'$$1/2`
    ])
      expect(masks).toContain(form)
  })

  it('hides each line of a key, and the whole', () => {
    const key = '-----BEGIN KEY-----\r\nMIIabcdef\r\nxyz\r\n-----END KEY-----\r\n'
    const { masks } = masksOf(key)
    expect(masks).toEqual(
      expect.arrayContaining([key, key.trim(), '-----BEGIN KEY-----', 'MIIabcdef', JSON.stringify(key).slice(1, -1)])
    )
    expect(masks).not.toContain('xyz')
  })

  it('puts the longest first, so that a part does not spoil the whole', () => {
    const lengths = masksOf('first line\nsecond').masks.map(mask => mask.length)
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a))
  })

  it.each(['abc', 'true', 'PROD', ' 12 ', 'a\nb\nc'])('refuses to hide %j', value => {
    const { masks, weak } = masksOf(value)
    expect(weak).toBe(value !== 'a\nb\nc')
    expect(masks.every(mask => mask.length >= 4)).toBe(true)
  })

  it.each(['', ' ', '\n'])('has nothing to hide in %j', value => {
    expect(masksOf(value)).toEqual({ masks: [], weak: false })
  })

  it('hides any longer value itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 16 }), value => {
        fc.pre(value.trim().length >= 12)
        expect(masksOf(value).masks).toContain(value)
      })
    )
  })
})

it('hides bytes that are no text by their base64', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0, 1, 2, 3])
  expect(masksOfBytes(bytes).masks).toContain(bytes.toString('base64'))
  expect(masksOfBytes(Buffer.from('some text')).masks).toContain('some text')
})
