import { readdirSync, readFileSync } from 'node:fs'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'

/** A process that was seen: its command line and its environment at the time. */
export interface Seen {
  readonly argv: string
  readonly env: string
}

/** Looks at every process of a job while it runs, as anybody on the runner could. */
export interface Watcher {
  /** What was seen so far, each pair of command line and environment once; stops looking. */
  stop(): Promise<readonly Seen[]>
}

/** Watches the processes below one, in a thread of its own, so that a busy test misses none for long. */
export function watchProcesses(root: number): Watcher {
  const worker = new Worker(new URL(import.meta.url), { workerData: root })
  return {
    stop: () =>
      new Promise((resolve, reject) => {
        worker.once('error', reject)
        worker.once('message', (seen: readonly Seen[]) => {
          void worker.terminate()
          resolve(seen)
        })
        worker.postMessage('stop')
      })
  }
}

function look(ours: Set<number>, seen: Map<string, Seen>): void {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    try {
      if (!ours.has(pid)) {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
        if (!ours.has(parent)) continue
        ours.add(pid)
      }
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      const env = readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', '\n')
      if (argv !== '') seen.set(`${argv}\n${env}`, { argv, env })
    } catch {
      // It has ended meanwhile.
    }
  }
}

if (!isMainThread) {
  const ours = new Set<number>([workerData as number])
  const seen = new Map<string, Seen>()
  const timer = setInterval(() => look(ours, seen), 2)
  parentPort?.once('message', () => {
    clearInterval(timer)
    parentPort?.postMessage([...seen.values()])
  })
}
