import { describe, expect, it } from '@jest/globals'
import { addTags, bake } from '../../../src/commands/bake.js'
import { bakeFile, type BakeOptions } from '../../../src/images/bake.js'
import { readDigests } from '../../../src/images/metadata.js'
import { dockerfilePath, localPaths, outside } from '../../../src/images/paths.js'
import type { Target } from '../../../src/images/plan.js'
import type { JsonObject } from '../../../src/model.js'

const target = (build: JsonObject, more: Partial<Target> = {}): Target => ({
  name: 'web',
  services: ['web'],
  build: { context: '/w/web', dockerfile: 'Dockerfile', ...build },
  secrets: [],
  references: ['ghcr.io/o/web:sha-1'],
  deploys: {},
  ...more
})
const options: BakeOptions = {
  labels: {},
  platforms: [],
  cacheFrom: () => [],
  cacheTo: () => [],
  output: () => ['type=registry'],
  attestations: true,
  provenance: true,
  secrets: () => undefined
}
const base = { context: '/w/web', dockerfile: 'Dockerfile', tags: ['ghcr.io/o/web:sha-1'], output: ['type=registry'] }
const made = (each: Target, more: Partial<BakeOptions> = {}): unknown =>
  (JSON.parse(bakeFile([each], { ...options, ...more })) as { target: Record<string, unknown> }).target['web']

describe('bakeFile', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['nothing more', {}, {}],
    ['arguments, without those that have no value', { args: { A: '1', B: null } }, { args: { A: '1' } }],
    ['a target', { target: 'prod' }, { target: 'prod' }],
    ['an inline Dockerfile', { dockerfile_inline: 'FROM scratch' }, { 'dockerfile-inline': 'FROM scratch' }],
    ['contexts', { additional_contexts: { lib: '/w/lib' } }, { contexts: { lib: '/w/lib' } }],
    ['labels', { labels: { a: 'b' } }, { labels: { a: 'b' } }],
    ['platforms', { platforms: ['linux/arm64'] }, { platforms: ['linux/arm64'] }],
    [
      'caches',
      { cache_from: ['me/web:c', 'type=gha'], cache_to: ['type=inline'] },
      { 'cache-from': ['type=registry,ref=me/web:c', 'type=gha'], 'cache-to': ['type=inline'] }
    ],
    ['no cache', { no_cache: true, pull: true }, { 'no-cache': true, pull: true }],
    ['false', { no_cache: false, pull: false }, {}],
    ['shm', { shm_size: '1024' }, { 'shm-size': '1024' }],
    ['ulimits', { ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 5 } }, { ulimits: ['nofile=1:2', 'nproc=5'] }],
    ['hosts', { extra_hosts: ['a=1.2.3.4', 'b:5.6.7.8'] }, { 'extra-hosts': { a: '1.2.3.4', b: '5.6.7.8' } }],
    ['the network', { network: 'host' }, { network: 'host', entitlements: ['network.host'] }],
    ['privileges', { privileged: true }, { entitlements: ['security.insecure'] }],
    ['ssh', { ssh: ['default'] }, { ssh: ['default'] }],
    ['attestations', { provenance: 'mode=max', sbom: true }, { attest: ['type=provenance,mode=max', 'type=sbom'] }],
    ['no attestations', { provenance: false }, { attest: ['type=provenance,disabled=true'] }]
  ])('carries over %s', (_, build, expected) => {
    expect(made(target(build))).toEqual({ ...base, ...expected })
  })

  it("lets a service's own platform go before its build's list, and that before the nodes'", () => {
    const nodes = { platforms: ['linux/amd64', 'linux/arm64'] }
    expect(made(target({}), nodes)).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'] })
    expect(made(target({ platforms: ['linux/riscv64'] }), nodes)).toMatchObject({ platforms: ['linux/riscv64'] })
    expect(made(target({}, { platform: 'linux/386' }), nodes)).toMatchObject({ platforms: ['linux/386'] })
  })

  it('makes a context of what another service builds', () => {
    const text = bakeFile(
      [
        target({ additional_contexts: { base: 'service:base.image' } }),
        target({}, { name: 'base_image', services: ['base.image'] })
      ],
      options
    )
    expect(JSON.parse(text)).toMatchObject({ target: { web: { contexts: { base: 'target:base_image' } } } })
  })

  it('takes secrets from files, and quotes paths with commas', () => {
    const secrets = [
      { id: 'npm', source: { from: 'environment' as const, variable: 'NPM' } },
      { id: '/run/secrets/key', source: { from: 'file' as const, path: '/w/a,b' } }
    ]
    expect(
      made(target({}, { secrets }), {
        secrets: secret => (secret.id === 'npm' ? '/t/secret' : '/w/a,b')
      })
    ).toEqual({ ...base, secret: ['id=npm,src=/t/secret', 'id=key,"src=/w/a,b"'] })
  })

  it('makes nothing a template: bake would expand ${…} and %{…}, in keys too', () => {
    const text = bakeFile([target({ args: { 'a${b}': 'x${HOME}%{if}$$' } })], options)
    expect(JSON.parse(text)).toMatchObject({ target: { web: { args: { 'a$${b}': 'x$${HOME}%%{if}$$' } } } })
  })

  it('gives labels, caches and the time of the commit; the compose file goes before', () => {
    const all: Partial<BakeOptions> = {
      labels: { 'org.opencontainers.image.revision': '1', a: 'ours' },
      cacheFrom: each => [`type=gha,scope=${each.name}`],
      cacheTo: () => ['type=inline'],
      sourceDateEpoch: 1_700_000_000,
      extraTags: () => ['ghcr.io/o/web:key-1']
    }
    expect(made(target({ labels: { a: 'theirs' } }), all)).toEqual({
      ...base,
      args: { SOURCE_DATE_EPOCH: '1700000000' },
      labels: { 'org.opencontainers.image.revision': '1', a: 'theirs' },
      tags: ['ghcr.io/o/web:sha-1', 'ghcr.io/o/web:key-1'],
      'cache-from': ['type=gha,scope=web'],
      'cache-to': ['type=inline']
    })
  })

  it('leaves out a provenance that nobody asked for, where it would change the digest each time', () => {
    expect(made(target({}), { provenance: false })).toEqual({ ...base, attest: ['type=provenance,disabled=true'] })
    expect(made(target({ provenance: true }), { provenance: false })).toEqual({ ...base, attest: ['type=provenance'] })
  })

  it('asks a builder for nothing that it cannot do', () => {
    expect(made(target({ provenance: true, sbom: true, cache_to: ['type=gha'] }), { attestations: false })).toEqual(
      base
    )
  })
})

describe('the commands', () => {
  it('bake', () => {
    const argv = bake({
      file: '/t/bake.json',
      metadata: '/t/m.json',
      targets: ['web', 'api'],
      reads: ['/lib'],
      writes: ['/cache'],
      entitlements: ['network.host'],
      ssh: true
    })
    expect(argv).toEqual([
      'docker',
      'buildx',
      'bake',
      '--file=/t/bake.json',
      '--metadata-file=/t/m.json',
      '--progress=plain',
      '--allow=fs.read=/lib',
      '--allow=fs.write=/cache',
      '--allow=network.host',
      '--allow=ssh',
      'web',
      'api'
    ])
  })

  it('adds tags in the registry', () => {
    expect(addTags('a/b@sha256:1', ['a/b:x', 'a/b:y'])).toEqual([
      'docker',
      'buildx',
      'imagetools',
      'create',
      '--tag=a/b:x',
      '--tag=a/b:y',
      'a/b@sha256:1'
    ])
  })
})

describe('paths', () => {
  it.each<[JsonObject, string[], string | undefined]>([
    [{}, ['/w/web', '/w/web/Dockerfile'], '/w/web/Dockerfile'],
    [{ dockerfile: '../docker/web' }, ['/w/web', '/w/docker/web'], '/w/docker/web'],
    [{ dockerfile: '/other/Dockerfile' }, ['/w/web', '/other/Dockerfile'], '/other/Dockerfile'],
    [{ context: 'https://github.com/o/r.git#main' }, [], undefined],
    [
      { additional_contexts: { a: '/lib', b: 'docker-image://x', c: 'service:y' } },
      ['/w/web', '/w/web/Dockerfile', '/lib'],
      '/w/web/Dockerfile'
    ]
  ])('%j', (build, paths, dockerfile) => {
    expect(localPaths(target(build))).toEqual(paths)
    expect(dockerfilePath(target(build))).toBe(dockerfile)
  })

  it('knows what is outside', () => {
    expect(outside('/w', ['/w', '/w/a', '/wx', '/b', '/b'])).toEqual(['/b', '/wx'])
  })
})

it('reads digests from the metadata of bake', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const metadata = {
    web: { 'containerimage.digest': digest, 'image.name': 'x' },
    api: { 'containerimage.digest': 'no' },
    x: null
  }
  expect(readDigests(JSON.stringify(metadata))).toEqual({ web: digest })
  expect(readDigests('')).toEqual({})
  expect(readDigests('[]')).toEqual({})
})
