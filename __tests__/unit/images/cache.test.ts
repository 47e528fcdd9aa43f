import { describe, expect, it } from '@jest/globals'
import { chooseCache, type CacheKind } from '../../../src/images/cache.js'
import type { Target } from '../../../src/images/plan.js'
import { githubCacheEnvironment, hasGithubCache } from '../../../src/images/environment.js'

const target: Target = {
  name: 'web',
  services: ['web'],
  build: {},
  secrets: [],
  references: ['me/web:sha-0123', 'me/web:main'],
  deploys: { web: { domain: 'docker.io', path: 'me/web', repository: 'me/web', tag: 'sha-0123' } }
}
const able = {
  name: 'b',
  driver: 'docker-container',
  platforms: [],
  cacheExport: true,
  multiPlatform: true,
  ociExport: true
}
const plain = { ...able, driver: 'docker', cacheExport: false, multiPlatform: false, ociExport: false }
const inline = { kind: 'inline', from: ['type=registry,ref=me/web:main'], to: ['type=inline'] }
const gha = {
  kind: 'gha',
  from: ['type=gha,scope=shop-web'],
  to: ['type=gha,scope=shop-web,mode=max,ignore-error=true']
}
const registry = {
  kind: 'registry',
  from: ['type=registry,ref=me/web:buildcache'],
  to: ['type=registry,ref=me/web:buildcache,mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true']
}
const local = {
  kind: 'local',
  from: ['type=local,src=/old/web'],
  to: ['type=local,dest=/new/web,mode=max,ignore-error=true']
}

describe('chooseCache', () => {
  it.each<[CacheKind, typeof able, boolean, object]>([
    ['auto', able, true, gha],
    ['auto', able, false, inline],
    ['auto', plain, true, inline],
    ['gha', able, true, gha],
    ['gha', able, false, { kind: 'unsupported', wanted: 'gha', lacks: 'service' }],
    ['gha', plain, true, { kind: 'unsupported', wanted: 'gha', lacks: 'builder' }],
    ['registry', able, false, registry],
    ['registry', plain, false, { kind: 'unsupported', wanted: 'registry', lacks: 'builder' }],
    ['local', able, false, local],
    ['local', plain, false, { kind: 'unsupported', wanted: 'local', lacks: 'builder' }],
    ['none', able, true, { kind: 'none', from: [], to: [] }]
  ])('%s on driver %s, service %s', (wanted, builder, service, expected) => {
    const cache = chooseCache({
      wanted,
      builder,
      service,
      stack: 'shop',
      pushed: true,
      folders: { restored: '/old', next: '/new' }
    })
    const shown =
      cache.kind === 'unsupported' ? cache : { kind: cache.kind, from: cache.from(target), to: cache.to(target) }
    expect(shown).toEqual(expected)
  })

  it('embeds nothing in an image that is not pushed', () => {
    expect(chooseCache({ wanted: 'auto', builder: plain, service: false, stack: 's', pushed: false }).kind).toBe('none')
  })
})

it("gives GitHub's token to no build without its cache", () => {
  const env = { ACTIONS_RUNTIME_TOKEN: 't', ACTIONS_RESULTS_URL: 'u', GITHUB_TOKEN: 'no', HOME: '/h' }
  expect(hasGithubCache(env)).toBe(true)
  expect(hasGithubCache({ ACTIONS_RUNTIME_TOKEN: 't' })).toBe(false)
  expect(githubCacheEnvironment(env)).toEqual({ ACTIONS_RUNTIME_TOKEN: 't', ACTIONS_RESULTS_URL: 'u' })
})
