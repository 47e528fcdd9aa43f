import { describe, expect, it } from '@jest/globals'
import { canonicalName, formatReference, parseReference, pin, registryDomain } from '../../../src/images/reference.js'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('parseReference', () => {
  it.each([
    ['web', 'docker.io', 'library/web', 'web', undefined],
    ['owner/web:1.2', 'docker.io', 'owner/web', 'owner/web', '1.2'],
    ['docker.io/web', 'docker.io', 'library/web', 'web', undefined],
    ['index.docker.io/owner/web', 'docker.io', 'owner/web', 'owner/web', undefined],
    ['ghcr.io/owner/web:sha-1', 'ghcr.io', 'owner/web', 'ghcr.io/owner/web', 'sha-1'],
    ['localhost/web', 'localhost', 'web', 'localhost/web', undefined],
    ['127.0.0.1:5000/shop/web:1', '127.0.0.1:5000', 'shop/web', '127.0.0.1:5000/shop/web', '1'],
    ['[::1]:5000/web', '[::1]:5000', 'web', '[::1]:5000/web', undefined],
    ['Upper/web', 'Upper', 'web', 'Upper/web', undefined],
    ['a__b/c-d.e--f', 'docker.io', 'a__b/c-d.e--f', 'a__b/c-d.e--f', undefined]
  ])('reads %s', (text, domain, path, repository, tag) => {
    expect(parseReference(text)).toEqual({ domain, path, repository, ...(tag && { tag }) })
  })

  it('reads tag and digest', () => {
    expect(parseReference(`web:1@${digest}`)).toEqual({
      domain: 'docker.io',
      path: 'library/web',
      repository: 'web',
      tag: '1',
      digest
    })
  })

  it.each([
    '',
    'Web',
    'repo:',
    'a b',
    'web:-x',
    'web@sha256:12',
    'web@',
    '/web',
    'web/',
    'ghcr.io/Owner/web',
    `a:${'x'.repeat(129)}`
  ])('does not take %j for one', text => {
    expect(parseReference(text)).toBeUndefined()
  })
})

it.each([
  ['redis:7', `redis:7@${digest}`],
  ['redis', `redis:latest@${digest}`],
  ['docker.io/library/redis:7', `redis:7@${digest}`],
  ['127.0.0.1:5000/a:b', `127.0.0.1:5000/a:b@${digest}`]
])('pins %s', (text, pinned) => {
  const reference = parseReference(text)
  if (reference === undefined) throw new Error(text)
  expect(pin(reference, digest)).toBe(pinned)
  expect(formatReference({ ...reference, digest: undefined } as never)).not.toContain('@')
})

it('knows two spellings of one name', () => {
  expect(canonicalName('docker.io/library/web:latest')).toBe(canonicalName('web'))
  expect(canonicalName('web:1')).not.toBe(canonicalName('web'))
})

it.each([
  ['ghcr.io/owner', 'ghcr.io'],
  ['owner', 'docker.io'],
  ['docker.io/owner', 'docker.io'],
  ['10.77.0.1:5000', '10.77.0.1:5000'],
  ['localhost', 'localhost'],
  [undefined, 'docker.io']
])('the registry %s is served by %s', (registry, domain) => {
  expect(registryDomain(registry)).toBe(domain)
})
