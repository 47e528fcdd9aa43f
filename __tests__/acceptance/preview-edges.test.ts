import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { startGithub, type FakeGithub } from '../../testbed/github/server.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { startForwardProxy } from '../../testbed/proxy.ts'
import { scratch } from '../scratch.ts'
import { web } from './workshop.ts'
import { Actions, pullRequestEvent, type Trigger } from './workflow-files.ts'

/** Previews and plans where something is in the way: names that are taken, broken files, a GitHub that falters. */
let bed: Bed
let github: FakeGithub
let actions: Actions
let versions: Pushed[]
const workspace = scratch('edges')
const secret = 'p@ss$w_rd*1<x>'

beforeAll(async () => {
  bed = await openBed({ name: 'edges' })
  github = await startGithub()
  actions = new Actions(bed, github, workspace, { DB_PASSWORD: secret })
  versions = await pushVersions(bed.registry)
  for (const number of [1, 2, 3, 4]) {
    const headSha = String(number).repeat(40)
    github.repository.pulls.set(number, { number, headRef: `feature-${number}`, headSha, state: 'open', merged: false })
  }
}, 180_000)

afterAll(async () => {
  actions.clean()
  await github.close()
  await bed.close()
}, 60_000)

afterEach(() => {
  expect(github.violations).toEqual([])
  github.faults.length = 0
})

const image = (version: 1 | 2 | 3) => versions[version - 1]?.reference ?? ''
const write = (services: object, rest: object = {}) =>
  writeFileSync(join(workspace, 'compose.yaml'), JSON.stringify({ services, ...rest }))

/** The registry of the bed takes no login. */
const open = { 'pull-username': '', 'pull-password': '', 'registry-username': '', 'registry-password': '' }

function preview(number: number, action: string, more: Record<string, string> = {}): Trigger {
  const pull = github.repository.pulls.get(number)
  if (pull) pull.state = action === 'closed' ? 'closed' : 'open'
  return { file: 'preview.yml', event: pullRequestEvent(github, action, number), with: { ...open, ...more } }
}

const commentsOf = (number: number) => github.repository.comments.filter(({ issue }) => issue === number)

describe('a stack that merely has the name of a preview', () => {
  const stack = 'shop-pr-1'
  beforeAll(async () => {
    const label = `com.docker.stack.namespace=${stack}`
    await bed.server.docker('service', 'create', '-d', '--name', `${stack}_web`, '--label', label, image(1))
  }, 60_000)
  afterAll(() => bed.server.docker('service', 'rm', `${stack}_web`))

  it.each(['opened', 'closed'])(
    'is left alone when the pull request is %s',
    async action => {
      write({ web: web(image(2)) })
      const result = await actions.run(preview(1, action))
      expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
      expect(result.log).toContain(`The stack ${stack} is there already and is no preview, not of acme/shop#1`)
      const images = await bed.server.docker('service', 'ls', '--format', '{{.Name}} {{.Image}}')
      expect(images).toBe(`${stack}_web ${image(1)}`)
    },
    60_000
  )
})

describe('a preview at a port that the swarm chooses', () => {
  it('shows the port in its URL, and answers there', async () => {
    write({ web: web(image(1), { ports: [{ target: 8080, published: '80', mode: 'host' }] }) })
    const result = await actions.run(
      preview(2, 'opened', { 'preview-url': `http://${bed.server.address}:{port}/version` })
    )
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const url = result.outputs['url'] ?? ''
    expect(url).toMatch(/^http:\/\/[\d.]+:\d{4,5}\/version$/)
    expect((await (await fetch(url)).text()).trim()).toBe('version 1')
    expect(commentsOf(2)[0]?.body).toContain(url.replace('http://', ''))
  }, 120_000)

  it('stays when its pull request is reopened while prune waits for a deploy of it', async () => {
    write({ web: web(image(2), { environment: { HEALTHY_AFTER: '12' }, healthcheck: { start_period: '60s' } }) })
    const deploy = actions.start(preview(2, 'synchronize'))
    await deploy.waitForLog(/Rollout of release r2/, 60_000)
    const pull = github.repository.pulls.get(2)
    if (pull) pull.state = 'closed'
    const prune = actions.start({ file: 'prune.yml' })
    await prune.waitForLog(/Waiting for the lock of stack shop-pr-2: held by the deploy/, 60_000)
    if (pull) pull.state = 'open'
    expect(await deploy.result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r2' } })
    const pruned = await prune.result
    expect(pruned).toMatchObject({ status: 'success', outputs: { status: 'pruned' } })
    expect(pruned.summary).toMatch(/shop-pr-2 was to be removed, as .*that is no longer so: it stays/)
    expect(await bed.server.docker('service', 'ls', '--format', '{{.Name}}')).toBe('shop-pr-2_web')
  }, 120_000)

  it('is not taken over by a deploy of another stack that has its name', async () => {
    const result = await actions.run({
      file: 'production.yml',
      event: { name: 'push', payload: {} },
      with: { ...open, stack: 'shop-pr-2', 'verify-url': '' }
    })
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toContain('The stack shop-pr-2 is there already and is the preview of acme/shop#2: it is left')
  }, 60_000)

  it('is a preview still when it goes back by hand', async () => {
    write({ web: web(image(2)) })
    expect(await actions.run(preview(2, 'synchronize'))).toMatchObject({ outputs: { status: 'deployed' } })
    const back = await actions.run({
      file: 'rollback.yml',
      values: { 'inputs.release': 'r1' },
      with: { 'pull-username': '', 'pull-password': '', stack: 'shop-pr-2' }
    })
    expect(back).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r4' } })
    const marked = ['--filter', 'label=swarm-rollout.preview=acme/shop#2', '--format', '{{.Name}}']
    expect(await bed.server.docker('service', 'ls', ...marked)).toBe('shop-pr-2_web')
    expect(await bed.server.docker('config', 'ls', ...marked)).toContain('shop-pr-2.release.r4')
  }, 120_000)

  it('says so when there are more than the limit allows, and which go', async () => {
    write({ web: web(image(1)) })
    const result = await actions.run(preview(3, 'opened', { 'preview-limit': '1' }))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(result.log).toContain('2 previews are live, more than `preview-limit` allows (1)')
    expect(commentsOf(3)[0]?.body).toMatch(/removes <code>shop-pr-2<\/code>/)
    expect(await actions.run(preview(3, 'closed'))).toMatchObject({ status: 'success' })
  }, 120_000)

  it('is kept, with one warning, where GitHub does not say how its pull request stands', async () => {
    github.permissions = { ...github.permissions, 'pull-requests': 'none' }
    const result = await actions.run({ file: 'prune.yml' })
    github.permissions = { ...github.permissions, 'pull-requests': 'write' }
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'pruned' } })
    expect(result.summary).toContain('0 of 1 previews removed')
    const warnings = result.annotations.filter(({ message }) => message.includes('how the pull request stands'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]?.message).toContain('Add `pull-requests: read` under `permissions:`')
  }, 60_000)

  it('goes when it is too old, also where another one cannot be removed', async () => {
    const label = ['--label', 'com.docker.stack.namespace=shop-pr-9', '--label', 'swarm-rollout.preview=acme/shop#9']
    const stays = [...label, '--env', 'STOP_DELAY=60', '--stop-grace-period', '90s', image(1)]
    await bed.server.docker('service', 'create', '-q', '--name', 'shop-pr-9_web', ...stays)
    const result = await actions.run({ file: 'prune.yml', with: { 'preview-ttl': '1s', timeout: '15s' } })
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toContain('The preview shop-pr-9 could not be removed: Stack shop-pr-9 is not gone after 15 s.')
    expect(result.summary).toContain('1 of 2 previews removed, 0 kept, 1 in trouble.')
    expect(result.summary).toContain('shop-pr-2: its last deploy was')
    expect(await bed.server.docker('service', 'ls', '-q', '--filter', 'label=swarm-rollout.preview')).toBe('')
  }, 60_000)
})

describe('a pull request whose compose file is broken', () => {
  it('is red, and told so on the pull request', async () => {
    write({ web: { ...web(image(1)), privileged: true } })
    const result = await actions.run(preview(3, 'opened'))
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(commentsOf(3)).toHaveLength(1)
    expect(commentsOf(3)[0]?.body).toMatch(/^<!-- swarm-rollout:shop-pr-3 -->\n### ❌ Failed/)
    expect(commentsOf(3)[0]?.body).toContain('privileged')
  }, 60_000)

  it('shows no secret that its container prints, neither there nor in the summary', async () => {
    const services = {
      web: web(image(1), { environment: { EXIT_AFTER: '0', EXIT_CODE: '1', PRINT: 'the password is ${DB_PASSWORD}' } })
    }
    write(services)
    const result = await actions.run({ ...preview(3, 'synchronize'), env: { DB_PASSWORD: secret } })
    expect(result).toMatchObject({ status: 'failure' })
    expect(result.summary).toContain('the password is ***')
    const body = commentsOf(3).at(-1)?.body ?? ''
    expect(body).toContain('the password is ***')
    for (const text of [result.log, result.summary, body]) expect(text).not.toContain('w_rd')
    await actions.run(preview(3, 'closed'))
  }, 120_000)
})

describe('a GitHub that falters', () => {
  it.each([
    ['is down', { status: 503, body: 'down' }],
    ['forgets the token', { status: 401, body: { message: 'Bad credentials' } }],
    ['has a limit', { status: 429, body: { message: 'rate limit' }, headers: { 'retry-after': '3600' } }],
    ['speaks another language', { status: 200, body: '<html>' }]
  ])(
    'that %s leaves a good preview green',
    async (_, reply) => {
      write({ web: web(image(1)) })
      github.faults.push({ path: /./, times: 1000, reply })
      const result = await actions.run(preview(4, 'opened'))
      expect(result).toMatchObject({ status: 'success' })
      expect(result.outputs['status']).toMatch(/^(deployed|unchanged)$/)
    },
    90_000
  )
})

describe('plan.yml', () => {
  const trigger = (): Trigger => ({ file: 'plan.yml', event: pullRequestEvent(github, 'opened', 4), with: open })
  const services = (version: 1 | 2, more: object = {}) => ({
    web: web(image(version), { secrets: ['db_password'], environment: { MODE: 'x', ...more } })
  })
  const rest = { secrets: { db_password: { external: true } } }
  const count = () => bed.server.docker('service', 'ls', '-q').then(list => list.split('\n').filter(Boolean).length)

  it('says what a deploy would do, and does none of it', async () => {
    write(services(1), rest)
    const before = await count()
    const result = await actions.run(trigger())
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'planned', stack: 'shop' } })
    expect(JSON.parse(result.outputs['changes'] ?? '[]')).toMatchObject([{ service: 'web', kind: 'create' }])
    expect(await count()).toBe(before)
    expect(await bed.server.docker('secret', 'ls', '--format', '{{.Name}}', '--filter', 'name=shop')).not.toContain(
      'password'
    )
    expect(commentsOf(4).filter(({ body }) => body.startsWith('<!-- swarm-rollout:shop -->'))).toHaveLength(1)
  }, 60_000)

  it('is empty right after the deploy', async () => {
    const deployed = await actions.run({
      file: 'production.yml',
      event: { name: 'push', payload: {} },
      with: { ...open, 'verify-url': '' }
    })
    expect(deployed).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const result = await actions.run(trigger())
    expect(JSON.parse(result.outputs['changes'] ?? '[]')).toEqual([{ service: 'web', kind: 'unchanged', fields: [] }])
    expect(result.summary).toContain('A deploy would change nothing.')
  }, 120_000)

  it('names image and variables, no values, in the same comment', async () => {
    write(services(2, { MODE: 'y', API_TOKEN: 'tops3cret' }), rest)
    const result = await actions.run(trigger())
    expect(JSON.parse(result.outputs['changes'] ?? '[]')).toMatchObject([{ service: 'web', kind: 'update' }])
    const [comment, ...others] = commentsOf(4).filter(({ body }) => body.startsWith('<!-- swarm-rollout:shop -->'))
    expect(others).toEqual([])
    expect(comment?.body).toMatch(/app:1&#64;[0-9a-f]{8}<\/code> → <code>:2&#64;[0-9a-f]{8}/)
    expect(comment?.body).toContain('API&#95;TOKEN')
    expect(comment?.body).not.toContain('tops3cret')
  }, 60_000)

  it('that cannot be made says so in the comment: what stood there is outdated', async () => {
    write({ web: { ...web(image(1)), privileged: true } })
    const result = await actions.run(trigger())
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    const comments = commentsOf(4).filter(({ body }) => body.startsWith('<!-- swarm-rollout:shop -->'))
    expect(comments).toHaveLength(1)
    expect(comments[0]?.body).toMatch(/### ❌ Failed[^]*privileged/)
  }, 60_000)

  it('reaches GitHub through the proxy of the runner', async () => {
    write(services(2), rest)
    const proxy = await startForwardProxy({ 'ghes.example.test': Number(new URL(github.url).port) })
    const calls = github.calls.length
    const env = { GITHUB_API_URL: 'http://ghes.example.test', GITHUB_GRAPHQL_URL: '', http_proxy: proxy.url }
    const result = await actions.run({ ...trigger(), env })
    await proxy.close()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'planned' } })
    expect(result.log).toContain('Comment on pull request #4 updated')
    expect(proxy.tunnels).toContain('ghes.example.test:80')
    expect(github.calls.length).toBeGreaterThan(calls)
  }, 60_000)
})
