import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bed } from '../bed.ts'
import { startAction, type RunningStep, type StepResult } from '../runner.ts'
import { composeFile, stableFor } from './app.ts'
import type { Dice } from './dice.ts'
import { attemptOf, type Attempt, type Deployed, type Kind } from './plan.ts'
import { disagreements, fillVolume, keptContainers, look, type Expected, type Truth } from './truth.ts'

/** What became of one run of the soak, or of two at once. */
export interface Line {
  readonly stack: string
  readonly kind: Kind
  readonly verdict: string
  /** What the engine, or the run's own outputs, contradict. */
  readonly disagreements: readonly string[]
  readonly ms: number
  readonly log: string
}

/** Longer than the timeout of a rollout, that of its way back, and the life of a killed run's lock together. */
const longestMs = 300_000

/** One stack, and its runs one after the other; it knows from their verdicts what has to run. */
export class Lane {
  readonly stack: string
  private readonly bed: Bed
  private readonly dice: Dice
  private readonly images: readonly string[]
  private readonly update: object | undefined
  private readonly folder = mkdtempSync(join(tmpdir(), 'soak-'))
  private readonly history: Deployed[] = []
  /** What each run that made a release said of it. */
  private readonly verdicts = new Map<string, string>()
  private killedRuns = 0
  private wasKilled = false
  private count = 0
  private readonly running = new Set<RunningStep>()

  constructor(bed: Bed, options: { stack: string; images: readonly string[]; update: object | undefined; dice: Dice }) {
    this.bed = bed
    this.stack = options.stack
    this.images = options.images
    this.update = options.update
    this.dice = options.dice
  }

  /** Kills what still runs, and removes what its runs had on this machine. */
  async close(): Promise<void> {
    const steps = [...this.running]
    for (const result of await Promise.all(steps.map(step => step.kill()))) result.clean()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** One run and the look at the engine after it; never throws. */
  async run(kind: Kind): Promise<Line> {
    const started = Date.now()
    const results: StepResult[] = []
    const found: string[] = []
    try {
      if (!this.wasKilled) await this.check(found, { kept: new Map(), atOnce: true })
      found.splice(0, found.length, ...found.map(text => `already before this run: ${text}`))
      const before = await this.look()
      if (kind === 'killed') await this.killed(results, found)
      else if (kind === 'two at once') await this.two(results, found)
      else await this.one(kind, before, results, found)
    } catch (error) {
      found.push(error instanceof Error ? error.message : String(error))
    }
    const verdict = results.map(result =>
      `${statusOf(result) || result.status} ${result.outputs['release'] ?? ''}`.trim()
    )
    const log = results.map(({ log, post }) => `${log}${post?.log ?? ''}`).join('\n')
    for (const result of results) result.clean()
    const ms = Date.now() - started
    return { stack: this.stack, kind, verdict: verdict.join(', '), disagreements: found, ms, log }
  }

  private get live(): Deployed | undefined {
    return this.history.at(-1)
  }

  private async one(kind: Kind, before: Truth, results: StepResult[], found: string[]): Promise<void> {
    const live = this.live?.definition
    const attempt = this.attempt(kind)
    const step = this.start(attempt)
    if (kind === 'cancelled') await this.moment(step)
    const result = await this.end(step, kind === 'cancelled' ? () => step.cancel() : () => step.result)
    results.push(result)
    found.push(...this.account(attempt, result))
    const status = statusOf(result)
    if (kind === 'first' && status === 'deployed') await fillVolume(this.bed.server, this.stack, this.stack)
    const untouched =
      live === undefined || this.wasKilled ? new Map() : keptContainers(before, live, attempt.definition)
    await this.check(found, { kept: untouched, atOnce: status !== 'cancelled' && status !== '' })
    if (status === 'unchanged' && JSON.stringify(before.services) !== JSON.stringify((await this.look()).services))
      found.push('a run without a change has touched a service')
    this.wasKilled = false
  }

  /** Some moment of a run, more often while it rolls out than before. */
  private async moment(step: RunningStep): Promise<void> {
    const early = this.dice.happens(0.3)
    const ms = this.dice.from(0, 4000)
    if (!early) await step.waitForLog(/Rollout of release/, 120_000)
    await sleep(ms)
  }

  private async two(results: StepResult[], found: string[]): Promise<void> {
    const other = this.dice.happens(0.4) ? 'broken' : 'good'
    const attempts = this.dice.shuffled([this.attempt('two at once'), this.attempt(other)])
    const pairs: Promise<{ attempt: Attempt; result: StepResult }>[] = []
    for (const attempt of attempts) {
      const step = this.start(attempt)
      pairs.push(this.end(step, () => step.result).then(result => ({ attempt, result })))
      await sleep(this.dice.from(0, 1500))
    }
    const ended = await Promise.all(pairs)
    // The number of a release tells which of them came first.
    ended.sort((a, b) => releaseNumber(a.result) - releaseNumber(b.result))
    results.push(...ended.map(({ result }) => result))
    for (const { attempt, result } of ended) found.push(...this.account(attempt, result))
    await this.check(found, { kept: new Map(), atOnce: true })
    this.wasKilled = false
  }

  /** Killed with its runner in the middle of a rollout: what ran before still has to run, the rest is the next run's. */
  private async killed(results: StepResult[], found: string[]): Promise<void> {
    const step = this.start(this.attempt('killed'))
    await step.waitForLog(/Rollout of release/, 120_000)
    await sleep(this.dice.from(0, 4000))
    results.push(await this.end(step, () => step.kill()))
    this.killedRuns += 1
    this.wasKilled = true
    const { containers } = await this.look()
    for (const [name, { mark }] of Object.entries(this.live?.definition.services ?? {})) {
      const serves = containers.some(each => each.service === name && each.healthy)
      if (!serves) found.push(`nothing of ${name} serves, ${mark} did before`)
    }
  }

  private attempt(kind: Kind): Attempt {
    const mark = `${this.stack}-${++this.count}`
    const { dice, images, history, wasKilled } = this
    return attemptOf(kind, { dice, mark, images, history, afterKill: wasKilled })
  }

  private start(attempt: Attempt): RunningStep {
    const workspace = mkdtempSync(join(this.folder, 'workspace-'))
    writeFileSync(
      join(workspace, 'compose.yaml'),
      JSON.stringify(composeFile(attempt.definition, this.update), null, 2)
    )
    const commit = `${this.stack.replace(/\D/g, '')}a${this.count}`.padEnd(40, '0')
    const step = startAction({
      workspace,
      env: { ...this.bed.builderEnv, GITHUB_SHA: commit, GITHUB_RUN_ID: `${this.count}` },
      with: {
        host: this.bed.server.host,
        'ssh-key': this.bed.sshKey,
        'ssh-known-hosts': this.bed.knownHosts,
        stack: this.stack,
        secrets: `TOKEN=${attempt.definition.token}`,
        'stable-for': stableFor(attempt.definition),
        timeout: '90s',
        'lock-timeout': '4m',
        ...attempt.inputs
      }
    })
    this.running.add(step)
    return step
  }

  /** Every run comes to an end. */
  private async end(step: RunningStep, ending: () => Promise<StepResult>): Promise<StepResult> {
    const timer = setTimeout(() => void step.kill(), longestMs)
    try {
      return await ending()
    } finally {
      clearTimeout(timer)
      this.running.delete(step)
    }
  }

  /** Takes a run at its word, and says where its word contradicts itself or what it was made for. */
  private account({ definition, right }: Attempt, result: StepResult): string[] {
    const found: string[] = []
    const status = statusOf(result)
    const { release = '', services = '[]' } = result.outputs
    const green = status === 'deployed' || status === 'unchanged'
    if (!right.includes(status))
      found.push(`it ended as "${status}", not as ${right.map(word => `"${word}"`).join(' or ')}`)
    if (status === '' && result.log.includes('Rollout of release'))
      found.push('it ended without a word in the middle of a rollout')
    if (green !== (result.exitCode === 0)) found.push(`its exit code is ${result.exitCode}`)
    if (result.log.includes(definition.token)) found.push('its log shows the secret')
    if (result.leftovers.length > 0) found.push(`it left processes: ${result.leftovers.join('; ')}`)
    if (
      this.live &&
      status !== '' &&
      status !== 'cancelled' &&
      result.outputs['previous-release'] !== this.live.release
    )
      found.push(`its previous-release is ${result.outputs['previous-release']}, not ${this.live.release}`)
    if (status === 'deployed') this.history.push({ release, definition })
    if (status !== 'unchanged' && release !== '') this.verdicts.set(release, status)
    if (status === 'unchanged' && release !== this.live?.release) found.push(`it names release ${release} as live`)
    if (!green) return found
    for (const row of JSON.parse(services) as { key: string; running: number; desired: number }[]) {
      const wanted = definition.services[row.key]?.replicas
      if (row.running !== wanted || row.desired !== wanted)
        found.push(`it says that ${row.running} of ${row.desired} tasks of ${row.key} run, of ${wanted ?? 'none'}`)
    }
    return found
  }

  private async check(found: string[], how: Pick<Expected, 'kept' | 'atOnce'>): Promise<void> {
    if (this.live === undefined) return
    const expected: Expected = {
      ...how,
      stack: this.stack,
      definition: this.live.definition,
      deployed: this.history.map(({ release }) => release),
      verdicts: this.verdicts,
      volume: this.stack,
      killed: this.killedRuns > 0
    }
    found.push(...(await disagreements(this.bed.server, expected)))
  }

  private look(): Promise<Truth> {
    return look(this.bed.server, this.stack)
  }
}

function statusOf(result: StepResult): string {
  return result.outputs['status'] ?? ''
}

function releaseNumber({ outputs }: StepResult): number {
  return Number((outputs['release'] ?? 'r0').slice(1))
}
