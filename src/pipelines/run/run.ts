import type { Problem } from '../../errors.js'
import type { Inputs } from '../../inputs.js'
import type { Job } from '../../job.js'
import type { Log, Ports } from '../../ports.js'
import { emptyReport, type RunReport } from '../../report/model.js'

/** What every pipeline starts from. */
export interface Run {
  readonly inputs: Inputs
  readonly job: Job
  readonly ports: Ports
  /** Absolute path of the checked-out repository. */
  readonly workspace: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Whether it has begun to change what runs: up to then, whatever stops it has left everything as it was. */
  readonly progress: { changing: boolean }
}

/** What a pipeline ends with. */
export interface Outcome {
  readonly report: RunReport
  /** Service key to pinned image reference. */
  readonly images?: Readonly<Record<string, string>>
  /** Path of the rendered stack. */
  readonly stackFile?: string
}

/** The stack that a run is about. */
export interface StackTarget {
  readonly stack: string
  /** Set for a preview: its label, what the compose file may refer to, and its pull request. */
  readonly preview?: {
    readonly label: string
    readonly number: number
    readonly variables: Readonly<Record<string, string>>
    /** Asked once the lock is held, as an event may be old: why the run is no longer wanted, or null. */
    readonly stillWanted: () => Promise<string | null>
    /** Its URL, where that names the port which the swarm is still to choose. */
    readonly urlAt?: (port: number) => string | null
  }
  readonly url?: string
}

/** The report of a run that ends now, with nothing to tell yet. */
export function reportNow(
  { ports, startedAt }: Pick<Run, 'ports' | 'startedAt'>,
  of: Pick<RunReport, 'command' | 'status' | 'stack'>
): RunReport {
  return emptyReport({ ...of, startedAt, endedAt: ports.clock.now() })
}

/** A run that was stopped before it came to a verdict; says so where nothing that runs can have been changed. */
export function reportStopped(
  run: Pick<Run, 'ports' | 'startedAt' | 'progress'>,
  of: Pick<RunReport, 'command' | 'stack'>,
  problems: readonly Problem[]
): RunReport {
  const status = run.ports.cancelled.aborted ? 'cancelled' : 'failed'
  const changes = ['deploy', 'rollback', 'remove'].includes(of.command)
  return {
    ...reportNow(run, { ...of, status }),
    ...(changes && !run.progress.changing && { reason: 'Nothing that runs was changed.' }),
    problems
  }
}

/** A run that ends green without doing anything, and says why. */
export function skipped(
  run: Pick<Run, 'ports' | 'startedAt'> & { readonly inputs: Pick<Inputs, 'command'> },
  target: StackTarget,
  reason: string
): Outcome {
  const { inputs, ports } = run
  ports.log.notice(reason)
  const head = { command: inputs.command, status: 'skipped', stack: target.stack } as const
  return { report: { ...reportNow(run, head), reason } }
}

/** A problem as an error annotation, on its place in the user's files where it has one. */
export function annotateProblem(log: Log, { message, remedy, details, at }: Problem): void {
  log.error([message, remedy, details].filter(part => part !== undefined).join('\n'), at)
}
