import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { knownHosts } from '../bench/action.ts'
import { Meter } from '../bench/meter.ts'
import { openRelay } from '../bench/relay.ts'
import type { Bed } from '../bed.ts'
import { startAction } from '../runner.ts'
import { requestsTo, watchIn, type Watch } from './requests.ts'
import { composeFile, truthOf, type LargeStack, type Truth, type Versions } from './stack.ts'

/** What one run took. Times in milliseconds, sizes in bytes. */
export interface Measured {
  readonly what: What
  readonly status: string
  /** Whether it ended as it ought to, and every task that is wanted runs the version that it is to run, asked of the engine. */
  readonly right: boolean
  readonly ms: number
  /** From the moment at which the engine was through with it to the end of the main step. */
  readonly afterEngineMs: number
  /** Of the action, and all that the engine got: the docker CLI asks by itself. */
  readonly requests: { readonly own: number; readonly all: number }
  readonly watch: Watch | null
  /** Over the ssh connection, both ways. */
  readonly bytes: number
  /** Of the action's own process, and of all together, with ssh and the docker CLI. */
  readonly peak: { readonly node: number; readonly all: number }
  readonly cpuMs: number
  readonly truth: Truth
  readonly log: string
}

export type What = 'deploy' | 'update' | 'rollback' | 'broken' | 'one'

interface Case {
  /** What runs afterwards. */
  readonly versions: Versions
  readonly status: 'deployed' | 'rolled-back'
  /** What the compose file says, where that is not what runs afterwards. */
  readonly file?: Versions
  readonly with?: Readonly<Record<string, string>>
}

const ones = { first: '1', others: '1' }

/** In the order in which a stack goes through them. */
export const cases: Readonly<Record<What, Case>> = {
  deploy: { versions: ones, status: 'deployed' },
  update: { versions: { first: '2', others: '2' }, status: 'deployed' },
  rollback: { versions: ones, status: 'deployed', with: { command: 'rollback' } },
  // every new task crashes, of every service
  broken: { versions: ones, status: 'rolled-back', file: { first: 'bad', others: 'bad' } },
  // of one service; for a minute there is nothing to do but to look
  one: { versions: { first: '3', others: '1' }, status: 'deployed', with: { 'stable-for': '65s' } }
}

/** One run of the action, and what the engine says of it. `folder`: where the compose file is written. */
export async function measure(
  bed: Bed,
  stack: LargeStack,
  what: What,
  { folder, timeout }: { readonly folder: string; readonly timeout: string }
): Promise<Measured> {
  const { versions, file = versions } = cases[what]
  writeFileSync(join(folder, 'compose.yaml'), JSON.stringify(composeFile(stack, file)))
  const { address, server } = bed
  await using relay = await openRelay({ address, target: { host: server.address, port: server.sshPort }, rttMs: 0 })
  using meter = new Meter()
  using mark = new HighWaterMark()
  const startedAt = Date.now()
  const step = startAction({
    workspace: folder,
    env: { ...bed.builderEnv, GITHUB_SHA: String(Object.keys(cases).indexOf(what)).repeat(40) },
    with: {
      host: `deploy@${address}:${relay.port}`,
      'ssh-key': bed.sshKey,
      'ssh-known-hosts': knownHosts(bed, relay.port),
      stack: stack.name,
      timeout,
      'stable-for': '5s',
      ...cases[what].with
    },
    onProcess: pid => {
      meter.adopt(pid)
      mark.follow(pid)
    }
  })
  const result = await step.result
  result.clean()
  const endedAt = startedAt + result.ms
  await sleep(200) // the engine's log of the last requests
  const requests = requestsTo(server, startedAt, endedAt)
  const truth = await truthOf(bed, stack.name, versions)
  const status = result.outputs['status'] ?? result.status
  return {
    what,
    status,
    right: status === cases[what].status && truth.running === stack.services * stack.replicas,
    ms: result.ms,
    afterEngineMs: endedAt - truth.rolledOutAt,
    requests: {
      own: Number(/Engine API requests: (\d+)/.exec(result.raw)?.[1] ?? Number.NaN),
      all: requests.length
    },
    watch: watchIn(requests),
    bytes: relay.traffic.bytes,
    peak: { node: mark.bytes, all: meter.cost.peakBytes },
    cpuMs: meter.cost.cpuMs,
    truth,
    log: result.log
  }
}

/** The most memory that the processes it follows had resident, each by itself: the kernel keeps it (proc_pid_status(5), VmHWM). */
class HighWaterMark implements Disposable {
  bytes = 0
  private readonly pids: number[] = []
  private readonly timer = setInterval(() => this.look(), 100)

  follow(pid: number): void {
    this.pids.push(pid)
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer)
  }

  private look(): void {
    for (const pid of this.pids) {
      try {
        const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        this.bytes = Math.max(this.bytes, Number(kib ?? 0) * 1024)
      } catch {
        // it has ended
      }
    }
  }
}
