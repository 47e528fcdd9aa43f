import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, linkSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process as we recorded it: its pid and the clock tick it was started at, so that a pid that was given away again is not taken for it. */
export interface Recorded {
  readonly pid: number
  readonly started: string
}

/** When a process was started, in clock ticks since boot; undefined when there is no such process. proc(5), field 22. */
export function startedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Whether the recorded process is still that very process. */
export function isAlive(recorded: Recorded): boolean {
  return startedAt(recorded.pid) === recorded.started
}

/** This process, as others may record it. */
export function self(): Recorded {
  return { pid: process.pid, started: startedAt(process.pid) ?? '' }
}

/** The record that {@link launch} made its process write, if it is there and complete. */
export function tryRead(pidFile: string): Recorded | undefined {
  try {
    const [pid, started] = readFileSync(pidFile, 'utf8').trim().split(' ')
    return pid && started ? { pid: Number(pid), started } : undefined
  } catch {
    return undefined
  }
}

/**
 * Starts a process that outlives this one unless it is stopped by its record. It writes the record itself before it becomes the command,
 * so that even a caller that is killed in between leaves nothing unrecorded.
 */
export async function launch(
  pidFile: string,
  log: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv
): Promise<Recorded> {
  const record = 'echo "$$ $(cut -d" " -f22 "/proc/$$/stat")" >"$0.new" && mv "$0.new" "$0" && exec "$@"'
  const output = openSync(log, 'a')
  const child = spawn('/bin/sh', ['-c', record, pidFile, ...argv], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
    env
  })
  closeSync(output)
  let failure: Error | undefined
  child.once('error', error => (failure = error))
  child.unref()
  for (let tries = 0; tries < 500; tries++) {
    const recorded = tryRead(pidFile)
    if (recorded && recorded.pid === child.pid) return recorded
    if (failure) throw failure
    await sleep(10)
  }
  throw new Error(`${argv[0] ?? ''} did not start: see ${log}`)
}

/** The children of a process. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
      .filter(candidate => parentOf(candidate) === pid)
  }
}

/** The first process of the pid namespace that the recorded process holds; undefined when there is none (yet). */
export function firstInside(recorded: Recorded): number | undefined {
  const own = readlinkSync('/proc/self/ns/pid')
  return isAlive(recorded) ? childrenOf(recorded.pid).find(child => isElsewhere(child, own)) : undefined
}

function isElsewhere(pid: number, ownNamespace: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) !== ownNamespace
  } catch {
    return false
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

/**
 * Ends the recorded process and all that it holds in a pid namespace: with the first process in it the kernel ends all the others.
 */
export async function endWithNamespace(recorded: Recorded | undefined): Promise<void> {
  if (!recorded || !isAlive(recorded)) return
  const first = firstInside(recorded)
  if (first !== undefined) process.kill(first, 'SIGKILL')
  await end(recorded)
}

/** Ends the recorded process, if it is still that process, and waits until it is gone (10 s at most). */
export async function end(recorded: Recorded | undefined, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (!recorded || !isAlive(recorded)) return
  try {
    process.kill(recorded.pid, signal)
  } catch {
    return
  }
  for (let tries = 0; tries < 1000 && isAlive(recorded); tries++) await sleep(10)
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
  readonly cwd?: string
  /** Milliseconds; 120 s when not said. */
  readonly timeout?: number
  /** Hears what comes on stderr, while it comes. */
  readonly onStderr?: (text: string) => void
}

/** Runs a command to its end and gives its output; throws with what it said on stderr when it fails. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const [command, ...rest] = argv
  if (command === undefined) throw new Error('nothing to run')
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      rest,
      {
        env: options.env ?? process.env,
        timeout: options.timeout ?? 120_000,
        maxBuffer: 64 << 20,
        killSignal: 'SIGKILL',
        ...(options.cwd === undefined ? {} : { cwd: options.cwd })
      },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${argv.join(' ')}: ${[stdout, stderr].join('\n').trim() || error.message}`))
        else resolve(stdout.trimEnd())
      }
    )
    if (options.onStderr) child.stderr?.on('data', options.onStderr)
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

/** Tries until it gives something other than undefined; throws the last error, or says what was waited for, at the end of `ms`. */
export async function until<T>(what: string, ms: number, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + ms
  let last: unknown
  for (;;) {
    try {
      const value = await attempt()
      if (value !== undefined) return value
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${ms / 1000} s for ${what}${last instanceof Error ? `: ${last.message}` : ''}`)
    }
    await sleep(40)
  }
}

/** Does something while no other process does it; a lock whose holder died is taken over. */
export async function withLock<T>(file: string, action: () => Promise<T>): Promise<T> {
  const me = self()
  const mine = `${file}.${me.pid}.${randomUUID()}`
  writeFileSync(mine, `${me.pid} ${me.started}`)
  try {
    await until(`the lock ${file}`, 60_000, () => {
      try {
        linkSync(mine, file) // a link, so that the lock is never there without its holder's name in it
        return Promise.resolve(true)
      } catch {
        const holder = tryRead(file)
        if (holder && !isAlive(holder)) rmSync(file, { force: true })
        return Promise.resolve(undefined)
      }
    })
    try {
      return await action()
    } finally {
      rmSync(file, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}
