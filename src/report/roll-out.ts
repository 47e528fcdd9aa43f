import type { Place, Problem } from '../errors.js'
import type { Service } from '../engine-types.js'
import type { Finding } from '../model.js'
import type { Change } from '../release/compare.js'
import { rollbackTargets } from '../release/find.js'
import { keyOf, type ReleaseEntry } from '../release/record.js'
import type { Rollout, ServiceOutcome, TimelineEntry } from '../rollout/types.js'
import type { Failure, JobRow, ReleaseRow, RunReport, RunStatus, ServiceRow, TimelineBar } from './model.js'

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
  return [...why, whatServes(attempt)].filter(text => text !== '').join(' ')
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
  const live = head.releases.find(({ verdict }) => verdict === 'deployed')
  return {
    command: head.command,
    status,
    stack: attempt.stack,
    ...(reason !== '' && { reason }),
    ...((release ?? last?.id) !== undefined && { release: release ?? last?.id ?? '' }),
    ...(last !== null && { previousRelease: last.id }),
    startedAt: head.startedAt,
    endedAt: head.endedAt,
    services: serviceRows(attempt, head, final),
    jobs: rollout.services.filter(({ key }) => head.jobs.includes(key)).map(jobRow),
    timeline: [...rollout.timeline, ...(attempt.restored?.rollout?.timeline ?? [])].map(bar),
    findings: head.findings,
    failures: failuresOf(attempt),
    problems: attempt.problems,
    rotated: head.rotated,
    notes: notesOf(attempt),
    releases: rollbackTargets(head.releases, head.now).map(entry => releaseRow(entry, entry.id === live?.id)),
    plan: [],
    nodes: [],
    checks: [],
    removed: attempt.changes
      .filter(({ kind }) => kind === 'remove' && status === 'deployed')
      .map(({ service }) => service)
  }
}

function serviceRows(attempt: Attempt, { jobs, now }: Pick<ReportHead, 'jobs' | 'now'>, final: Rollout): ServiceRow[] {
  const before = imagesOf(attempt.stack, attempt.before)
  const running = imagesOf(attempt.stack, now)
  return attempt.rollout.services
    .filter(({ key }) => !jobs.includes(key))
    .map(outcome => {
      const change = attempt.changes.find(({ key }) => key === outcome.key)
      const seen = final.services.find(({ key }) => key === outcome.key) ?? outcome
      const wanted = change !== undefined && 'image' in change ? change.image : (before.get(outcome.key) ?? null)
      // What was wanted is not what runs, once the service went back.
      const after = running.get(outcome.key) ?? wanted
      return {
        key: outcome.key,
        imageBefore: before.get(outcome.key) ?? null,
        imageAfter: after,
        running: seen.replicas.running,
        desired: seen.replicas.desired,
        ...(after !== wanted && wanted !== null && { imageWanted: wanted }),
        durationMs: outcome.touched ? timeOf(outcome, attempt.rollout) : null,
        verdict: outcome.verdict === 'deployed' && !outcome.touched ? 'unchanged' : outcome.verdict,
        reason: outcome.diagnosis?.cause ?? outcome.reason
      }
    })
}

/** What did not come up took until that was decided. */
function timeOf({ verdict, durationMs }: ServiceOutcome, { startedAt, endedAt }: Rollout): number {
  return verdict === 'deployed' ? durationMs : endedAt - startedAt
}

/** Service key to the image that its Spec names. */
function imagesOf(stack: string, services: readonly Service[]): ReadonlyMap<string, string> {
  return new Map(services.map(({ Spec }) => [keyOf(stack, { Spec }), Spec.TaskTemplate.ContainerSpec?.Image ?? '']))
}

function jobRow(outcome: ServiceOutcome): JobRow {
  return {
    service: outcome.key,
    verdict: outcome.verdict === 'deployed' && !outcome.touched ? 'unchanged' : outcome.verdict,
    durationMs: outcome.touched ? outcome.durationMs : null,
    reason: outcome.reason
  }
}

function failuresOf(attempt: Attempt): Failure[] {
  const all = [...attempt.rollout.services, ...(attempt.restored?.rollout?.services ?? [])]
  return all
    .filter(({ diagnosis }) => diagnosis !== undefined)
    .map(({ key, reason, diagnosis }) => ({
      service: key,
      cause: diagnosis?.cause ?? reason,
      ...(diagnosis?.remedy !== undefined && { remedy: diagnosis.remedy }),
      ...(diagnosis?.task !== undefined && { task: diagnosis.task }),
      ...(diagnosis?.node !== undefined && { node: diagnosis.node }),
      history: diagnosis?.history ?? [],
      logs: diagnosis?.logs ?? []
    }))
}

function notesOf(attempt: Attempt): string[] {
  return [
    ...(attempt.restored?.left ?? []),
    ...attempt.changes
      .filter(({ kind }) => kind === 'foreign')
      .map(({ service }) => `${service} is in the stack's namespace, but this action did not deploy it: left alone.`)
  ]
}

/** What the swarm's own updater was at. */
const updates: Readonly<Record<TimelineEntry['phase'], string>> = {
  starting: 'update begins',
  running: 'update',
  waiting: 'update waits',
  failed: 'update stopped',
  updating: 'update',
  'rolling-back': 'way back'
}

function bar(entry: TimelineEntry): TimelineBar {
  return {
    service: entry.key,
    label: entry.name === 'update' ? updates[entry.phase] : `${entry.name} ${entry.phase}`,
    startMs: entry.from,
    endMs: entry.to,
    state: entry.phase === 'failed' ? 'failed' : entry.phase === 'running' ? 'done' : 'running'
  }
}

/** A release as one that can be gone back to. */
export function releaseRow(entry: ReleaseEntry, current: boolean): ReleaseRow {
  const { id, commit, ref, actor, at, verdict } = entry
  return { id, commit, ref, actor, at, verdict, current }
}

/** The line of the compose file that each failed service begins at. */
export function blame(attempt: Attempt, places: Readonly<Record<string, Place>>): readonly Problem[] {
  return failuresOf(attempt).map(failure => ({
    message: `${failure.service}: ${failure.cause}`,
    ...(failure.remedy !== undefined && { remedy: failure.remedy }),
    ...(places[failure.service] !== undefined && { at: places[failure.service] as Place })
  }))
}
