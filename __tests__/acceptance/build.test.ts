import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { readJob } from '../../src/job.js'
import type { Build, BuildSecret } from '../../src/model.js'
import { buildImages, type BuildRequest, type BuiltImages } from '../../src/pipelines/build-images.js'
import { assertPullLogin, openRegistrySession, type RegistrySession } from '../../src/stages/login.js'
import { digestFinder, resolveImages } from '../../src/stages/resolve.js'
import type { Ports } from '../../src/ports.js'
import { UserError } from '../../src/errors.js'
import { end, tryRead } from '../../testbed/processes.ts'
import { startRegistry } from '../../testbed/registry.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import { tagReused } from '../../src/stages/reuse.js'
import { stageRun, type StageRun } from './stages.ts'

const login = { username: 'ci', password: 'a-long-password' }
const commit = '0123456789abcdef0123456789abcdef01234567'

jest.setTimeout(60_000)

let bed: Bed
let run: StageRun
let ports: Ports
let base: string

beforeAll(async () => {
  bed = await openBed({ name: 'images', registry: { logins: [login] }, builder: { containerdStore: true } })
  run = await stageRun(bed.server)
  ports = { ...run.ports, env: { ...run.ports.env, ...bed.builderEnv } }
  base = (await pushApp(bed.registry, { name: 'base:1' }, login)).reference
}, 240_000)

afterAll(async () => {
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

/** A folder with these files. */
function workspace(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'images-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    chmodSync(join(folder, name), 0o644)
  }
  return folder
}

function openSession(more: Partial<Parameters<typeof openRegistrySession>[1]> = {}): Promise<RegistrySession> {
  return openRegistrySession(ports, { registry: `${bed.registry}/shop`, push: login, verify: true, ...more })
}

async function build(folder: string, builds: Build[], more: Partial<BuildRequest> = {}): Promise<BuiltImages> {
  await using session = await openSession()
  return await buildImages(ports, {
    builds,
    values: new Map(),
    stack: 'shop',
    registry: `${bed.registry}/shop`,
    tags: [],
    job: { ...readJob({ GITHUB_REPOSITORY: 'acme/shop' }, undefined), commit, ref: 'refs/heads/main', refName: 'main' },
    platforms: ['linux/amd64'],
    cache: 'none',
    mode: 'always',
    session,
    workspace: folder,
    ...more
  })
}

async function problemOf(work: Promise<unknown>): Promise<UserError['problems'][number]> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  const [problem] = error.problems
  if (!problem) throw new Error('no problem')
  return problem
}

describe('building', () => {
  it('builds each definition once, pushes it, and gives the digest that the registry has', async () => {
    const folder = workspace({
      'web/Dockerfile': `FROM ${base}\nARG WHO\nRUN echo "built for $WHO"\nCOPY a.txt /a.txt\n`,
      'web/a.txt': 'a'
    })
    const definition = {
      context: join(folder, 'web'),
      dockerfile: 'Dockerfile',
      network: 'none',
      args: { WHO: 'you ${HOME} %{if}' }
    }
    const { images, byName } = await build(folder, [
      { service: 'web', build: definition },
      { service: 'worker', build: definition, image: `${bed.registry}/shop/worker:dev` }
    ])
    expect(images['web']).toMatch(new RegExp(`^${bed.registry}/shop/shop-web:sha-0123456789ab@sha256:[0-9a-f]{64}$`))
    expect(images['worker']?.split('@')[1]).toBe(images['web']?.split('@')[1])
    expect(byName).toEqual({ [`${bed.registry}/shop/worker:dev`]: images['worker'] })
    expect(run.lines.filter(line => /built for you \$\{HOME\} %\{if\}$/.test(line))).toHaveLength(1)
    const auth = await openSession()
    for (const tag of ['sha-0123456789ab', 'main', 'dev']) {
      const reference = `${bed.registry}/shop/worker:${tag}`
      const { digest } = await run.host.engine.distribution(reference, await auth.authFor(reference))
      expect(digest).toBe(images['web']?.split('@')[1])
    }
  })

  it("shows a failing step's own lines, and its place", async () => {
    const folder = workspace({ 'docker/Bad': `FROM ${base}\nRUN echo reason one && exit 3\n` })
    const definition = { context: folder, dockerfile: 'docker/Bad', network: 'none' }
    const problem = await problemOf(build(folder, [{ service: 'web', build: definition }]))
    expect(problem.message).toContain('did not complete successfully: exit code: 3')
    expect(problem.details).toContain('reason one')
    expect(problem.at).toEqual({ file: 'docker/Bad', line: 2 })
  })

  it.each([
    ['a Dockerfile that is not there', { dockerfile: 'Nowhere' }, 'Nowhere'],
    ['a context that is not there', { context: '/nowhere/at/all' }, '/nowhere/at/all']
  ])('names %s', async (_, definition, named) => {
    const folder = workspace({ Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(build(folder, [{ service: 'web', build: { context: folder, ...definition } }]))
    expect(`${problem.message} ${problem.details}`).toContain(named)
  })

  it('reads contexts and secrets beside the workspace, and leaves no secret behind', async () => {
    const folder = workspace({
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
    const { images } = await build(join(folder, 'repo'), [{ service: 'web', build: definition, secrets }], { values })
    expect(images['web']).toContain('@sha256:')
  })

  it('says that nobody gives a build secret', async () => {
    const folder = workspace({ Dockerfile: `FROM ${base}\n` })
    const secrets = [{ id: 'npm-token', source: { from: 'environment' as const, variable: 'NPM' } }]
    const problem = await problemOf(build(folder, [{ service: 'web', build: { context: folder }, secrets }]))
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
    const folder = workspace({ Dockerfile: `FROM ${base}\n` })
    run.lines.length = 0
    const builds = [{ service: 'web', build: { context: folder }, secrets: [{ id: 'npm-token', source }] }]
    const problem = await problemOf(build(folder, builds, { values: new Map(Object.entries(values)) }))
    expect(problem.message).toBe(message)
    expect(run.lines.some(line => line.startsWith('#'))).toBe(false)
  })

  it('tries a push again, and says at last that the registry does not answer', async () => {
    const folder = workspace({ Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(
      build(folder, [{ service: 'web', build: { context: folder }, image: '127.0.0.1:9/web' }])
    )
    expect(problem.message).toMatch(/^The registry did not take the images, in 3 attempts: .*connection refused/)
  })

  it('says that a push was refused', async () => {
    const folder = workspace({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /x\n' })
    await using session = await openRegistrySession(ports, { verify: false })
    const problem = await problemOf(build(folder, [{ service: 'web', build: { context: folder } }], { session }))
    expect(problem.message).toMatch(/^The registry refused the push: /)
  })

  it('refuses a platform that the builder cannot do', async () => {
    const folder = workspace({ Dockerfile: `FROM ${base}\n` })
    const problem = await problemOf(
      build(folder, [{ service: 'web', build: { context: folder } }], { platforms: ['linux/s390x'] })
    )
    expect(problem.message).toMatch(/^The builder default cannot build for linux\/s390x/)
    expect(problem.remedy).toContain('docker/setup-qemu-action')
  })
})

describe('building again', () => {
  const files = { Dockerfile: `COPY a.txt /a.txt\n`, 'a.txt': 'a', 'notes.md': '1', '.dockerignore': '*.md\n' }
  const start = (changes: Record<string, string> = {}) =>
    workspace({ ...files, ...changes, Dockerfile: `FROM ${base}\n${changes['Dockerfile'] ?? files.Dockerfile}` })
  const again = async (folder: string, more: Partial<BuildRequest> = {}) => {
    run.lines.length = 0
    const session = await openSession()
    const find = digestFinder(run.host.engine, session)
    const built = await build(folder, [{ service: 'web', build: { context: folder, network: 'none' } }], {
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
      workspace({
        'base/Dockerfile': `FROM ${base}\nRUN echo base > /made-base\n`,
        'web/Dockerfile': `FROM it\nRUN echo ${text} && cat /made-base\n`
      })
    const stack = async (text: string) => {
      const folder = made(text)
      run.lines.length = 0
      const find = digestFinder(run.host.engine, await openSession())
      const builds = [
        { service: 'base', build: { context: join(folder, 'base'), network: 'none' } },
        {
          service: 'web',
          build: { context: join(folder, 'web'), network: 'none', additional_contexts: { it: 'service:base' } }
        }
      ]
      const { images } = await build(folder, builds, { mode: 'auto', stack: 'layered', find })
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
    const dir = mkdtempSync(join(tmpdir(), 'registry-'))
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

describe('logins', () => {
  it('finds a wrong one before anything is built', async () => {
    const problem = await problemOf(openSession({ push: { ...login, password: 'wrong' } }))
    expect(problem.message).toBe(`The registry ${bed.registry} refused the login of ci.`)
  })

  it('finds a registry that does not answer', async () => {
    const problem = await problemOf(openSession({ registry: '127.0.0.1:9' }))
    expect(problem.message).toBe('The registry 127.0.0.1:9 could not be reached to log in.')
  })
})

describe('logins for the nodes', () => {
  it('are tried by the manager', async () => {
    await assertPullLogin(run.host.engine, await openSession())
    const wrong = await openSession({ pull: { ...login, password: 'wrong' } })
    const problem = await problemOf(assertPullLogin(run.host.engine, wrong))
    expect(problem.message).toBe(
      `The nodes could not pull: ${bed.registry} refused the login of ci when the manager tried it.`
    )
  })

  it('that will soon be worth nothing are a warning', async () => {
    run.lines.length = 0
    await openSession({ pull: { username: 'x', password: 'ghs_token' }, verify: false })
    expect(run.lines.join()).toContain('The nodes get the token of this job to pull from')
  })

  it('are looked at too where they are the job’s own', async () => {
    const auth = Buffer.from('AWS:token').toString('base64')
    const home = workspace({ 'config.json': JSON.stringify({ auths: { 'a.example': { auth } } }) })
    const mine = { ...ports, env: { ...ports.env, DOCKER_CONFIG: home } }
    run.lines.length = 0
    await openRegistrySession(mine, { verify: false, images: ['a.example/x:1', 'a.example/y', 'redis'] })
    expect(run.lines.filter(line => line.includes('a token of Amazon ECR'))).toHaveLength(1)
    run.lines.length = 0
    await openRegistrySession(mine, { verify: false, images: ['redis'] })
    expect(run.lines).toEqual([])
  })

  it('are those of the job itself where no others are given, from files and programs', async () => {
    const home = workspace({
      'config.json': JSON.stringify({
        auths: { 'a.example': { auth: Buffer.from('me:file').toString('base64') } },
        credHelpers: { 'b.example': 'testing' }
      }),
      'docker-credential-testing': `#!/bin/sh\nread server\n[ "$1 $server" = 'get b.example' ] && echo '{"Username":"me","Secret":"program"}'\n`
    })
    chmodSync(join(home, 'docker-credential-testing'), 0o755)
    const env = { ...ports.env, DOCKER_CONFIG: home, PATH: `${home}:${ports.env['PATH']}` }
    await using session = await openRegistrySession({ ...ports, env }, { verify: false })
    const password = async (reference: string) => {
      const auth = await session.authFor(reference)
      return auth === undefined
        ? undefined
        : (JSON.parse(Buffer.from(auth, 'base64url').toString()) as { password: string }).password
    }
    expect(await password('a.example/x')).toBe('file')
    expect(await password('b.example/x')).toBe('program')
    expect(await password('c.example/x')).toBeUndefined()
    expect(['a.example/x', 'b.example/x:1', 'c.example/x'].map(each => session.covers(each))).toEqual([
      true,
      true,
      false
    ])
  })

  it('are kept in folders of the run, and gone with it', async () => {
    const session = await openSession()
    const folders = [session.pullConfig, session.env['DOCKER_CONFIG'] ?? '']
    for (const folder of folders) {
      expect(statSync(folder).mode & 0o777).toBe(0o700)
      expect(statSync(join(folder, 'config.json')).mode & 0o777).toBe(0o600)
    }
    await session[Symbol.asyncDispose]()
    expect(folders.filter(existsSync)).toEqual([])
  })
})

describe('a registry that comes back', () => {
  it('is pushed to at last', async () => {
    const folder = workspace({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /x\n' })
    const dir = mkdtempSync(join(tmpdir(), 'registry-'))
    const address = `${bed.address}:5872`
    await startRegistry(dir, address, await ensureToolchain('28'), [])
    await end(tryRead(join(dir, 'pid')))
    const clock = {
      ...ports.clock,
      sleep: async () => void (await startRegistry(dir, address, await ensureToolchain('28'), []))
    }
    try {
      await using session = await openRegistrySession(ports, { verify: false })
      const { images } = await buildImages(
        { ...ports, clock },
        {
          builds: [{ service: 'web', build: { context: folder }, image: `${address}/web` }],
          values: new Map(),
          stack: 'shop',
          tags: ['1'],
          job: readJob({}, undefined),
          platforms: [],
          cache: 'none',
          mode: 'always',
          session,
          workspace: folder
        }
      )
      expect(images['web']).toContain(`${address}/web:1@sha256:`)
      expect(run.lines.join('\n')).toMatch(/The push broke off \(.*\); trying again\./)
    } finally {
      await end(tryRead(join(dir, 'pid')))
    }
  })
})

describe('a registry that dies in the middle of a push', () => {
  it('gets the whole image once it is back', async () => {
    const folder = workspace({ Dockerfile: 'FROM scratch\nCOPY big /big\n' })
    writeFileSync(join(folder, 'big'), randomBytes(24 << 20))
    const dir = mkdtempSync(join(tmpdir(), 'registry-'))
    const toolchain = await ensureToolchain('28')
    const [behind, address] = [`${bed.address}:5873`, `${bed.address}:5874`]
    await startRegistry(dir, behind, toolchain, [])
    let [received, killed] = [0, false]
    const door = createServer(client => {
      const inner = connect(5873, bed.address)
      client.on('data', chunk => {
        received += chunk.length
        if (received < 4 << 20 || killed) return
        killed = true
        process.kill(tryRead(join(dir, 'pid'))?.pid ?? 0, 'SIGKILL')
      })
      for (const [one, other] of [
        [client, inner],
        [inner, client]
      ] as const)
        one.pipe(other).on('error', () => one.destroy())
      inner.on('close', () => client.destroy())
    })
    await new Promise<void>(resolve => door.listen(5874, bed.address, resolve))
    const sleep = async () => void (await startRegistry(dir, behind, toolchain, []))
    const mine = { ...ports, clock: { ...ports.clock, sleep } }
    run.lines.length = 0
    try {
      await using session = await openRegistrySession(ports, { verify: false })
      const { images } = await buildImages(mine, {
        builds: [{ service: 'web', build: { context: folder }, image: `${address}/web` }],
        values: new Map(),
        stack: 'shop',
        tags: ['1'],
        job: readJob({}, undefined),
        platforms: [],
        cache: 'none',
        mode: 'always',
        session,
        workspace: folder
      })
      expect(killed).toBe(true)
      expect(run.lines.filter(line => line.startsWith('The push broke off'))).toHaveLength(1)
      const digest = images['web']?.split('@')[1] ?? ''
      const reply = await fetch(`http://${behind}/v2/web/manifests/1`, {
        headers: { accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' }
      })
      expect(reply.headers.get('docker-content-digest')).toBe(digest)
      expect(
        `sha256:${createHash('sha256')
          .update(await reply.text())
          .digest('hex')}`
      ).toBe(digest)
    } finally {
      door.close()
      await end(tryRead(join(dir, 'pid')))
    }
  })
})

describe('resolving', () => {
  it('pins what was not built, once for each reference, and leaves alone what is pinned', async () => {
    const session = await openSession()
    const pushed = await pushApp(bed.registry, { name: 'other:2' }, login)
    const request = { byName: {}, session, live: [], stack: 'shop' }
    const references = { a: pushed.reference, b: pushed.reference, c: pushed.pinned }
    expect(await resolveImages(ports, run.host.engine, { ...request, references })).toEqual({
      a: pushed.pinned,
      b: pushed.pinned,
      c: pushed.pinned
    })
  })

  it('never falls back to a moving tag, but for the digest that runs', async () => {
    const session = await openSession()
    const image = `${bed.registry}/gone:1`
    const digest = `sha256:${'a'.repeat(64)}`
    const request = { references: { web: image }, byName: {}, session, stack: 'shop' }
    const live = (running: string) =>
      [{ Spec: { Name: 'shop_web', TaskTemplate: { ContainerSpec: { Image: running } } } }] as never
    const problem = await problemOf(
      resolveImages(ports, run.host.engine, { ...request, live: live(`${bed.registry}/gone:2@${digest}`) })
    )
    expect(problem.message).toBe(`Service web: the manager could not find out which digest ${image} has.`)
    const kept = await resolveImages(ports, run.host.engine, { ...request, live: live(`${image}@${digest}`) })
    expect(kept).toEqual({ web: `${image}@${digest}` })
    expect(run.lines.at(-1)).toContain('Service web keeps the one that it runs.')
  })
})
