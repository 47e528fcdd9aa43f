import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { startGithub, type FakeGithub } from '../../testbed/github/server.ts'
import { pushApp } from '../../testbed/images.ts'
import type { Step, StepResult } from '../../testbed/runner.ts'
import { watchProcesses, type Seen } from '../../testbed/watcher.ts'
import { Workshop, web } from './workshop.ts'

jest.setTimeout(240_000)

/** Nothing secret is to be found anywhere but where it belongs: values that no text has by chance, and a search for them. */
const marked = (name: string): string => `${name}-${randomBytes(9).toString('base64url')}`
const login = { username: 'ci', password: marked('registry') }
const plain = marked('plain')
const lines = ['-----BEGIN MARKED KEY-----', marked('line1'), marked('line2'), '-----END MARKED KEY-----'].join('\n')
const build = marked('build')
const unused = marked('unused')
const secrets = JSON.stringify({ DB_PASSWORD: plain, TLS_KEY: lines, NPM_TOKEN: build, UNUSED: unused })
const values = [login.password, plain, ...lines.split('\n').slice(1, 3), build, unused]
const needles = values.flatMap(value => [value, Buffer.from(value).toString('base64').replace(/=+$/, '').slice(0, -1)])

let bed: Bed
let github: FakeGithub
let workshop: Workshop
const results: StepResult[] = []
const processes: Seen[] = []

beforeAll(async () => {
  bed = await openBed({ name: 'hidden', registry: { logins: [login] }, builder: { containerdStore: true } })
  const base = (await pushApp(bed.registry, { name: 'base:1' }, login)).reference
  github = await startGithub({ token: marked('github') })
  needles.push(github.token)
  workshop = new Workshop(bed, {
    stack: 'hidden',
    'github-token': github.token,
    environment: 'production',
    secrets,
    registry: `${bed.registry}/hidden`,
    'registry-username': login.username,
    'registry-password': login.password
  })
  workshop.write({
    Dockerfile: `FROM ${base}\nARG VERSION\nENV VERSION=$VERSION\nRUN --mount=type=secret,id=npm test -s /run/secrets/npm\n`
  })
}, 240_000)

afterAll(async () => {
  workshop.close()
  await github.close()
  await bed.close()
})

function compose(version: string, more: object = {}): void {
  const service = web('', { secrets: ['db_password', 'tls'], ...more })
  const image = {
    image: undefined,
    build: { context: '.', network: 'none', args: { VERSION: version }, secrets: ['npm'] }
  }
  const own = { environment: 'TLS_KEY' }
  workshop.compose(
    { web: { ...service, ...image } },
    { secrets: { db_password: { external: true }, tls: own, npm: { environment: 'NPM_TOKEN' } } }
  )
}

const sha = 'a'.repeat(40)
const event = {
  name: 'pull_request',
  payload: {
    action: 'synchronize',
    number: 7,
    repository: { full_name: 'acme/shop' },
    pull_request: {
      number: 7,
      state: 'open',
      head: { ref: 'x', sha, repo: { full_name: 'acme/shop' } },
      base: { ref: 'main', repo: { full_name: 'acme/shop' } }
    }
  }
}

async function run(inputs: Record<string, string>, job: Pick<Step, 'event'> = {}): Promise<StepResult> {
  const step = workshop.start(inputs, { ...job, env: { ...github.env, RUNNER_DEBUG: '1' } })
  const watcher = watchProcesses(step.pid)
  const result = await step.result
  processes.push(...(await watcher.stop()))
  results.push(result)
  return result
}

const found = (text: string): string[] => needles.filter(needle => text.includes(needle))

/** Every file below a folder that holds one of the values. */
function filesWith(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => statSync(path).size < 64 << 20 && found(unpacked(readFileSync(path))).length > 0)
}

/** A layer as it is once it is unpacked; anything else as it is. */
function unpacked(bytes: Buffer): string {
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('latin1')
}

it('deploys, is rolled back, goes back, tells and removes', async () => {
  compose('1')
  expect(await run({})).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
  const id = (await bed.server.docker('ps', '-q', '--filter', 'name=hidden_web')).split('\n')[0] ?? ''
  expect(await bed.server.docker('exec', id, 'cat', '/run/secrets/tls', '/run/secrets/db_password')).toBe(
    `${lines}${plain}`
  )
  compose('2')
  expect(await run({})).toMatchObject({ status: 'success' })
  // A program that prints its secret itself: the runner's log hides it, and so do the summary and the annotations.
  const prints = 'echo "connecting with $$(cat /run/secrets/db_password)"; exec /bin/app'
  compose('3', { environment: { HEALTHY_AFTER: 'never' }, command: ['sh', '-c', prints] })
  expect(await run({})).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
  for (const command of ['plan', 'status', 'check', 'rollback']) expect((await run({ command })).status).toBe('success')
  await run({ 'registry-password': `${login.password}x` })
  // With a pull request to comment on.
  expect((await run({ command: 'plan' }, { event })).status).toBe('success')
  expect(github.repository.comments).toHaveLength(1)
})

describe('nothing secret', () => {
  it('is in a log, a summary or an output', () => {
    for (const { log, summary, outputs, annotations, post } of results)
      expect(found([log, post?.log, summary, JSON.stringify(outputs), JSON.stringify(annotations)].join('\n'))).toEqual(
        []
      )
  })

  it('was ever printed but to be masked', () => {
    const printed = results.flatMap(({ raw }) => raw.split('\n')).filter(line => !line.startsWith('::add-mask::'))
    // The program's own words come with the value in them; the runner hides it.
    expect(printed.filter(line => found(line).length > 0 && !line.includes('connecting with'))).toEqual([])
  })

  it('was an argument of a program', () => {
    expect(processes.length).toBeGreaterThan(30)
    expect(processes.filter(({ argv }) => found(argv).length > 0)).toEqual([])
  })

  it('was in the environment of a program', () => {
    const own = processes.filter(({ argv }) => !/index\.js$/.test(argv))
    expect(own.filter(({ env }) => found(env).length > 0).map(({ argv }) => argv)).toEqual([])
  })

  it('was left on the runner', () => {
    for (const { runnerTemp, home } of results) expect([...filesWith(runnerTemp), ...filesWith(home)]).toEqual([])
  })

  it('is in an image or its history, or in the files of the registry and the server', () => {
    expect(filesWith(join(bed.dir, 'registry', 'data'))).toEqual([])
    expect(filesWith(join(bed.server.dir, 'log'))).toEqual([])
  })

  it('was told to GitHub', () => {
    expect(github.violations).toEqual([])
    expect(github.repository.deployments.length).toBeGreaterThan(2)
    expect(github.bodies.filter(body => body !== '').length).toBeGreaterThan(5)
    expect(found([...github.calls, ...github.bodies, JSON.stringify(github.repository)].join('\n'))).toEqual([])
  })

  it('is anywhere on the disk of the server but in the memory of its tasks and in what the program itself printed', async () => {
    const folders = ['/var/lib', '/var/log', '/etc', '/root', '/home', '/tmp', '/var/tmp']
    // What the bed has of its own stands for the server's disk once more, under another name.
    const search = `find "$@" -path ${bed.dir} -prune -o -type f -not -path "*/mounts/*" -not -name "*-json.log*" -size -128M -print0`
    const script = `cat > /run/needles; ${search} | xargs -0 grep -alF -f /run/needles; rm /run/needles`
    const look = () => bed.server.exec(['sh', '-c', `${script}; true`, 'sh', ...folders], needles.join('\n'))
    expect(await look()).toBe('')
    await bed.server.exec(['sh', '-c', 'cat > /var/lib/docker/control'], `x${plain}x`)
    expect(await look()).toContain('/var/lib/docker/control')
  })

  it('was sent to the engine in the clear but in the objects themselves', async () => {
    const lists = await Promise.all(
      ['services', 'configs', 'secrets', 'tasks'].map(kind => bed.server.api('GET', `/${kind}`))
    )
    const data = (lists[1] as { Spec: { Data: string } }[]).map(({ Spec }) =>
      Buffer.from(Spec.Data, 'base64').toString('latin1')
    )
    expect(found(JSON.stringify(lists))).toEqual([])
    expect(found(data.join('\n'))).toEqual([])
  })
})

it('leaves no secret of a build on the runner when it is killed in the middle of one', async () => {
  workshop.write({
    Dockerfile: `${readFileSync(join(workshop.workspace, 'Dockerfile'), 'utf8')}RUN --mount=type=secret,id=npm echo in the middle && sleep 60\n`
  })
  compose('4')
  const step = workshop.start()
  await step.waitForLog(/^#\d+ [\d.]+ in the middle$/m)
  const temp = /^RUNNER_TEMP=(.*)$/m.exec(
    readFileSync(`/proc/${step.pid}/environ`, 'latin1').replaceAll('\0', '\n')
  )?.[1]
  const during = filesWith(temp ?? '')
  expect(during.map(path => statSync(path).mode & 0o777)).toEqual(during.map(() => 0o600))
  expect(during.some(path => readFileSync(path, 'utf8') === build)).toBe(true)
  process.kill(step.pid, 'SIGKILL')
  const result = await step.result
  expect(result.runnerTemp).toBe(temp)
  expect([...filesWith(result.runnerTemp), ...filesWith(result.home)]).toEqual([])
  expect(found(result.log)).toEqual([])
  result.clean()
})
