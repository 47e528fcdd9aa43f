import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pushExampleImages } from './base-images.ts'
import { openBed, type Bed } from './bed.ts'
import { plainSummary } from './plain.ts'
import { node24, startAction, type RunningStep, type StepResult } from './runner.ts'
import { projectDir } from './toolchain.ts'
import { Visitors, type Count } from './visitors.ts'

/** The story of one app and one server: a first version, a second under the eyes of its visitors, and a third that is broken. */

const bold = (text: string) => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)
const faint = (text: string) => (process.stdout.isTTY ? `\u001b[2m${text}\u001b[0m` : text)
const say = (text = '') => process.stdout.write(`${text}\n`)

const login = { username: 'ci', password: 'registry-password-of-the-demo' }
const databasePassword = 'database-password-of-the-demo'
const undo: (() => unknown)[] = []
const untrue: string[] = []
let running: RunningStep | undefined
/** Settles with what is being done at the moment: a bed that is half up can only be taken down when it is up. */
let current: Promise<unknown> = Promise.resolve()
const begun = Date.now()
let chapters = 0
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupt(signal))

try {
  await tell()
} catch (error) {
  if (!interrupted) {
    untrue.push('the demo ran to its end')
    console.error(error)
  }
} finally {
  if (!interrupted) await cleanUp()
}
if (!interrupted) {
  say(`\nTaken down again, after ${((Date.now() - begun) / 1000).toFixed(0)} s in all.`)
  if (untrue.length > 0) say(`\nNot as told: ${untrue.join('; ')}.`)
  process.exit(untrue.length === 0 ? 0 : 1)
}

async function tell(): Promise<void> {
  assertBundle()
  const bed = await chapter('A server, a registry and a runner', setUp)
  const images = await chapter('The base images of the example, in the registry', () =>
    pushExampleImages(bed.registry, login)
  )
  const app = mkdtempSync(join(tmpdir(), 'swarm-rollout-demo-'))
  undo.push(() => rmSync(app, { recursive: true, force: true }))
  cpSync(join(projectDir, 'examples/app'), app, { recursive: true })
  const job = (commit: string) => deploy(bed, app, commit, images)

  const first = await chapter('Push to main: version 1', () => job('1'))
  expect('version 1 was deployed', first.status === 'success' && (await version(bed)) === '1')

  const visitors = new Visitors(`http://${bed.server.address}/version`, {
    every: 20,
    keepAlive: true,
    read: body => JSON.parse(body).version as string
  })
  undo.unshift(() => visitors.stop())
  writeFileSync(join(app, 'web/VERSION'), '2\n')
  const second = await chapter('Push to main: version 2, while visitors keep asking', () => job('2'))
  const during = visitors.take()
  reportVisitors(during)
  expect('version 2 was deployed', second.status === 'success' && (await version(bed)) === '2')
  expect('no visitor met an error', during.failed === 0 && during.requests > 0)

  writeFileSync(join(app, 'web/VERSION'), '3\n')
  breakHealth(join(app, 'web/server.js'))
  const third = await chapter('Push to main: version 3, whose healthcheck fails', () => job('3'))
  const broken = visitors.take()
  reportVisitors(broken)
  expect('the job of version 3 is red', third.status === 'failure')
  expect('version 2 is still serving', (await version(bed)) === '2')
  expect('no visitor met an error or version 3', broken.failed === 0 && !broken.answers.has('3'))
  const summary = plainSummary(third.summary)
  // PostgreSQL's own words, through the healthcheck and the container's log
  const reason = 'relation "visitors" does not exist'
  expect(
    "the reason is in the job's log and in its summary",
    [third.log, summary].every(text => text.includes(reason))
  )

  say(`\n${bold('The job summary of the red run')} (on GitHub with links, folds and a chart)\n`)
  say(summary)
  say(`\n${bold('What runs now')} (asked of the engine itself, not through the action)\n`)
  say(await bed.server.docker('service', 'ls', '--format', 'table {{.Name}}\t{{.Replicas}}\t{{.Image}}'))
  say(`\nLogins that the server's sshd counted: ${bed.server.handshakes()}`)
  expect('one SSH login for each of the 3 jobs', bed.server.handshakes() === 3)
}

/** Without the bundle there is nothing to show. */
function assertBundle(): void {
  const dist = process.env['ACTION_DIST'] ?? join(projectDir, 'dist')
  if (!existsSync(join(dist, 'index.js'))) throw new Error(`no bundle in ${dist}: run "npm run build" first`)
  if (!existsSync(node24)) throw new Error('the packages are not installed: run "npm ci" first')
}

async function setUp(): Promise<Bed> {
  const bed = await openBed({ name: 'demo', registry: { logins: [login] } })
  undo.unshift(() => bed.close())
  const engine = await bed.server.docker('version', '--format', '{{.Server.Version}}')
  say(`server    ${bed.server.host}, Docker Engine ${engine}, a swarm of one node`)
  say(`registry  ${bed.registry}, with a login`)
  return bed
}

/** One job of a workflow: the step that a user would write, on a runner of its own. */
async function deploy(
  bed: Bed,
  app: string,
  commit: string,
  images: Readonly<Record<string, string>>
): Promise<StepResult> {
  running = startAction({
    with: {
      host: bed.server.host,
      'ssh-key': bed.sshKey,
      'ssh-known-hosts': bed.server.knownHosts,
      stack: 'guestbook',
      registry: `${bed.registry}/octocat`,
      'registry-username': login.username,
      'registry-password': login.password,
      secrets: `db_password=${databasePassword}`,
      'stable-for': '5s',
      timeout: '3m'
    },
    env: { ...bed.builderEnv, ...images, GITHUB_REPOSITORY: 'octocat/guestbook', GITHUB_SHA: commit.repeat(40) },
    secrets: [login.password, databasePassword],
    workspace: app,
    onLog: show
  })
  const result = await running.result
  running = undefined
  undo.push(() => result.clean())
  say(`  ${result.status === 'success' ? '✓ the job is green' : '✗ the job is red'}, exit code ${result.exitCode}`)
  return result
}

/** The job's log, without the build's own lines: the story is about what comes after. */
function show(text: string): void {
  const lines = text.split('\n').filter(line => line !== '' && !/^(#\d+ |-{6}$| > importing cache)/.test(line))
  for (const line of lines) say(faint(`  │ `) + line)
}

/** A mistake as people make it: the query that the healthcheck runs names a table that is not there. */
function breakHealth(file: string): void {
  const source = readFileSync(file, 'utf8')
  const broken = source.replace("'SELECT count(*) FROM entries'", "'SELECT count(*) FROM visitors'")
  if (broken === source) throw new Error(`${file} has no query to break`)
  writeFileSync(file, broken)
}

async function version(bed: Bed): Promise<string> {
  const { body } = await bed.server.get(80, '/version')
  return (JSON.parse(body) as { version: string }).version
}

function reportVisitors(count: Count): void {
  const answers = [...count.answers].map(([answer, times]) => `${times} × version ${answer}`).join(', ')
  say(`  visitors: ${count.requests} requests, ${count.failed} failed (${answers})`)
  for (const failure of count.failures) say(`    ${failure}`)
}

async function chapter<T>(title: string, tellIt: () => Promise<T>): Promise<T> {
  if (interrupted) throw new Error('interrupted')
  const started = Date.now()
  say(`\n${bold(`${++chapters}. ${title}`)}`)
  const telling = tellIt()
  current = telling.catch(() => undefined)
  const result = await telling
  say(faint(`  ${((Date.now() - started) / 1000).toFixed(1)} s`))
  return result
}

function expect(what: string, holds: boolean): void {
  if (interrupted) return
  say(`  ${holds ? '✓' : '✗'} ${what}`)
  if (!holds) untrue.push(what)
}

async function interrupt(signal: NodeJS.Signals): Promise<void> {
  if (interrupted) return
  interrupted = true
  say(`\n${signal}: cleaning up …`)
  await running?.cancel().catch(() => undefined)
  await current
  await cleanUp()
  process.exit(130)
}

async function cleanUp(): Promise<void> {
  for (const step of undo.splice(0)) {
    try {
      await step()
    } catch (error) {
      console.error(error)
    }
  }
}
