import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LogReader, type Annotation } from './masks.ts'
import { end, startedAt } from './processes.ts'
import { fileCommand, node24, prepare, readCommandFile, type Job, type Step } from './runner-job.ts'

export { inputEnv, node24, type Step } from './runner-job.ts'

/** What is left of one process of the action. */
export interface Phase {
  readonly exitCode: number
  /** The log as the user sees it: masked, commands carried out. */
  readonly log: string
  /** Both streams as they came, with nothing masked. For tests that look for what must not be there. */
  readonly raw: string
  readonly annotations: readonly Annotation[]
  readonly ms: number
}

/** What is left of a step. */
export interface StepResult extends Phase {
  readonly status: 'success' | 'failure' | 'cancelled'
  readonly outputs: Readonly<Record<string, string>>
  /** What later steps would find in their environment. */
  readonly exported: Readonly<Record<string, string>>
  readonly addedPath: readonly string[]
  /** The job summary, as Markdown. */
  readonly summary: string
  readonly state: Readonly<Record<string, string>>
  /** The post step; undefined when the action has none or was killed together with the runner. */
  readonly post: Phase | undefined
  /** The job's RUNNER_TEMP: still there, so that a test may look at what was left behind; gone with {@link StepResult.clean}. */
  readonly runnerTemp: string
  readonly home: string
  /** Command lines of processes of the job that outlived it; the runner has killed them. */
  readonly leftovers: readonly string[]
  clean(): void
}

/** A step that is running. */
export interface RunningStep {
  readonly result: Promise<StepResult>
  /** The main process. */
  readonly pid: number
  /** As the runner cancels: SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL; the post step runs all the same. */
  cancel(): Promise<StepResult>
  /** As when the machine of the runner goes away: SIGKILL, and no post step. */
  kill(): Promise<StepResult>
  /** The first match in the log as the user sees it; fails when the step ends or `ms` pass without it. */
  waitForLog(pattern: RegExp, ms?: number): Promise<RegExpExecArray>
}

/** Runs a step from its start to the end of its post step. */
export function runAction(step: Step): Promise<StepResult> {
  return startAction(step).result
}

/** Starts the action as the runner does: from outside, by its action.yml, in an environment made for it. */
export function startAction(step: Step): RunningStep {
  const job = prepare(step)
  const reader = new LogReader(step.secrets ?? [])
  const main = startPhase(job, job.main, {}, reader)
  let ending: 'cancelled' | 'killed' | undefined
  const result = main.done.then(async phase => {
    if (ending === 'killed') return finish(job, phase, undefined, 'failure')
    const state = fileCommand(job, 'state')
    step.later?.(fileCommand(job, 'output'))
    const env = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]))
    const exported = fileCommand(job, 'env')
    const post =
      job.post === undefined ? undefined : await startPhase(job, job.post, { ...exported, ...env }, reader.next()).done
    return finish(job, phase, post, ending ?? (phase.exitCode === 0 ? 'success' : 'failure'))
  })
  result.catch(() => undefined)
  return {
    result,
    pid: main.child.pid ?? 0,
    cancel: async () => {
      ending ??= 'cancelled'
      await endLikeRunner(main.child)
      return result
    },
    kill: async () => {
      ending = 'killed'
      main.child.kill('SIGKILL')
      return result
    },
    waitForLog: (pattern, ms = 60_000) => waitForLog(main, reader, pattern, ms)
  }
}

interface RunningPhase {
  readonly child: ChildProcess
  readonly done: Promise<Phase>
}

function startPhase(job: Job, script: string, env: Readonly<Record<string, string>>, reader: LogReader): RunningPhase {
  const started = Date.now()
  const chunks: string[] = []
  const child = spawn(node24, [script], {
    cwd: job.env['GITHUB_WORKSPACE'],
    env: { ...job.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  if (child.pid !== undefined) job.step.onProcess?.(child.pid)
  const take = (text: string) => {
    chunks.push(text)
    const shown = reader.write(text)
    if (shown !== '') job.step.onLog?.(shown)
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  const done = new Promise<Phase>((resolve, reject) => {
    child.once('error', reject)
    // `exit`, not `close`: a process that was left behind and holds the stream open must not keep the job from ending
    child.once('exit', code => {
      const settle = () => {
        const shown = reader.end()
        if (shown !== '') job.step.onLog?.(shown)
        child.stdout.destroy()
        child.stderr.destroy()
        resolve({
          exitCode: code ?? 137,
          log: reader.log,
          raw: chunks.join(''),
          annotations: reader.annotations,
          ms: Date.now() - started
        })
      }
      const timer = setTimeout(settle, 500)
      child.once('close', () => {
        clearTimeout(timer)
        settle()
      })
    })
  })
  return { child, done }
}

async function finish(
  job: Job,
  main: Phase,
  post: Phase | undefined,
  status: StepResult['status']
): Promise<StepResult> {
  return {
    ...main,
    status,
    outputs: fileCommand(job, 'output'),
    exported: fileCommand(job, 'env'),
    addedPath: readCommandFile(job, 'path').split('\n').filter(Boolean),
    summary: readCommandFile(job, 'summary'),
    state: fileCommand(job, 'state'),
    post,
    runnerTemp: join(job.dir, 'temp'),
    home: join(job.dir, 'home'),
    leftovers: await endLeftovers(job.tracking),
    clean: () => rmSync(job.dir, { recursive: true, force: true })
  }
}

/** What of the job still runs is killed and named. (actions/runner, JobExtension.cs: RUNNER_TRACKING_ID) */
async function endLeftovers(tracking: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`RUNNER_TRACKING_ID=${tracking}`)) continue
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      const started = startedAt(Number(pid))
      if (started === undefined) continue
      await end({ pid: Number(pid), started })
      found.push(command)
    } catch {
      // gone meanwhile
    }
  }
  return found
}

/** actions/runner, ProcessInvoker.cs: SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL. */
async function endLikeRunner(child: ChildProcess): Promise<void> {
  const gone = new Promise<void>(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
  for (const [signal, ms] of [
    ['SIGINT', 7500],
    ['SIGTERM', 2500],
    ['SIGKILL', 10_000]
  ] as const) {
    child.kill(signal)
    const waiting = new AbortController()
    const left = await Promise.race([
      gone.then(() => true),
      sleep(ms, false, { signal: waiting.signal }).catch(() => false)
    ])
    waiting.abort()
    if (left) return
  }
}

async function waitForLog(
  main: RunningPhase,
  reader: LogReader,
  pattern: RegExp,
  ms: number
): Promise<RegExpExecArray> {
  let ended = false
  main.done.then(
    () => (ended = true),
    () => (ended = true)
  )
  const deadline = Date.now() + ms
  for (;;) {
    const over = ended || Date.now() > deadline
    const match = pattern.exec(reader.log)
    if (match) return match
    if (over) throw new Error(`the log never showed ${String(pattern)}:\n${reader.log}`)
    await sleep(20)
  }
}
