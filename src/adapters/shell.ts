import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { RunOptions, RunResult, Shell } from '../ports.js'

/** How long a child that was told to end may take before it is killed. */
const graceMs = 5_000

/**
 * Runs programs by argv. Not @actions/exec: that one hands a child the whole environment unless told otherwise, and
 * cannot end it early; a cancelled job must not leave a build running.
 */
export const localShell: Shell = { run }

function run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: options.env,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true
    })
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
    const lines = (['stdout', 'stderr'] as const).map(stream => {
      child[stream].on('data', (chunk: Buffer) => output[stream].push(chunk))
      if (options.onLine === undefined) return Promise.resolve()
      const reader = createInterface({ input: child[stream], crlfDelay: Infinity })
      reader.on('line', line => options.onLine?.(line, stream))
      return new Promise<void>(done => reader.once('close', done))
    })
    const stop = endsEarly(child.pid, options)
    child.once('error', error => {
      stop.dispose()
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        resolve({ code: 127, stdout: '', stderr: `${program}: not found` })
      else reject(error)
    })
    child.once('close', code => {
      stop.dispose()
      const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(output[stream]).toString('utf8')
      void Promise.all(lines).then(() => resolve({ code, stdout: text('stdout'), stderr: text('stderr') }))
    })
    // A child that ends before it has read its input is not an error of ours: its exit code says what happened.
    child.stdin.on('error', () => undefined)
    void Promise.resolve(options.stdin ?? '').then(
      input => child.stdin.end(input),
      () => child.stdin.end()
    )
  })
}

/** Ends the child's whole process group (it has one of its own) when the signal fires or the time is over. */
function endsEarly(pid: number | undefined, options: RunOptions): { dispose(): void } {
  const timers: NodeJS.Timeout[] = []
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(-pid, signal)
    } catch {
      // It is gone already.
    }
  }
  const end = (): void => {
    signalGroup('SIGTERM')
    timers.push(setTimeout(() => signalGroup('SIGKILL'), graceMs))
  }
  if (options.timeoutMs !== undefined) timers.push(setTimeout(end, options.timeoutMs))
  if (options.signal?.aborted === true) end()
  options.signal?.addEventListener('abort', end)
  return {
    dispose: () => {
      timers.forEach(clearTimeout)
      options.signal?.removeEventListener('abort', end)
    }
  }
}
