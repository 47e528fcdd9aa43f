import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

jest.setTimeout(240_000)

const login = { username: 'ci', password: 'a-long-password' }
let bed: Bed
let base: string

beforeAll(async () => {
  bed = await openBed({ name: 'build-deploy', registry: { logins: [login] }, builder: { containerdStore: true } })
  base = (await pushApp(bed.registry, { name: 'base:1' }, login)).reference
}, 240_000)

afterAll(async () => {
  await bed.close()
})

const commit = (digit: string) => ({ env: { GITHUB_SHA: digit.repeat(40) } })
const built = (log: string) => /^#\d+ /m.test(log)
const version = (service: string) => bed.server.docker('service', 'inspect', '-f', '{{.Version.Index}}', service)
const inspect = (service: string, format: string) => bed.server.docker('service', 'inspect', '-f', format, service)

describe('from source to running', () => {
  let shop: Workshop
  beforeAll(() => {
    shop = new Workshop(bed, {
      stack: 'shop',
      registry: `${bed.registry}/shop`,
      'registry-username': login.username,
      'registry-password': login.password,
      secrets: 'DB_PASSWORD=one-password\nAPI_KEY=an-api-key'
    })
    source('1')
    const secret = (variable: string) => ({ environment: variable })
    const own = (key: string) => ({
      ...web(''),
      image: undefined,
      build: { context: '.', network: 'none' },
      secrets: [key]
    })
    shop.compose(
      { web: own('db'), api: own('key'), base: web(base) },
      { secrets: { db: secret('DB_PASSWORD'), key: secret('API_KEY') } }
    )
  })
  afterAll(() => shop.close())

  const source = (text: string) =>
    shop.write({
      Dockerfile: `FROM ${base}\nENV VERSION=${text}\nRUN echo 'made ${text}'\n`,
      'README.md': text,
      '.dockerignore': '*.md'
    })

  it('builds once for both services, pushes, and deploys what it built', async () => {
    const result = await shop.run({}, commit('a'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(result.log.match(/ made 1$/gm)).toHaveLength(1)
    expect(result.log).toContain(`${bed.registry} answers the manager`)
    const images = JSON.parse(result.outputs['images'] ?? '') as Record<string, string>
    expect(images['web']).toMatch(new RegExp(`^${bed.registry}/shop/shop-web:sha-aaaaaaaaaaaa@sha256:[0-9a-f]{64}$`))
    expect(images['api']?.split('@')[1]).toBe(images['web']?.split('@')[1])
    expect(images['base']).toMatch(new RegExp(`^${base}@sha256:`))
    expect(await inspect('shop_web', '{{.Spec.TaskTemplate.ContainerSpec.Image}}')).toBe(images['web'])
  })

  it('builds nothing and touches nothing for a commit that changes nothing in the image', async () => {
    shop.write({ 'README.md': 'other words' })
    const before = await version('shop_web')
    const result = await shop.run({}, commit('b'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'unchanged' } })
    expect(built(result.log)).toBe(false)
    expect(await version('shop_web')).toBe(before)
  })

  it('rolls only the services whose secret changed, and back again', async () => {
    const names = (service: string) =>
      inspect(service, '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}} {{.File.Name}}{{end}}')
    const [first, api] = [await names('shop_web'), await version('shop_api')]
    const result = await shop.run({ secrets: 'DB_PASSWORD=another-password\nAPI_KEY=an-api-key' }, commit('b'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const second = await names('shop_web')
    expect(second).not.toBe(first)
    expect(second.split(' ')[1]).toBe('/run/secrets/db')
    expect(await version('shop_api')).toBe(api)
    expect(await shop.run({ command: 'rollback' })).toMatchObject({ status: 'success' })
    expect(await names('shop_web')).toBe(first)
    const id = (await bed.server.docker('ps', '-q', '--filter', 'name=shop_web')).split('\n')[0] ?? ''
    expect(await bed.server.docker('exec', id, 'cat', '/run/secrets/db')).toBe('one-password')
  })

  it('is red before anything is built when nobody gives a secret', async () => {
    const result = await shop.run({ secrets: 'API_KEY=an-api-key' }, commit('c'))
    expect(result.status).toBe('failure')
    expect(built(result.log)).toBe(false)
    expect(result.log).toContain(
      'Nobody gives the secret db, which web uses: neither `secrets` nor the environment has DB_PASSWORD.'
    )
    expect(result.annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'compose.yaml' }))
  })

  it('is red before anything is built when the login is wrong', async () => {
    source('2')
    const result = await shop.run({ 'registry-password': 'wrong-password' }, commit('c'))
    expect(result.status).toBe('failure')
    expect(built(result.log)).toBe(false)
    expect(result.log).toContain(`The registry ${bed.registry} refused the login of ci.`)
  })

  it('is red before anything is built, with all that the server lacks in one table', async () => {
    const away = new Workshop(bed, { stack: 'away', registry: `${bed.address}:5999/shop` })
    away.write({ Dockerfile: `FROM ${base}\n` })
    away.compose(
      { web: { build: '.', networks: ['proxy'], secrets: ['key'] } },
      { networks: { proxy: { external: true } }, secrets: { key: { external: true, name: 'away-key' } } }
    )
    const result = await away.run()
    away.close()
    expect(result.status).toBe('failure')
    expect(built(result.log)).toBe(false)
    expect(result.log).toMatch(/^ok +nodes +1 × linux\/amd64$/m)
    expect(result.log).toMatch(/^problem +networks +The external network proxy does not exist/m)
    expect(result.log).toMatch(/^problem +registry +The registry [\d.]+:5999 cannot be reached from the manager/m)
    expect(result.log).toMatch(/^problem +secrets .*away-key/m)
    expect(result.annotations.filter(({ level }) => level === 'error')).toHaveLength(3)
  })

  it('is red with the step’s own words when the build fails, and the old version stays', async () => {
    shop.write({ Dockerfile: `FROM ${base}\nRUN echo 'no such module' && exit 4\n` })
    const before = await version('shop_web')
    const result = await shop.run({}, commit('d'))
    expect(result.status).toBe('failure')
    expect(result.log).toContain('did not complete successfully: exit code: 4')
    expect(result.annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'Dockerfile', line: 2 }))
    expect(await version('shop_web')).toBe(before)
  })
})

it('deploys what it has just pushed to a service that names it by a tag, not what the tag was before', async () => {
  const shop = new Workshop(bed, {
    stack: 'tags',
    registry: `${bed.registry}/tags`,
    'registry-username': login.username,
    'registry-password': login.password,
    tags: 'live'
  })
  const app = { ...web(`${bed.registry}/tags/app`), build: { context: '.', network: 'none' } }
  const deploy = async (version: string, services: Readonly<Record<string, object>>) => {
    shop.write({ Dockerfile: `FROM ${base}\nENV VERSION=${version}\n` }).compose(services)
    const { status, outputs } = await shop.run({}, commit(version))
    expect(status).toBe('success')
    const images = JSON.parse(outputs['images'] ?? '') as Record<string, string>
    return (key: string) => images[key]?.split('@')[1]
  }
  const first = await deploy('1', { app })
  const second = await deploy('2', { app, worker: web(`${bed.registry}/tags/app:live`) })
  shop.close()
  expect(second('app')).not.toBe(first('app'))
  expect(second('worker')).toBe(second('app'))
})

it('gives the nodes the login of the one registry that images come from, where these are pinned too', async () => {
  const { pinned } = await pushApp(bed.registry, { name: 'private/app:1' }, login)
  const shop = new Workshop(bed, {
    stack: 'pinned',
    'pull-username': login.username,
    'pull-password': login.password
  })
  const result = await shop.compose({ app: web(pinned) }).run()
  shop.close()
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
})

it('says in the image where it comes from and how it was built, and lends the build the job’s ssh-agent', async () => {
  const shop = new Workshop(bed, {
    stack: 'origin',
    registry: `${bed.registry}/origin`,
    'registry-username': login.username,
    'registry-password': login.password
  })
  shop.write({ Dockerfile: `FROM ${base}\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\n` })
  shop.compose({ web: { ...web(''), image: undefined, build: { context: '.', network: 'none', ssh: ['default'] } } })
  const sha = await commitAt(shop.workspace, '2024-02-29T12:00:00Z')
  await using agent = await sshAgent(shop.workspace)
  const result = await shop.run({}, { env: { GITHUB_SHA: sha, SSH_AUTH_SOCK: agent.socket } })
  shop.close()
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
  const { web: image = '' } = JSON.parse(result.outputs['images'] ?? '') as Record<string, string>
  const index = await fromRegistry<Index>('manifests', image.split('@')[1] ?? '')
  const attestation = { annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } }
  expect(index.manifests).toEqual([
    expect.objectContaining({ platform: { os: 'linux', architecture: 'amd64' } }),
    expect.objectContaining({ annotations: expect.objectContaining(attestation.annotations) })
  ])
  const manifest = await fromRegistry<{ config: { digest: string } }>('manifests', index.manifests[0]?.digest ?? '')
  const made = await fromRegistry<{ created: string; config: { Labels: object } }>('blobs', manifest.config.digest)
  expect(made.created).toBe('2024-02-29T12:00:00Z')
  expect(made.config.Labels).toEqual({
    'org.opencontainers.image.source': 'https://github.com/octocat/shop',
    'org.opencontainers.image.revision': sha,
    'org.opencontainers.image.created': '2024-02-29T12:00:00.000Z'
  })
})

interface Index {
  readonly manifests: readonly { readonly digest: string }[]
}

/** What the registry has of the image of the stack origin. */
async function fromRegistry<T>(kind: 'manifests' | 'blobs', digest: string): Promise<T> {
  const types = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json']
  const response = await fetch(`http://${bed.registry}/v2/origin/origin-web/${kind}/${digest}`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`,
      accept: types.join(', ')
    }
  })
  return (await response.json()) as T
}

/** Makes a folder a repository with one commit of that time, and gives its hash. */
async function commitAt(folder: string, time: string): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_COMMITTER_DATE: time, GIT_AUTHOR_DATE: time }
  const git = async (...argv: string[]): Promise<string> => {
    const who = ['-c', 'user.name=mona', '-c', 'user.email=mona@example.com']
    return (await promisify(execFile)('git', [...who, ...argv], { cwd: folder, env })).stdout.trim()
  }
  await git('init', '-q')
  await git('add', '.')
  await git('commit', '-q', '-m', 'one')
  return await git('rev-parse', 'HEAD')
}

/** An ssh-agent without a key. */
async function sshAgent(folder: string): Promise<AsyncDisposable & { readonly socket: string }> {
  const socket = join(folder, '.agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  while (!existsSync(socket)) await sleep(20)
  return {
    socket,
    async [Symbol.asyncDispose]() {
      agent.kill()
      await once(agent, 'exit')
    }
  }
}

it('tells of a platform that no node has, and stops there when that is wanted', async () => {
  const shop = new Workshop(bed, {
    stack: 'elsewhere',
    registry: `${bed.registry}/elsewhere`,
    'registry-username': login.username,
    'registry-password': login.password
  })
  shop.write({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /x\n' })
  const own = { ...web(''), image: undefined, build: { context: '.', platforms: ['linux/amd64', 'linux/arm64'] } }
  shop.compose({ web: own })
  const told = await shop.run({ command: 'plan' })
  expect(told.status).toBe('success')
  expect(JSON.parse(told.outputs['findings'] ?? '')).toContainEqual(
    expect.objectContaining({ level: 'warning', rule: 'platform-without-node', service: 'web', file: 'compose.yaml' })
  )
  const strict = await shop.run({ strict: 'true' })
  expect(strict.status).toBe('failure')
  expect(strict.log).toContain('is built for linux/arm64, but no node of the swarm is linux/arm64: linux/amd64.')
  expect(built(strict.log)).toBe(false)
  shop.compose({ web: { ...own, 'x-swarm-rollout': { ignore: ['platform-without-node'] } } })
  expect((await shop.run({ command: 'plan' })).outputs['findings']).not.toContain('platform-without-node')
  shop.close()
})

describe('images that somebody else built', () => {
  const app = (tag: string, more: object = {}) => pushApp(bed.registry, { name: `theirs/app:${tag}`, ...more }, login)
  const inputs = () => ({
    build: 'false',
    registry: `${bed.registry}/theirs`,
    'registry-username': login.username,
    'registry-password': login.password
  })
  const own = (image?: string) => ({ web: { ...web(''), image, build: { context: '.', network: 'none' } } })

  it('are deployed by their digest with `build: false`, under the names that they would have here', async () => {
    const shop = new Workshop(bed, { ...inputs(), stack: 'theirs' })
    shop.write({ Dockerfile: 'this cannot be built\n' })
    const first = await app('1')
    const result = await shop.compose(own('app:1')).run()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(built(result.log)).toBe(false)
    expect(JSON.parse(result.outputs['images'] ?? '')).toEqual({ web: first.pinned })
    expect(await inspect('theirs_web', '{{.Spec.TaskTemplate.ContainerSpec.Image}}')).toBe(first.pinned)
    const second = await app('2', { cmd: ['sleep', '3600'] })
    const other = await shop.compose(own(second.reference)).run({ command: 'plan' })
    expect(JSON.parse(other.outputs['images'] ?? '')).toEqual({ web: second.pinned })
    shop.close()
  })

  it('must have a name, and be there', async () => {
    const shop = new Workshop(bed, { ...inputs(), stack: 'nobodys' })
    const nameless = await shop.compose(own()).run()
    expect(nameless.status).toBe('failure')
    expect(nameless.log).toContain('web: `build: false`, but the compose file names no image for it.')
    const missing = await shop.compose(own('app:none')).run()
    expect(missing.status).toBe('failure')
    expect(missing.log).toContain(`Service web: the registry has no image ${bed.registry}/theirs/app:none.`)
    shop.close()
  })
})

it('needs no registry for its own images where there is one server', async () => {
  const shop = new Workshop(bed, {
    stack: 'carried',
    transfer: 'direct',
    // For the base image only.
    registry: bed.registry,
    'registry-username': login.username,
    'registry-password': login.password
  })
  shop.write({ Dockerfile: `FROM ${base}\nENV VERSION=carried\n` })
  shop.compose({ web: { ...web(''), image: undefined, build: { context: '.', network: 'none' } } })
  const result = await shop.run()
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
  expect(result.log).toMatch(/Carried [\d.]+ MB in [\d.]+ s\./)
  const again = await shop.run({}, commit('e'))
  expect(again).toMatchObject({ status: 'success', outputs: { status: 'unchanged' } })
  expect(again.log).toContain('web: the node runs this content already, nothing to build or carry.')
  shop.write({ Dockerfile: `FROM ${base}\nENV VERSION=second\n` })
  expect(JSON.parse((await shop.run({ command: 'plan' })).outputs['changes'] ?? '')).toHaveLength(1)
  expect(await shop.run()).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r2' } })
  expect(await shop.run({ command: 'rollback' })).toMatchObject({ status: 'success' })
  const id = (await bed.server.docker('ps', '-q', '--filter', 'name=carried_web')).split('\n')[0] ?? ''
  expect(await bed.server.docker('exec', id, 'sh', '-c', 'echo $VERSION')).toBe('carried')
  expect(bed.registryServer?.log()).not.toContain('carried-web')
  shop.close()
})
