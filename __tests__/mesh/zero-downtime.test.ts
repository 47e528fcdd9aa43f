import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pushExampleImages } from '../../testbed/base-images.ts'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { openEdge } from '../../testbed/edge.ts'
import { until } from '../../testbed/processes.ts'
import type { StepResult } from '../../testbed/runner.ts'
import { projectDir } from '../../testbed/toolchain.ts'
import { Visitors, type Count } from '../../testbed/visitors.ts'
import { Workshop } from '../acceptance/workshop.ts'

/**
 * The example app on two servers, its web service published through the ingress mesh, and visitors who never stop asking while the committed
 * dist deploys. The tests follow one another: each begins with what the one before has left running.
 */
let bed: Bed
let workshop: Workshop
let images: Readonly<Record<string, string>>
let visitors: Readonly<Record<string, readonly Visitors[]>> = {}
let commits = 0

const port = 8080

beforeAll(async () => {
  bed = await openBed({ name: 'mesh', servers: 2 })
  const [edge, pushed] = await Promise.all([openEdge(bed), pushExampleImages(bed.registry)])
  images = pushed
  workshop = new Workshop(bed, {
    stack: 'guestbook',
    registry: `${bed.registry}/octocat`,
    'compose-file': 'compose.yaml\ncompose.mesh.yaml',
    secrets: 'db_password=database-password-of-the-mesh',
    'stable-for': '5s',
    timeout: '4m'
  })
  cpSync(join(projectDir, 'examples/app'), workshop.workspace, { recursive: true })
  override({})
  expect(await deploy('1')).toMatchObject({ status: 'success' })
  const url = `http://${edge.address}:${port}/version`
  const read = (body: string) => (JSON.parse(body) as { version: string }).version
  const some = (number: number, every: number, keepAlive: boolean) =>
    Array.from({ length: number }, () => new Visitors(url, { every, read, keepAlive }))
  visitors = {
    'a connection for each request': some(1, 20, false),
    'kept connections, busy': some(4, 20, true),
    'kept connections, at leisure': some(4, 700, true)
  }
  await seen('1', 50)
}, 600_000)

afterAll(async () => {
  await Promise.all(everybody().map(each => each.stop()))
  workshop.close()
  await bed.close()
}, 60_000)

/**
 * What is added to the example: the port in the mesh, and a courier that works with the web service; one of `limit` 2 does not know version 4
 * and ends when all web tasks are of that version.
 */
function override(web: object, limit = 9): void {
  const courier = `const { promises: dns } = require('node:dns')
const version = async address => (await (await fetch('http://' + address + ':3000/version')).json()).version
const look = async () => {
  const versions = await Promise.all((await dns.resolve4('tasks.web')).map(version))
  if (versions.length > 1 && versions.every(each => each > ${limit})) throw 'this version of the web service is too new for me'
}
setInterval(() => look().catch(error => { console.error(error); if (typeof error === 'string') process.exit(1) }), 500)`
  const services = {
    web: { ports: [{ target: 3000, published: port, protocol: 'tcp', mode: 'ingress' }], ...web },
    courier: { image: '${NODE_IMAGE}', command: ['node', '-e', courier.replaceAll('$', '$$')], stop_grace_period: '1s' }
  }
  workshop.write({ 'compose.mesh.yaml': JSON.stringify({ services }) })
}

/** The step of a push to main, with this version of the web service. */
function deploy(version: string, inputs: Readonly<Record<string, string>> = {}): Promise<StepResult> {
  writeFileSync(join(workshop.workspace, 'web/VERSION'), `${version}\n`)
  const commit = `${++commits}`.repeat(40)
  return workshop.run(inputs, { env: { ...images, GITHUB_REPOSITORY: 'octocat/guestbook', GITHUB_SHA: commit } })
}

const everybody = () => Object.values(visitors).flat()

/** Waits until the mesh has given this answer alone, so often in two seconds, and forgets what was counted so far. */
async function seen(version: string, times: number): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    for (const each of everybody()) each.take()
    await new Promise(resolve => setTimeout(resolve, 2000))
    const { answers, failed } = total(everybody().map(each => each.take()))
    if (failed === 0 && answers.size === 1 && (answers.get(version) ?? 0) >= times) return
  }
  throw new Error(`the mesh never answered with version ${version} alone`)
}

/**
 * What the visitors met since the last look, printed: until the tasks of before have ended, since the verdict does not wait for their grace
 * period.
 */
async function met(what: string): Promise<{ failed: number; failures: readonly string[]; versions: string[] }> {
  await until('the end of the tasks of before', 60_000, async () => ((await ending()) === 0 ? true : undefined))
  await new Promise(resolve => setTimeout(resolve, 2000))
  const counts = Object.entries(visitors).map(([kind, some]) => [kind, total(some.map(each => each.take()))] as const)
  for (const [kind, count] of counts) process.stderr.write(`  ${what}, ${kind}: ${inWords(count)}\n`)
  const { failed, failures, answers } = total(counts.map(([, count]) => count))
  return { failed, failures, versions: [...answers.keys()].sort() }
}

/** How many tasks have been told to end and still run. */
async function ending(): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ service: ['guestbook_web'] }))
  const tasks = (await bed.server.api('GET', `/tasks?filters=${filters}`)) as {
    readonly DesiredState: string
    readonly Status: { readonly State: string }
  }[]
  return tasks.filter(({ DesiredState, Status }) => DesiredState === 'shutdown' && Status.State === 'running').length
}

function total(counts: readonly Count[]): Count {
  const answers = new Map<string, number>()
  for (const [answer, times] of counts.flatMap(count => [...count.answers]))
    answers.set(answer, (answers.get(answer) ?? 0) + times)
  return {
    requests: counts.reduce((sum, { requests }) => sum + requests, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    answers,
    failures: counts.flatMap(({ failures }) => failures).slice(0, 3),
    longestGap: Math.max(...counts.map(({ longestGap }) => longestGap))
  }
}

function inWords({ requests, failed, longestGap, answers, failures }: Count): string {
  const versions = [...answers].map(([version, times]) => `${times} × version ${version}`).join(', ')
  return [`${requests} requests, ${failed} failed, longest gap ${longestGap} ms (${versions})`, ...failures].join(
    '\n    '
  )
}

const none = { failed: 0, failures: [] }

it('an update loses no request', async () => {
  const result = await deploy('2')
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
  expect(await met('update')).toMatchObject({ ...none, versions: ['1', '2'] })
}, 300_000)

it('a broken version, which the swarm itself rolls back, loses no request and is seen by nobody', async () => {
  const server = join(workshop.workspace, 'web/server.js')
  const source = readFileSync(server, 'utf8')
  const broken = source.replace("'SELECT count(*) FROM entries'", "'SELECT count(*) FROM visitors'")
  expect(broken).not.toBe(source)
  writeFileSync(server, broken)
  const result = await deploy('3', { 'on-failure': 'leave' })
  writeFileSync(server, source)
  expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
  expect(await met('broken version')).toMatchObject({ ...none, versions: ['2'] })
}, 300_000)

it('a rollback by hand loses no request', async () => {
  const result = await workshop.run({ command: 'rollback', release: 'r1' }, { env: images })
  expect(result).toMatchObject({ status: 'success' })
  expect(await met('rollback by hand')).toMatchObject({ ...none, versions: ['1', '2'] })
}, 300_000)

it('a stack that goes back because another service failed loses no request', async () => {
  override({}, 2)
  const result = await deploy('4')
  expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
  expect(result.log).toContain('too new for me')
  expect(await met('whole stack back')).toMatchObject({ ...none, versions: ['1', '4'] })
}, 400_000)

it('but without a healthcheck, with one task that is stopped first, requests are lost', async () => {
  const deployment = { replicas: 1, update_config: { order: 'stop-first' } }
  override({ healthcheck: { disable: true }, deploy: deployment })
  expect(await deploy('5')).toMatchObject({ status: 'success' })
  await seen('5', 50)
  expect(await deploy('6')).toMatchObject({ status: 'success' })
  expect((await met('without all that')).failed).toBeGreaterThan(0)
}, 400_000)
