import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bed } from '../bed.ts'
import { cases, composeFile, servicesOf, type Case, type CaseName, type Version } from './cases.ts'
import type { Contestant } from './contestant.ts'
import { removeStacks } from '../stacks.ts'
import { markOf, RolloutWatch, services, touched } from './engine.ts'
import { Meter } from './meter.ts'
import { openRelay } from './relay.ts'

/** What was measured of one contestant at one case, once. Times in milliseconds. */
export interface Sample {
  readonly case: CaseName
  readonly contestant: string
  readonly rttMs: number
  readonly round: number
  readonly wallMs: number
  /** Of it, the post step. */
  readonly postMs: number
  /** From the end of the rollout, by the engine's own clock, to the end of the job; undefined without a rollout. */
  readonly afterEngineMs?: number
  readonly handshakes: number
  readonly roundTrips: number
  readonly bytes: number
  readonly cpuMs: number
  readonly peakBytes: number
  /** Services that were written to. */
  readonly touched: number
  readonly said: string
  /** Whether afterwards the version runs that shall run, asked of the engine itself. */
  readonly right: boolean
  /** Of the machine, over the last minute, when the run began. */
  readonly load: number
}

/** One contestant at one case: its stack, and the versions that it has seen. */
export class Trial {
  readonly contestant: Contestant
  private readonly bed: Bed
  private readonly image: string
  private readonly name: CaseName
  private readonly kind: Case
  private readonly number: number
  private readonly folder = mkdtempSync(join(tmpdir(), 'bench-'))
  private stack: string
  private count = 0
  private live = 'none'

  /** `number` is unique in the bench, and part of the stack's name. */
  constructor(bed: Bed, what: { image: string; name: CaseName; contestant: Contestant; number: number }) {
    this.bed = bed
    this.image = what.image
    this.name = what.name
    this.contestant = what.contestant
    this.number = what.number
    this.kind = cases[what.name]
    this.stack = this.stackName()
  }

  /** What has to be there before anything is measured. */
  async prepare(): Promise<void> {
    if (this.kind.does !== 'create') await this.bring({ mark: this.nextMark(), broken: false }, 'create')
  }

  /** One measured run. */
  async measure(rttMs: number, round: number): Promise<{ sample: Sample; log: string }> {
    const { does } = this.kind
    const earlier = this.live
    if (does === 'go back') await this.bring({ mark: this.nextMark(), broken: false }, 'update')
    const fresh = does === 'create' || does === 'update' || does === 'break'
    const mark = fresh ? this.nextMark() : earlier
    const expected = does === 'break' ? earlier : mark
    const result = await this.bring({ mark, broken: does === 'break' }, does, rttMs)
    this.live = result.mark ?? 'none'
    if (does === 'create') {
      await removeStacks(this.bed.servers, [this.stack])
      await sleep(2000) // the swarm's own tidying is no part of the next measurement
      this.stack = this.stackName()
    }
    const { mark: found, log, ...rest } = result
    const head = { case: this.name, contestant: this.contestant.name, rttMs, round }
    return { sample: { ...head, ...rest, right: found === expected }, log }
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
    await removeStacks(this.bed.servers, [this.stack])
  }

  private async bring(version: Version, does: Case['does'], rttMs = 0) {
    const { server, address } = this.bed
    const wanted = servicesOf(this.kind, version, this.image)
    const workspace = join(this.folder, 'workspace')
    mkdirSync(workspace, { recursive: true })
    writeFileSync(join(workspace, 'compose.yaml'), composeFile(wanted))
    const before = await services(server, this.stack)
    const logins = server.handshakes()
    const load = loadNow()
    await using relay = await openRelay({ address, target: { host: server.address, port: server.sshPort }, rttMs })
    using meter = new Meter()
    using watch = new RolloutWatch(server, this.stack, does)
    const commit = Buffer.from(version.mark).toString('hex').padEnd(40, '0').slice(0, 40)
    const ending = await this.contestant.run({
      ...{ does, stack: this.stack, services: wanted, workspace, commit, port: relay.port, meter }
    })
    const { startedAt, endedAt, said, log, postMs = 0 } = ending
    const rolledOut = await watch.stop()
    const after = await services(server, this.stack)
    if (does !== 'break') this.live = version.mark
    return {
      wallMs: endedAt - startedAt,
      postMs,
      ...(rolledOut !== undefined && { afterEngineMs: endedAt - rolledOut }),
      handshakes: server.handshakes() - logins,
      roundTrips: relay.traffic.roundTrips,
      bytes: relay.traffic.bytes,
      ...meter.cost,
      touched: touched(before, after),
      said,
      load,
      mark: markOf(after, this.stack),
      log
    }
  }

  private nextMark(): string {
    return `${this.number}.${++this.count}`
  }

  /** A first deploy is one of a name that was never there. */
  private stackName(): string {
    return `bench-${this.name}-${this.number}${this.kind.does === 'create' ? `-${this.count}` : ''}`
  }
}

function loadNow(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
}
