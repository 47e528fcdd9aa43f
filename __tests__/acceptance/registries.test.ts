import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { pushApp, pushVersions, type Pushed } from '../../testbed/images.ts'
import { end, tryRead } from '../../testbed/processes.ts'
import { startRegistry } from '../../testbed/registry.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import type { Ports } from '../../src/ports.js'
import { assertPullLogin, openRegistrySession } from '../../src/stages/login.js'
import { digestAsker, resolveImages } from '../../src/stages/resolve.js'
import { scratch } from '../scratch.ts'
import { BuildRun, login, problemOf } from './build-run.ts'
import type { StageRun } from './stages.ts'
import { Workshop, web } from './workshop.ts'

/** What a run has to do with registries: logins, digests, and pushes to one that is not well. */
jest.setTimeout(60_000)

let shop: BuildRun
let run: StageRun
let ports: Ports

beforeAll(async () => {
  shop = await BuildRun.open('registries')
  ;({ run, ports } = shop)
}, 240_000)

afterAll(async () => {
  await shop?.[Symbol.asyncDispose]()
})

describe('logins', () => {
  it('finds a wrong one before anything is built', async () => {
    const problem = await problemOf(shop.openSession({ push: { ...login, password: 'wrong' } }))
    expect(problem.message).toBe(`The registry ${shop.bed.registry} refused the login of ci.`)
  })

  it('leave nothing behind when they are refused', async () => {
    const written: string[] = []
    const files = {
      ...ports.files,
      writeTemp: async (name: string, content: string | Uint8Array) => {
        const path = await ports.files.writeTemp(name, content)
        written.push(dirname(path))
        return path
      }
    }
    const request = { registry: `${shop.bed.registry}/shop`, push: { ...login, password: 'wrong' }, verify: true }
    await problemOf(openRegistrySession({ ...ports, files }, request))
    expect(written).toHaveLength(2)
    expect(written.filter(existsSync)).toEqual([])
  })

  it('finds a registry that does not answer', async () => {
    const problem = await problemOf(shop.openSession({ registry: '127.0.0.1:9' }))
    expect(problem.message).toBe('The registry 127.0.0.1:9 could not be reached to log in.')
  })

  it('does not blame a registry for a job that was cancelled', async () => {
    const request = { registry: '127.0.0.1:9', push: login, verify: true }
    const problem = await problemOf(openRegistrySession({ ...ports, cancelled: AbortSignal.abort() }, request))
    expect(problem.message).toBe('The job was cancelled while it logged in to 127.0.0.1:9.')
  })
})

describe('logins for the nodes', () => {
  it('are tried by the manager', async () => {
    await assertPullLogin(run.host.engine, await shop.openSession())
    const wrong = await shop.openSession({ pull: { ...login, password: 'wrong' } })
    const problem = await problemOf(assertPullLogin(run.host.engine, wrong))
    expect(problem.message).toBe(
      `The nodes could not pull: ${shop.bed.registry} refused the login of ci when the manager tried it.`
    )
  })

  it('that will soon be worth nothing are a warning', async () => {
    run.lines.length = 0
    await shop.openSession({ pull: { username: 'x', password: 'ghs_token' }, verify: false })
    expect(run.lines.join()).toContain('The nodes get the token of this job to pull from')
  })

  it('are looked at too where they are the job’s own', async () => {
    const auth = Buffer.from('AWS:token').toString('base64')
    const home = scratch('images', { 'config.json': JSON.stringify({ auths: { 'a.example': { auth } } }) })
    const mine = { ...ports, env: { ...ports.env, DOCKER_CONFIG: home } }
    run.lines.length = 0
    await openRegistrySession(mine, { verify: false, images: ['a.example/x:1', 'a.example/y', 'redis'] })
    expect(run.lines.filter(line => line.includes('a token of Amazon ECR'))).toHaveLength(1)
    run.lines.length = 0
    await openRegistrySession(mine, { verify: false, images: ['redis'] })
    expect(run.lines).toEqual([])
  })

  it('are those of the job itself where no others are given, from files and programs', async () => {
    const home = scratch('images', {
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

  it('are those of DOCKER_AUTH_CONFIG, which the engine is given, and the log never shows', async () => {
    const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64')
    const env = { ...ports.env, DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [shop.bed.registry]: { auth } } }) }
    const masked: string[] = []
    const log = { ...ports.log, mask: (value: string) => void masked.push(value) }
    await using session = await openRegistrySession({ ...ports, env, log }, { verify: false })
    const pushed = await pushApp(shop.bed.registry, { name: 'by-environment:1' }, login)
    const { digest } = await run.host.engine.distribution(pushed.reference, await session.authFor(pushed.reference))
    expect(pushed.pinned).toContain(digest)
    expect(masked).toEqual(expect.arrayContaining([login.password, auth]))
  })

  it('are kept in folders of the run, and gone with it', async () => {
    const session = await shop.openSession()
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
    const folder = scratch('images', { Dockerfile: 'FROM scratch\nCOPY Dockerfile /x\n' })
    const dir = scratch('registry')
    const address = `${shop.bed.address}:5872`
    await startRegistry(dir, address, await ensureToolchain('28'), [])
    await end(tryRead(join(dir, 'pid')))
    const clock = {
      ...ports.clock,
      sleep: async () => void (await startRegistry(dir, address, await ensureToolchain('28'), []))
    }
    try {
      await using session = await openRegistrySession(ports, { verify: false })
      const builds = [{ service: 'web', build: { context: folder }, image: `${address}/web` }]
      const { images } = await shop.build(folder, builds, { session, tags: ['1'], platforms: [] }, { ...ports, clock })
      expect(images['web']).toContain(`${address}/web:1@sha256:`)
      expect(run.lines.join('\n')).toMatch(/The push broke off \(.*\); trying again\./)
    } finally {
      await end(tryRead(join(dir, 'pid')))
    }
  })
})

describe('a registry that dies in the middle of a push', () => {
  it('gets the whole image once it is back', async () => {
    const folder = scratch('images', { Dockerfile: 'FROM scratch\nCOPY big /big\n' })
    writeFileSync(join(folder, 'big'), randomBytes(24 << 20))
    const dir = scratch('registry')
    const toolchain = await ensureToolchain('28')
    const [behind, address] = [`${shop.bed.address}:5873`, `${shop.bed.address}:5874`]
    await startRegistry(dir, behind, toolchain, [])
    let [received, killed] = [0, false]
    const door = createServer(client => {
      const inner = connect(5873, shop.bed.address)
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
    await new Promise<void>(resolve => door.listen(5874, shop.bed.address, resolve))
    const sleep = async () => void (await startRegistry(dir, behind, toolchain, []))
    const mine = { ...ports, clock: { ...ports.clock, sleep } }
    run.lines.length = 0
    try {
      await using session = await openRegistrySession(ports, { verify: false })
      const builds = [{ service: 'web', build: { context: folder }, image: `${address}/web` }]
      const { images } = await shop.build(folder, builds, { session, tags: ['1'], platforms: [] }, mine)
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

describe('a rollback with no `registry`', () => {
  /** Takes the image from the node, as soon as no container holds it any more. */
  const removed = async (image: string): Promise<void> => {
    const docker = (...args: string[]) => shop.bed.server.docker(...args)
    while ((await docker('container', 'ls', '-aq', '--filter', `ancestor=${image}`)).trim() !== '')
      await new Promise(resolve => setTimeout(resolve, 200))
    await docker('image', 'rm', '--force', image)
    expect(await docker('image', 'ls', '-q', '--digests', '--filter', `reference=${image}`)).toBe('')
  }

  it('pulls with the login of the release’s own registry', async () => {
    const { bed } = shop
    const [one, two] = (await pushVersions(bed.registry, 'back', login)) as [Pushed, Pushed]
    const pull = { 'pull-username': login.username, 'pull-password': login.password }
    const workshop = new Workshop(bed, { stack: 'back', 'stable-for': '1s', ...pull })
    const service = (image: string) => web(image, { environment: { PORT: '' }, healthcheck: { disable: true } })
    await workshop.compose({ web: service(two.reference), gone: service(one.reference) }).run()
    await workshop.compose({ web: service(two.reference) }).run()
    // What the service that left had run is no longer on the node: it has to be pulled.
    await removed(one.pinned)
    const back = await workshop.run({ command: 'rollback' })
    expect(back).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    workshop.close()
  })
})

describe('resolving', () => {
  it('pins what was not built, once for each reference, and leaves alone what is pinned', async () => {
    const ask = digestAsker(run.host.engine, shop.openSession())
    const pushed = await pushApp(shop.bed.registry, { name: 'other:2' }, login)
    const request = { byName: {}, ask, live: [], stack: 'shop' }
    const references = { a: pushed.reference, b: pushed.reference, c: pushed.pinned }
    expect(await resolveImages(ports, { ...request, references })).toEqual({
      a: pushed.pinned,
      b: pushed.pinned,
      c: pushed.pinned
    })
  })

  it('never falls back to a moving tag, but for the digest that runs', async () => {
    const ask = digestAsker(run.host.engine, shop.openSession())
    const image = `${shop.bed.registry}/gone:1`
    const digest = `sha256:${'a'.repeat(64)}`
    const request = { references: { web: image }, byName: {}, ask, stack: 'shop' }
    const live = (running: string) =>
      [{ Spec: { Name: 'shop_web', TaskTemplate: { ContainerSpec: { Image: running } } } }] as never
    const problem = await problemOf(
      resolveImages(ports, { ...request, live: live(`${shop.bed.registry}/gone:2@${digest}`) })
    )
    expect(problem.message).toBe(`Service web: the registry has no image ${image}.`)
    const kept = await resolveImages(ports, { ...request, live: live(`${image}@${digest}`) })
    expect(kept).toEqual({ web: `${image}@${digest}` })
    expect(run.lines.at(-1)).toContain('Service web keeps the one that it runs.')
  })
})
