import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { join } from 'node:path'
import { pushApp } from '../../testbed/images.ts'
import { readJob } from '../../src/job.js'
import type { BuildSecret } from '../../src/model.js'
import type { BuildRequest } from '../../src/pipelines/images/build-images.js'
import type { Ports } from '../../src/ports.js'
import { openRegistrySession } from '../../src/stages/login.js'
import { digestAsker, findDigest } from '../../src/stages/resolve.js'
import { tagReused } from '../../src/stages/reuse.js'
import { end, tryRead } from '../../testbed/processes.ts'
import { startRegistry } from '../../testbed/registry.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import { scratch } from '../scratch.ts'
import { BuildRun, commit, problemOf } from './build-run.ts'
import type { StageRun } from './stages.ts'

/** Images that a run builds, and those that it need not build again. */
jest.setTimeout(60_000)

let shop: BuildRun
let run: StageRun
let ports: Ports
let base: string

beforeAll(async () => {
  shop = await BuildRun.open('images')
  ;({ run, ports, base } = shop)
}, 240_000)

afterAll(async () => {
  await shop?.[Symbol.asyncDispose]()
})

describe('building', () => {
  it('builds each definition once, pushes it, and gives the digest that the registry has', async () => {
    const folder = scratch('images', {
      'web/Dockerfile': `FROM ${base}\nARG WHO\nRUN echo "built for $WHO"\nCOPY a.txt /a.txt\n`,
      'web/a.txt': 'a'
    })
    const definition = {
      context: join(folder, 'web'),
      dockerfile: 'Dockerfile',
      network: 'none',
      args: { WHO: 'you ${HOME} %{if}' }
    }
    const { images, byName } = await shop.build(folder, [
      { service: 'web', build: definition },
      { service: 'worker', build: definition, image: `${shop.bed.registry}/shop/worker:dev` }
    ])
    expect(images['web']).toMatch(
      new RegExp(`^${shop.bed.registry}/shop/shop-web:sha-0123456789ab@sha256:[0-9a-f]{64}$`)
    )
    expect(images['worker']?.split('@')[1]).toBe(images['web']?.split('@')[1])
    expect(byName).toEqual({ [`${shop.bed.registry}/shop/worker:dev`]: images['worker'] })
    expect(run.lines.filter(line => /built for you \$\{HOME\} %\{if\}$/.test(line))).toHaveLength(1)
    const auth = await shop.openSession()
    for (const tag of ['sha-0123456789ab', 'main', 'dev']) {
      const reference = `${shop.bed.registry}/shop/worker:${tag}`
      const { digest } = await run.host.engine.distribution(reference, await auth.authFor(reference))
      expect(digest).toBe(images['web']?.split('@')[1])
    }
  })

  it("shows a failing step's own lines, and its place", async () => {
    const folder = scratch('images', { 'docker/Bad': `FROM ${base}\nRUN echo reason one && exit 3\n` })
    const definition = { context: folder, dockerfile: 'docker/Bad', network: 'none' }
    const problem = await problemOf(shop.build(folder, [{ service: 'web', build: definition }]))
    expect(problem.message).toContain('did not complete successfully: exit code: 3')
    expect(problem.details).toContain('reason one')
    expect(problem.at).toEqual({ file: 'docker/Bad', line: 2 })
  })

  it.each([
    ['a Dockerfile that is not there', { dockerfile: 'Nowhere' }, 'Nowhere'],
    ['a context that is not there', { context: '/nowhere/at/all' }, '/nowhere/at/all']
  ])('names %s', async (_, definition, named) => {
    const folder = scratch('images', { Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(shop.build(folder, [{ service: 'web', build: { context: folder, ...definition } }]))
    expect(`${problem.message} ${problem.details}`).toContain(named)
  })

  it('reads contexts and secrets beside the workspace, and leaves no secret behind', async () => {
    const folder = scratch('images', {
      'repo/Dockerfile': `FROM ${base}\nCOPY --from=lib b.txt /b.txt\nRUN --mount=type=secret,id=token grep -q marked-value /run/secrets/token\nRUN --mount=type=secret,id=key grep -q key-value /run/secrets/key\n`,
      'lib/b.txt': 'b',
      'key.txt': 'key-value'
    })
    const definition = {
      context: join(folder, 'repo'),
      network: 'none',
      additional_contexts: { lib: join(folder, 'lib') }
    }
    const secrets = [
      { id: 'token', source: { from: 'environment' as const, variable: 'TOKEN' } },
      { id: 'key', source: { from: 'file' as const, path: join(folder, 'key.txt') } }
    ]
    const values = new Map([['TOKEN', 'marked-value']])
    const { images } = await shop.build(join(folder, 'repo'), [{ service: 'web', build: definition, secrets }], {
      values
    })
    expect(images['web']).toContain('@sha256:')
  })

  it('says that nobody gives a build secret', async () => {
    const folder = scratch('images', { Dockerfile: `FROM ${base}\n` })
    const secrets = [{ id: 'npm-token', source: { from: 'environment' as const, variable: 'NPM' } }]
    const problem = await problemOf(shop.build(folder, [{ service: 'web', build: { context: folder }, secrets }]))
    expect(problem.message).toBe('The build needs the secret npm-token, and nobody gives it.')
  })

  it.each<[string, BuildSecret['source'], Record<string, string>, string]>([
    [
      'an empty one',
      { from: 'environment', variable: 'NPM' },
      { NPM: '' },
      'The build needs the secret npm-token, and nobody gives it.'
    ],
    [
      'one of two names',
      { from: 'environment', variable: 'npm-token' },
      { NPM_TOKEN: 'one', 'npm.token': 'two' },
      'The build secret npm-token may be NPM_TOKEN or npm.token.'
    ],
    [
      'one that is too large',
      { from: 'environment', variable: 'NPM' },
      { NPM: 'x'.repeat(512_001) },
      'The build secret npm-token has 512001 bytes; a builder takes 512000.'
    ]
  ])('refuses %s as a build secret, before anything is built', async (_, source, values, message) => {
    const folder = scratch('images', { Dockerfile: `FROM ${base}\n` })
    run.lines.length = 0
    const builds = [{ service: 'web', build: { context: folder }, secrets: [{ id: 'npm-token', source }] }]
    const problem = await problemOf(shop.build(folder, builds, { values: new Map(Object.entries(values)) }))
    expect(problem.message).toBe(message)
    expect(run.lines.some(line => line.startsWith('#'))).toBe(false)
  })

  it('tries a push again, and says at last that the registry does not answer', async () => {
    const folder = scratch('images', { Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(
      shop.build(folder, [{ service: 'web', build: { context: folder }, image: '127.0.0.1:9/web' }])
    )
    expect(problem.message).toMatch(/^The registry did not take the images, in 3 attempts: .*connection refused/)
  })

  it('says that a push was refused', async () => {
    const folder = scratch('images', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /x\n' })
    await using session = await openRegistrySession(ports, { verify: false })
    const problem = await problemOf(shop.build(folder, [{ service: 'web', build: { context: folder } }], { session }))
    expect(problem.message).toMatch(/^The registry refused the push: /)
  })

  it('refuses a platform that the builder cannot do', async () => {
    const folder = scratch('images', { Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(
      shop.build(folder, [{ service: 'web', build: { context: folder } }], { platforms: ['linux/s390x'] })
    )
    expect(problem.message).toMatch(/^The builder default cannot build for linux\/s390x/)
    expect(problem.remedy).toContain('docker/setup-qemu-action')
  })
})

describe('building again', () => {
  const files = { Dockerfile: `COPY a.txt /a.txt\n`, 'a.txt': 'a', 'notes.md': '1', '.dockerignore': '*.md\n' }
  const start = (changes: Record<string, string> = {}) =>
    scratch('images', {
      ...files,
      ...changes,
      Dockerfile: `FROM ${base}\n${changes['Dockerfile'] ?? files.Dockerfile}`
    })
  const again = async (folder: string, more: Partial<BuildRequest> = {}) => {
    run.lines.length = 0
    const ask = digestAsker(run.host.engine, shop.openSession())
    const find = (reference: string) => findDigest(ask, reference)
    const built = await shop.build(folder, [{ service: 'web', build: { context: folder, network: 'none' } }], {
      mode: 'auto',
      stack: 'again',
      find,
      ...more
    })
    return { image: built.images['web'], built: run.lines.some(line => line.startsWith('#')), lines: [...run.lines] }
  }
  const later = (refName: string) => ({
    job: { ...readJob({}, undefined), commit: commit.replace('0', 'f'), ref: `refs/heads/${refName}`, refName }
  })

  it('builds and pushes nothing when nothing changed, not even for another commit', async () => {
    const first = await again(start())
    expect(first.built).toBe(true)
    const second = await again(start())
    expect(second).toMatchObject({ image: first.image, built: false })
    expect(second.lines.join('\n')).not.toContain('Tagged')
    const third = await again(start({ 'notes.md': '2' }), later('release'))
    expect(third.built).toBe(false)
    expect(third.image?.split('@')[1]).toBe(first.image?.split('@')[1])
    // The bed's registry speaks plain HTTP, which the tool that adds tags does not.
    expect(third.lines.join('\n')).toContain('again-web:release could not be tagged')
  })

  it('builds an image again that another one is to be made from, and neither when nothing changed', async () => {
    const made = (text: string) =>
      scratch('images', {
        'base/Dockerfile': `FROM ${base}\nRUN echo base > /made-base\n`,
        'web/Dockerfile': `FROM it\nRUN echo ${text} && cat /made-base\n`
      })
    const stack = async (text: string) => {
      const folder = made(text)
      run.lines.length = 0
      const ask = digestAsker(run.host.engine, shop.openSession())
      const find = (reference: string) => findDigest(ask, reference)
      const builds = [
        { service: 'base', build: { context: join(folder, 'base'), network: 'none' } },
        {
          service: 'web',
          build: { context: join(folder, 'web'), network: 'none', additional_contexts: { it: 'service:base' } }
        }
      ]
      const { images } = await shop.build(folder, builds, { mode: 'auto', stack: 'layered', find })
      return { images, lines: [...run.lines] }
    }
    const first = await stack('one')
    expect(Object.keys(first.images)).toEqual(['base', 'web'])
    const second = await stack('one')
    expect(second.images).toEqual(first.images)
    expect(second.lines.filter(line => line.startsWith('#'))).toEqual([])
    const third = await stack('two')
    expect(third.lines.join('\n')).toMatch(/^#\d+ [\d.]+ two$/m)
    expect(third.images['web']).not.toBe(first.images['web'])
  })

  it('adds the tags of a run to an image that is there', async () => {
    const dir = scratch('registry')
    const registry = await startRegistry(dir, '127.0.0.1:5871', await ensureToolchain('28'), [])
    try {
      const { digest } = await pushApp(registry.address, { name: 'shop/web:old' })
      const find = async (reference: string) => {
        const [, name = '', tag = ''] = /^[^/]+\/(.*):(.*)$/.exec(reference) ?? []
        const headers = {
          accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
        }
        const reply = await fetch(`http://${registry.address}/v2/${name}/manifests/${tag}`, { method: 'HEAD', headers })
        return reply.headers.get('docker-content-digest') ?? undefined
      }
      const references = ['old', 'main', 'v1'].map(tag => `${registry.address}/shop/web:${tag}`)
      const target = { name: 'web', services: ['web'], build: {}, secrets: [], references, deploys: {} }
      await using session = await openRegistrySession(ports, { verify: false })
      run.lines.length = 0
      await tagReused(ports, target, digest, { env: session.env, find })
      expect(await Promise.all(references.map(find))).toEqual([digest, digest, digest])
      expect(run.lines).toEqual([`Tagged ${references.slice(1).join(', ')}.`])
    } finally {
      await end(tryRead(join(dir, 'pid')))
    }
  })

  it.each<[string, Record<string, string>, Partial<BuildRequest>]>([
    ['a file changed', { 'a.txt': 'b' }, {}],
    ['a file came', { 'b.txt': 'b' }, {}],
    ['the Dockerfile changed', { Dockerfile: 'COPY a.txt /b.txt\n' }, {}],
    ['the platform changed', {}, { platforms: [] }],
    ['it is told to', {}, { mode: 'always' }]
  ])('builds when %s', async (_, changes, more) => {
    expect((await again(start(changes), more)).built).toBe(true)
  })
})
