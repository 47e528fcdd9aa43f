import type { Service } from '../engine-types.js'
import type { Change } from '../release/compare.js'
import { keyOf, type ReleaseEntry } from '../release/record.js'
import type { Rollout, ServiceOutcome, TimelineEntry } from '../rollout/types.js'
import type { Failure, JobRow, ReleaseRow, ServiceRow, TimelineBar } from './model.js'

/** What was rolled out over what. */
interface RolloutSeen {
  readonly stack: string
  readonly changes: readonly Change[]
  /** The services as they were before. */
  readonly before: readonly Service[]
  readonly rollout: Rollout
}

interface WhatIsNow {
  /** Keys of the services that are jobs. */
  readonly jobs: readonly string[]
  /** The services as they are now; empty where that could not be asked. */
  readonly now: readonly Service[]
  /** The rollout that was watched last: the way back, where there was one. */
  readonly final: Rollout
}

/** What became of each service that is no job. */
export function serviceRows(of: RolloutSeen, { jobs, now, final }: WhatIsNow): ServiceRow[] {
  const before = imagesOf(of.stack, of.before)
  const running = imagesOf(of.stack, now)
  return of.rollout.services
    .filter(({ key }) => !jobs.includes(key))
    .map(outcome => {
      const change = of.changes.find(({ key }) => key === outcome.key)
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
        durationMs: outcome.touched ? timeOf(outcome, of.rollout) : null,
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

/** What a job did. */
export function jobRow(outcome: ServiceOutcome): JobRow {
  return {
    service: outcome.key,
    verdict: outcome.verdict === 'deployed' && !outcome.touched ? 'unchanged' : outcome.verdict,
    durationMs: outcome.touched ? outcome.durationMs : null,
    reason: outcome.reason
  }
}

/** Why services did not make it, in these rollouts. */
export function failuresOf(rollouts: readonly Rollout[]): Failure[] {
  return rollouts
    .flatMap(({ services }) => services)
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

/** What the swarm's own updater was at. */
const updates: Readonly<Record<TimelineEntry['phase'], string>> = {
  starting: 'update begins',
  running: 'update',
  waiting: 'update waits',
  failed: 'update stopped',
  updating: 'update',
  'rolling-back': 'way back'
}

/** A time of a task, or of the swarm's updater, as a bar of the picture. */
export function timelineBar(entry: TimelineEntry): TimelineBar {
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
