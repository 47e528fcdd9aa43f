import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { startGithub, type FakeGithub } from '../../testbed/github/server.ts'
import { stateOf } from '../../testbed/github/store.ts'
import { pushBase } from '../../testbed/images.ts'
import { scratch } from '../scratch.ts'
import { Actions, pullRequestEvent } from './workflow-files.ts'

/** The life of a preview, by examples/workflows/preview.yml and prune.yml, with nothing left of it at the end. */
let bed: Bed
let github: FakeGithub
let actions: Actions
let base: string
const workspace = scratch('preview')
const stack = 'shop-pr-7'
const nasty = 'feature/"$(touch /tmp/pwned)`id`🚀/' + 'x'.repeat(200)

beforeAll(async () => {
  bed = await openBed({ name: 'preview' })
  github = await startGithub({ mostPerPage: 5 })
  actions = new Actions(bed, github, workspace, { DB_PASSWORD: 'p@ss$word1' })
  base = (await pushBase(bed.registry)).reference
  github.repository.pulls.set(7, {
    number: 7,
    headRef: nasty,
    headSha: 'a'.repeat(40),
    state: 'open',
    merged: false
  })
  for (let n = 0; n < 12; n += 1) {
    const author = { login: `user-${n}`, type: 'User' as const }
    github.repository.comments.push({ id: n + 1, issue: 7, author, body: `<!-- swarm-rollout:${stack} -->\nnot ours` })
  }
  write('1')
}, 180_000)

afterAll(async () => {
  actions.clean()
  await github.close()
  await bed.close()
}, 60_000)

afterEach(() => {
  expect(github.violations).toEqual([])
})

/** The repository at a version: one service that is built, a volume, a secret, a config and a fixed port. */
function write(version: string, environment: Record<string, string> = {}): void {
  const files = {
    'compose.yaml': JSON.stringify({
      services: {
        web: {
          build: '.',
          environment: {
            HOST_RULE: 'Host(`${PREVIEW_HOST:-www.example.com}`)',
            BRANCH: '${PREVIEW_BRANCH:-}',
            SECRET_FILE: '/run/secrets/db_password',
            ...environment
          },
          secrets: ['db_password'],
          configs: [{ source: 'motd', target: '/motd' }],
          volumes: ['data:/data'],
          networks: ['inner'],
          healthcheck: {
            test: ['CMD', '/bin/healthy'],
            interval: '500ms',
            timeout: '2s',
            retries: 3,
            start_period: '60s'
          },
          stop_grace_period: '1s',
          deploy: {
            replicas: 2,
            endpoint_mode: 'dnsrr',
            update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s' }
          }
        }
      },
      secrets: { db_password: { external: true } },
      configs: { motd: { content: `version ${version}` } },
      volumes: { data: {} },
      networks: { inner: {} }
    }),
    Dockerfile: `FROM ${base}\nENV VERSION=${version}\nCMD ["/bin/app"]\n`
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true })
    writeFileSync(join(workspace, path), text)
  }
}

function push(letter: string): void {
  const pull = github.repository.pulls.get(7)
  if (pull) pull.headSha = letter.repeat(40)
}

function setState(state: 'open' | 'closed'): void {
  const pull = github.repository.pulls.get(7)
  if (pull) pull.state = state
}

const preview = (action: string) => ({
  file: 'preview.yml',
  event: pullRequestEvent(github, action, 7),
  // The registry of the bed takes no login.
  with: { 'pull-username': '', 'pull-password': '', 'registry-username': '', 'registry-password': '' },
  values: {}
})

const ours = () => github.repository.comments.filter(({ author }) => author.type === 'Bot')
const states = () => github.repository.deployments.map(one => [one.sha[0], stateOf(one)])

/** Everything on the server that names the preview. */
async function remains(): Promise<string[]> {
  const lists = await Promise.all([
    bed.server.docker('service', 'ls', '--format', 'service {{.Name}}'),
    bed.server.docker('network', 'ls', '--format', 'network {{.Name}}'),
    bed.server.docker('volume', 'ls', '--format', 'volume {{.Name}}'),
    bed.server.docker('secret', 'ls', '--format', 'secret {{.Name}}'),
    bed.server.docker('config', 'ls', '--format', 'config {{.Name}}'),
    bed.server.docker('ps', '-a', '--format', 'container {{.Names}}'),
    bed.server.docker('image', 'ls', '--digests', '--format', 'image {{.Repository}}:{{.Tag}}')
  ])
  return lists.flatMap(list => list.split('\n')).filter(line => /shop|pr-7|acme/.test(line))
}

const inspect = () =>
  bed.server.docker('service', 'inspect', '-f', '{{.Spec.TaskTemplate.ContainerSpec.Env}}', `${stack}_web`)

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 300; n += 1) {
    if (await condition()) return
    await new Promise(resolve => void setTimeout(resolve, 200))
  }
  throw new Error('it never came to that')
}

async function environmentInside(): Promise<string> {
  const filter = `label=com.docker.swarm.service.name=${stack}_web`
  const [id = ''] = (await bed.server.docker('ps', '-q', '--filter', filter)).trim().split('\n')
  return await bed.server.docker('exec', id, 'wget', '-q', '-O-', 'http://127.0.0.1:8080/env')
}

describe('the preview of a pull request', () => {
  it('is deployed when it opens, with names that are safe everywhere', async () => {
    const result = await actions.run(preview('opened'))
    expect(result.log).not.toContain('p@ss$word1')
    expect(result).toMatchObject({
      status: 'success',
      outputs: { status: 'deployed', stack, url: 'https://pr-7.preview.example.com' }
    })
    const inside = await environmentInside()
    expect(inside).toContain('HOST_RULE=Host(`pr-7.preview.example.com`)')
    expect(inside).toMatch(/^BRANCH=feature-touch-tmp-pwned-id-x+-[0-9a-f]{6}$/m)
    expect(await bed.server.docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}}')).toBe(`${stack}_web 1/1`)
  }, 120_000)

  it('shows itself in one comment of its own, and as a transient Deployment', () => {
    expect(ours()).toHaveLength(1)
    expect(ours()[0]?.body).toContain('https://pr-7.preview.example.com')
    expect(github.repository.deployments).toMatchObject([
      { environment: 'preview', task: `deploy:${stack}`, transient: true, sha: 'a'.repeat(40) }
    ])
    expect(states()).toEqual([['a', 'success']])
  })

  it('follows a push, in the same comment', async () => {
    write('2')
    push('b')
    const result = await actions.run(preview('synchronize'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r2' } })
    expect(await environmentInside()).toContain('VERSION=2')
    expect(ours()).toHaveLength(1)
    expect(ours()[0]?.body).toContain('bbbbbbb')
    expect(states()).toEqual([
      ['a', 'inactive'],
      ['b', 'success']
    ])
  }, 120_000)

  it('is gone once it closes, although a deploy is still running', async () => {
    write('3', { HEALTHY_AFTER: '20' })
    push('d')
    const running = actions.start(preview('synchronize'))
    await until(async () => /HEALTHY_AFTER=20/.test(await inspect()))
    setState('closed')
    const closing = await actions.run(preview('closed'))
    const deploy = await running.result
    expect(closing).toMatchObject({ status: 'success', outputs: { status: 'removed', stack } })
    expect(deploy.outputs['status']).toMatch(/^(overtaken|cancelled)$/)
    expect(await remains()).toEqual([])
    expect(github.repository.deployments).toEqual([])
    expect(ours()).toHaveLength(1)
  }, 180_000)

  it('is not there any more: closing it again is a success', async () => {
    const result = await actions.run(preview('closed'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'removed' } })
    expect(ours()[0]?.body).toContain('Preview removed')
    expect(ours()[0]?.body).not.toContain('https://pr-7.preview.example.com')
  }, 60_000)

  it('is not brought back by a run that comes late', async () => {
    const result = await actions.run({ ...preview('synchronize'), event: stale('synchronize', 'open') })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'skipped' } })
    expect(await remains()).toEqual([])
  }, 90_000)

  it('comes back when it is reopened', async () => {
    write('2')
    setState('open')
    const result = await actions.run(preview('reopened'))
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(states()).toEqual([['d', 'success']])
  }, 120_000)

  it('stays when an old run of its closing is started again', async () => {
    const result = await actions.run({ ...preview('closed'), event: stale('closed', 'closed') })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'skipped' } })
    expect(await environmentInside()).toContain('VERSION=2')
  }, 60_000)

  it('is pruned once its pull request is closed, and nothing is left', async () => {
    const kept = await actions.run({ file: 'prune.yml', event: { name: 'schedule', payload: {} } })
    expect(kept.summary).toContain('0 of 1 previews removed, 1 kept')
    setState('closed')
    const pruned = await actions.run({ file: 'prune.yml', event: { name: 'schedule', payload: {} } })
    expect(pruned).toMatchObject({ status: 'success', outputs: { status: 'pruned' } })
    expect(pruned.summary).toContain('its pull request is closed')
    expect(await remains()).toEqual([])
    expect(github.repository.deployments).toEqual([])
  }, 120_000)

  /** An event as it was sent when the pull request stood otherwise. */
  function stale(action: string, state: 'open' | 'closed'): ReturnType<typeof pullRequestEvent> {
    const event = pullRequestEvent(github, action, 7)
    const payload = event.payload as { pull_request: object }
    return { ...event, payload: { ...payload, pull_request: { ...payload.pull_request, state } } }
  }
})

describe('a pull request of a fork', () => {
  it('has no secrets, is told why there is no preview, and is green', async () => {
    setState('open')
    const before = bed.server.handshakes()
    const result = await actions.run({
      file: 'preview.yml',
      event: pullRequestEvent(github, 'opened', 7, { fork: true }),
      values: { 'secrets.SSH_KEY': '', 'secrets.PULL_TOKEN': '', 'toJSON(secrets)': '{}' }
    })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'skipped' } })
    expect(result.log).toContain('comes from a fork, whose runs get no secrets')
    expect(result.log).not.toContain('pull_request_target')
    expect(bed.server.handshakes()).toBe(before)
    expect(await remains()).toEqual([])
  }, 60_000)
})

describe('GitHub that refuses', () => {
  it('turns no good preview red: one warning for each permission', async () => {
    github.permissions = { 'pull-requests': 'none', deployments: 'none' }
    setState('open')
    const result = await actions.run(preview('opened'))
    github.permissions = { 'pull-requests': 'write', deployments: 'write' }
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const warnings = result.annotations
      .map(({ message }) => message)
      .filter(text => text.includes('GitHub did not let'))
    expect(warnings).toHaveLength(2)
    expect(warnings.join()).toContain('Add `deployments: write` under `permissions:`')
    expect(warnings.join()).toContain('Add `pull-requests: write` under `permissions:`')
    setState('closed')
    expect(await actions.run(preview('closed'))).toMatchObject({ status: 'success' })
    expect(await remains()).toEqual([])
  }, 180_000)
})
