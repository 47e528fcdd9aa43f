import { culprit, diagnose, isSuspect, type TaskRecords } from './diagnose.js'
import type { Judgement } from './judge.js'
import type { Observation, ServiceSeen } from './observe.js'
import { replicasOf, slotsOf } from './slots.js'
import { isJob } from './tasks.js'
import { timelineOf } from './timeline.js'
import type { Rollout, ServiceOutcome, ServiceState, Verdict } from './types.js'

/** What is known of tasks that were looked at closer, by the task's id. */
export type Records = ReadonlyMap<string, TaskRecords>

/** The end of a watch, service by service, with why. */
export function conclude(last: {
  readonly observation: Observation
  readonly judgement: Judgement
  readonly verdict: Verdict
  readonly records: Records
}): Rollout {
  const { observation, judgement, verdict } = last
  const services = [...observation.services].map(([name, seen]) => {
    const state = judgement.services.get(name) ?? ({ is: 'pending', waitsFor: 'a first look' } as const)
    return outcomeOf(last, seen, state)
  })
  return {
    verdict,
    services,
    timeline: timelineOf(observation),
    startedAt: observation.startedAt,
    endedAt: observation.at,
    seen: [...observation.services.values()].flatMap(({ service }) => service ?? [])
  }
}

function outcomeOf(
  { observation, verdict, records }: Parameters<typeof conclude>[0],
  seen: ServiceSeen,
  state: ServiceState
): ServiceOutcome {
  const { service, key, touched } = seen.target
  // one that is still on its way when another one fails is not to blame, unless something is wrong with it too
  const isBad = state.is === 'pending' ? verdict === 'timeout' || isSuspect(seen) : state.is !== 'deployed'
  const blamed = isBad && state.is !== 'overtaken' ? culprit(observation, seen, state) : null
  const diagnosis = blamed ? diagnose(observation, seen, blamed, records.get(blamed.task.ID)) : null
  const surplus = state.is === 'deployed' && !isJob(seen.target.mode) ? slotsOf(observation, seen).surplus : 0
  const base = state.is === 'pending' ? `still waits for ${state.waitsFor}` : state.reason
  return {
    service,
    key,
    touched,
    verdict: state.is === 'pending' ? 'unfinished' : state.is,
    reason: diagnosis === null || saysItAll(state) ? base : `${base}: ${diagnosis.cause.replace(/\.$/, '')}`,
    replicas: replicasOf(observation, seen),
    ...(surplus > 0 && { surplus }),
    durationMs: durationOf(observation, seen, state),
    ...(diagnosis === null ? {} : { diagnosis })
  }
}

/** Where no node takes a task, the reason is the engine's text already. */
function saysItAll(state: ServiceState): boolean {
  return state.is === 'failed' && state.reason.includes('no suitable node')
}

/** From the start of the watch to the last task that came up; to the end where it did not come out well. */
function durationOf(observation: Observation, seen: ServiceSeen, state: ServiceState): number {
  if (state.is !== 'deployed') return observation.at - observation.startedAt
  const up = [...seen.tasks.values()].map(({ runningSince, current }) => (current ? (runningSince ?? 0) : 0))
  const last = up.reduce((latest, time) => Math.max(latest, time), observation.startedAt)
  return last - observation.startedAt
}
