import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { branchLabel, parsePreviewLabel, previewLabel, previewStack } from '../../../src/preview/name.js'

describe('previewStack', () => {
  it.each([
    ['shop', 7, 'shop-pr-7'],
    ['my-shop', 1234, 'my-shop-pr-1234'],
    ['Shop', 7, 'shop-HASH-pr-7'],
    ['my_shop', 7, 'my-shop-HASH-pr-7'],
    ['a'.repeat(63), 7, `${'a'.repeat(28)}-HASH-pr-7`]
  ])('names the preview of %s #%d', (stack, number, name) => {
    expect(previewStack(stack, number).replace(/-[0-9a-f]{6}-pr/, '-HASH-pr')).toBe(name)
  })

  it('is a DNS label of at most 40 characters, never the stack itself, and one for each stack and number', () => {
    const stack = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
    const number = fc.integer({ min: 1, max: 9_999_999 })
    fc.assert(
      fc.property(stack, stack, number, number, (a, b, m, n) => {
        const name = previewStack(a, m)
        expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
        expect(name.length).toBeLessThanOrEqual(40)
        expect(name).not.toBe(a)
        if (a !== b || m !== n) expect(name).not.toBe(previewStack(b, n))
      })
    )
  })
})

describe('branchLabel', () => {
  it.each([
    ['main', 'main'],
    ['feature/Login_Form', 'feature-login-form'],
    ['release/1.2.x', 'release-1-2-x'],
    ['xn--bcher-kva', 'xn-bcher-kva'],
    ['-', /^branch-[0-9a-f]{6}$/],
    ['🚀', /^branch-[0-9a-f]{6}$/],
    ['fix/🚀-launch', /^fix-launch-[0-9a-f]{6}$/],
    ['$(rm -rf /)', /^rm-rf-[0-9a-f]{6}$/],
    ['a"b\'c`d', /^a-b-c-d-[0-9a-f]{6}$/],
    ['x'.repeat(250), /^x{56}-[0-9a-f]{6}$/]
  ])('turns %s into a label', (branch, label) => {
    expect(branchLabel(branch)).toEqual(typeof label === 'string' ? label : expect.stringMatching(label))
  })

  it('is always a DNS label within its bound', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 7, max: 63 }), (branch, longest) => {
        const label = branchLabel(branch, longest)
        expect(label).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
        expect(label.length).toBeLessThanOrEqual(longest)
        expect(label).not.toContain('--')
      })
    )
  })
})

describe('the label of a preview', () => {
  it('names the pull request, and is read back', () => {
    expect(previewLabel('acme/shop', 12)).toBe('acme/shop#12')
    expect(parsePreviewLabel('acme/shop#12')).toEqual({ repository: 'acme/shop', number: 12 })
    expect(parsePreviewLabel('acme/shop#')).toBeNull()
    expect(parsePreviewLabel('shop#12')).toBeNull()
    expect(parsePreviewLabel('acme/shop/x#12')).toBeNull()
  })
})
