import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a tree of processes took. */
export interface Cost {
  /** Processor time in user and system mode, in milliseconds, of all its processes. */
  readonly cpuMs: number
  /** The most memory that its processes had resident at one time, in bytes; what two of them share counts twice. */
  readonly peakBytes: number
}

const root = '/sys/fs/cgroup'
const everyMs = 40
const pageBytes = 4096
let groups = 0

/**
 * Measures processes and all that they start, whoever is waited for and whatever runs on in the background: by a control
 * group of their own. What a process did before it was adopted is not in it.
 */
export class Meter implements Disposable {
  private readonly unified = existsSync(join(root, 'cgroup.controllers'))
  private readonly folder = join(root, this.unified ? '' : 'cpuacct', `bench-${process.pid}-${++groups}`)
  private readonly timer: NodeJS.Timeout
  private peak = 0

  constructor() {
    mkdirSync(this.folder)
    this.timer = setInterval(() => this.look(), everyMs)
  }

  adopt(pid: number): void {
    writeFileSync(join(this.folder, 'cgroup.procs'), String(pid))
  }

  get cost(): Cost {
    return { cpuMs: this.cpuMs(), peakBytes: this.peak * pageBytes }
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer)
    try {
      rmdirSync(this.folder)
    } catch {
      // something of it still runs: the next restart of the machine takes the empty group away
    }
  }

  private cpuMs(): number {
    if (!this.unified) return Number(this.read('cpuacct.usage')) / 1e6
    return Number(/^usage_usec (\d+)/m.exec(this.read('cpu.stat'))?.[1]) / 1e3
  }

  private look(): void {
    const pages = this.read('cgroup.procs')
      .split('\n')
      .filter(pid => pid !== '')
      .map(residentPages)
    this.peak = Math.max(
      this.peak,
      pages.reduce((sum, each) => sum + each, 0)
    )
  }

  private read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }
}

/** proc(5), statm, the second field; 0 when the process is gone. */
function residentPages(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  } catch {
    return 0
  }
}
