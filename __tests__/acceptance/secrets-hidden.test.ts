import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import type { StepResult } from '../../testbed/runner.ts'
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
let workshop: Workshop
const results: StepResult[] = []
const processes: Seen[] = []

beforeAll(async () => {
  bed = await openBed({ name: 'hidden', registry: { logins: [login] }, builder: { containerdStore: true } })
  const base = (await pushApp(bed.registry, { name: 'base:1' }, login)).reference
  workshop = new Workshop(bed, {
    stack: 'hidden',
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
  await bed.close()
})

function compose(version: string, environment: object = {}): void {
  const service = web('', { environment, secrets: ['db_password', 'tls'] })
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

async function run(inputs: Record<string, string>): Promise<StepResult> {
  const step = workshop.start(inputs, { env: { RUNNER_DEBUG: '1' } })
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
    .filter(path => statSync(path).size < 64 << 20 && found(readFileSync(path, 'latin1')).length > 0)
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
  compose('3', { HEALTHY_AFTER: 'never', PRINT: `connecting with ${plain}` })
  expect(await run({})).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
  for (const command of ['plan', 'status', 'check', 'rollback']) expect((await run({ command })).status).toBe('success')
  await run({ 'registry-password': `${login.password}x` })
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

  it('was sent to the engine in the clear but in the objects themselves', async () => {
    const lists = await Promise.all(
      ['services', 'configs', 'secrets', 'tasks'].map(kind => bed.server.api('GET', `/${kind}`))
    )
    const data = (lists[1] as { Spec: { Data: string } }[]).map(({ Spec }) =>
      Buffer.from(Spec.Data, 'base64').toString('latin1')
    )
    const printed = JSON.stringify(lists).replaceAll(`connecting with ${plain}`, '')
    expect(found(printed)).toEqual([])
    expect(found(data.join('\n').replaceAll(`connecting with ${plain}`, ''))).toEqual([])
  })
})
