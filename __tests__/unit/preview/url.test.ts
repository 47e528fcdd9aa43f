import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { checkPreviewUrl, previewHost, previewUrl } from '../../../src/preview/url.js'

const parts = { number: 7, branch: 'feature/Login', stack: 'shop-pr-7' }

describe('previewUrl', () => {
  it.each([
    ['https://pr-{number}.example.com', 'https://pr-7.example.com', 'pr-7.example.com'],
    ['https://{branch}.example.com/start', 'https://feature-login.example.com/start', 'feature-login.example.com'],
    ['http://{stack}.example.com:8080', 'http://shop-pr-7.example.com:8080', 'shop-pr-7.example.com'],
    ['https://example.com/{number}/', 'https://example.com/7/', 'example.com'],
    ['http://server.example.com:{port}', null, 'server.example.com']
  ])('fills in %s', (template, url, host) => {
    expect(previewUrl(template, parts)).toBe(url)
    expect(previewHost(template, parts)).toBe(host)
  })

  it('names the port once it is known', () => {
    expect(previewUrl('http://server.example.com:{port}', { ...parts, port: 30_412 })).toBe(
      'http://server.example.com:30412'
    )
  })

  it('keeps every label of the host within 63 characters, whatever the branch', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 250 }), branch => {
        const url = previewUrl('https://{branch}--shop.preview.example.com', { ...parts, branch })
        expect(url).not.toBeNull()
        const host = new URL(url ?? '').hostname
        expect(host.endsWith('--shop.preview.example.com')).toBe(true)
        for (const label of host.split('.')) expect(label.length).toBeLessThanOrEqual(63)
        expect(host).toMatch(/^[a-z0-9.-]+$/)
      })
    )
  })
})

describe('checkPreviewUrl', () => {
  it.each([
    ['https://pr-{number}.example.com', []],
    ['http://server.example.com:{port}', []],
    ['https://{pr}.example.com', ['`preview-url` has `{pr}`, which nothing fills in.']],
    ['pr-{number}.example.com', ['`preview-url` is not an http or https URL: "pr-{number}.example.com".']],
    ['ftp://{number}.example.com', ['`preview-url` is not an http or https URL: "ftp://{number}.example.com".']],
    ['javascript:{number}', ['`preview-url` is not an http or https URL: "javascript:{number}".']],
    ['https://me:secret@{number}.example.com', [expect.stringContaining('user name or a password')]],
    ['https://preview.example.com', ['`preview-url` is the same for every pull request.']]
  ])('says what is wrong with %s', (template, messages) => {
    expect(checkPreviewUrl(template).map(({ message }) => message)).toEqual(messages)
  })
})
