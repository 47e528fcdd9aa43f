import type { Place, Problem } from '../errors.js'
import { lastLines } from '../errors/rollout.js'
import type { Service } from '../engine-types.js'
import type { Finding } from '../model.js'
import type { Change } from '../release/compare.js'
import { rollbackTargets } from '../release/find.js'
import type { ReleaseEntry } from '../release/record.js'
import type { Rollout } from '../rollout/types.js'
import type { RunReport, RunStatus } from './model.js'
import { failuresOf, jobRow, releaseRow, serviceRows, timelineBar } from './rows.js'

/** How far a roll-out came: all that its report is made from. */
export interface Attempt {
  readonly stack: string
  readonly changes: readonly Change[]
  /** null when nothing changed, so that no release was made. */
  readonly release: string | null
  /** The services as they were before. */
  readonly before: readonly Service[]
  readonly last: ReleaseEntry | null
  readonly rollout: Rollout
  /** What is wrong besides the tasks, such as a `verify-url` that does not answer. */
  readonly problems: readonly Problem[]
  /** The way back, when there was one; its rollout is null when it was not watched. */
  readonly restored: {
    readonly release: string | null
    readonly left: readonly string[]
    /** false when a service could not be put back. */
    readonly complete: boolean
    /** Nothing had been changed. */
    readonly untouched: boolean
    readonly rollout: Rollout | null
  } | null
}

/** How it ended, in the word of the output `status`. Only what was seen to run counts as deployed or rolled back. */
export function statusOf(attempt: Attempt): RunStatus {
  const { rollout, problems, restored, release } = attempt
  if (rollout.verdict === 'deployed' && problems.length === 0) return release === null ? 'unchanged' : 'deployed'
  if (rollout.verdict === 'cancelled' || rollout.verdict === 'overtaken') return rollout.verdict
  if (isRestored(attempt)) return 'rolled-back'
  return restored === null && swarmWentBack(attempt) ? 'rolled-back' : 'failed'
}

/** With `on-failure: leave` the swarm may have gone back by itself, which only counts when it did so with every service. */
function swarmWentBack({ rollout }: Attempt): boolean {
  const touched = rollout.services.filter(service => service.touched)
  return touched.length > 0 && touched.every(({ verdict }) => verdict === 'rolled-back')
}

/** Whether the whole stack was seen to run as it did before. */
function isRestored({ restored }: Attempt): boolean {
  return restored?.complete === true && restored.rollout?.verdict === 'deployed'
}

/** Why it ended so, in a sentence or two for the top of the summary and the log. */
export function reasonOf(attempt: Attempt): string {
  const { rollout, problems } = attempt
  const failed = rollout.services.filter(({ verdict }) => verdict === 'failed' || verdict === 'rolled-back')
  const why = [
    ...failed.map(outcome => `${outcome.key}: ${outcome.diagnosis?.cause ?? outcome.reason}`),
    ...problems.map(problem => problem.message),
    ...(rollout.verdict === 'timeout' ? unfinished(rollout) : [])
  ]
  const sentences = why.map(text => (/[.!?…]$/.test(text.trimEnd()) ? text : `${text}.`))
  return [...sentences, whatServes(attempt)].filter(text => text !== '').join(' ')
}

function unfinished(rollout: Rollout): string[] {
  const open = rollout.services.filter(({ verdict }) => verdict === 'unfinished')
  return [`Not done within \`timeout\`: ${open.map(({ key, reason }) => `${key} ${reason}`).join('; ')}`]
}

/** The sentence that matters most in a red job: what runs now. */
function whatServes(attempt: Attempt): string {
  const { restored, last, rollout, release } = attempt
  if (release === null) return ''
  if (restored !== null && isRestored(attempt)) {
    return restored.release === null
      ? 'Every service is back at what ran before.'
      : `Every service is back at release ${restored.release}, which is serving.`
  }
  if (restored !== null && (rollout.verdict === 'cancelled' || restored.rollout?.verdict === 'cancelled')) {
    const where = restored.release === null ? 'what ran before' : `release ${restored.release}`
    return [`The way back to ${where} was begun, and not waited for.`, ...restored.left].join(' ')
  }
  if (restored?.untouched === true) return [...restored.left, 'Nothing that runs was changed.'].join(' ')
  if (restored?.rollout !== null && restored !== null)
    return 'Going back did not succeed either: see the services for what runs where.'
  if (restored !== null && restored.left.length > 0) return restored.left.join(' ')
  if (rollout.verdict === 'overtaken')
    return 'Another deploy of this stack came after this one: its version counts, not this run’s.'
  if (rollout.verdict === 'deployed') return ''
  return last === null ? '' : `The release before was ${last.id}.`
}

export interface ReportHead {
  readonly command: string
  readonly startedAt: number
  readonly endedAt: number
  readonly findings: readonly Finding[]
  readonly rotated: readonly string[]
  /** The services as they are now; empty where that could not be asked. */
  readonly now: readonly Service[]
  readonly releases: readonly ReleaseEntry[]
  readonly jobs: readonly string[]
  readonly rollbackOf?: string
}

/** Everything that a deploy or a rollback has to tell. */
export function reportRollOut(attempt: Attempt, head: ReportHead): Omit<RunReport, 'url'> {
  const { rollout, last, release } = attempt
  const status = statusOf(attempt)
  const reason = status === 'deployed' || status === 'unchanged' ? '' : reasonOf(attempt)
  const final = attempt.restored?.rollout ?? rollout
  return {
    command: head.command,
    status,
    stack: attempt.stack,
    ...(reason !== '' && { reason }),
    ...((release ?? last?.id) !== undefined && { release: release ?? last?.id ?? '' }),
    ...(last !== null && { previousRelease: last.id }),
    startedAt: head.startedAt,
    endedAt: head.endedAt,
    services: serviceRows(attempt, { ...head, final }),
    jobs: rollout.services.filter(({ key }) => head.jobs.includes(key)).map(jobRow),
    timeline: rolloutsOf(attempt).flatMap(({ timeline }) => timeline.map(timelineBar)),
    findings: head.findings,
    failures: failuresOf(rolloutsOf(attempt)),
    problems: attempt.problems,
    rotated: head.rotated,
    notes: notesOf(attempt),
    releases: rollbackTargets(head.releases, head.now).map(entry => releaseRow(entry, false)),
    plan: [],
    nodes: [],
    checks: [],
    removed: attempt.changes
      .filter(({ kind }) => kind === 'remove' && status === 'deployed')
      .map(({ service }) => service)
  }
}

/** What was watched: the rollout, and the way back where there was one. */
function rolloutsOf({ rollout, restored }: Attempt): readonly Rollout[] {
  return [rollout, ...(restored?.rollout ? [restored.rollout] : [])]
}

function notesOf(attempt: Attempt): string[] {
  return [
    ...(attempt.restored?.left ?? []),
    ...attempt.changes
      .filter(({ kind }) => kind === 'foreign')
      .map(({ service }) => `${service} is in the stack's namespace, but this action did not deploy it: left alone.`)
  ]
}

/** Why services failed, each at the line of the compose file that it begins at, with what its task said last. */
export function blame(attempt: Attempt, places: Readonly<Record<string, Place>>): readonly Problem[] {
  return failuresOf(rolloutsOf(attempt)).map(({ service, cause, remedy, task, logs }) => {
    const details = lastLines(task ?? service, logs)
    const at = places[service]
    return {
      message: `${service}: ${cause}`,
      ...(remedy !== undefined && { remedy }),
      ...(details !== undefined && { details }),
      ...(at !== undefined && { at })
    }
  })
}
