import { oneLine } from '../text.js'
import type { Observation, ServiceSeen, TaskSeen, UpdateSeen } from './observe.js'
import { hasEnded, isFailure, isJob, taskName, timeOf } from './tasks.js'
import type { TimelineEntry } from './types.js'

/** What happened when, as bars of a gantt chart, service by service: what the updater did, and the tasks that this run is about. */
export function timelineOf(observation: Observation): readonly TimelineEntry[] {
  return [...observation.services.values()].flatMap(seen => [
    ...updateBars(observation, seen),
    ...[...seen.tasks.values()]
      .filter(({ ofRelease, current, old }) => (ofRelease || current) && !old)
      .sort((one, other) => one.firstSeenAt - other.firstSeenAt)
      .flatMap(task => taskBars(observation, seen, task))
  ])
}

function updateBars({ at, startedAt }: Observation, seen: ServiceSeen): TimelineEntry[] {
  return seen.updates.flatMap((update, index) => {
    const phase = phaseOf(update)
    const from = Math.max(startedAt, update.at)
    const to = seen.updates[index + 1]?.at ?? at
    return phase === null || to <= from ? [] : [{ key: seen.target.key, name: 'update', phase, from, to }]
  })
}

function phaseOf({ state }: UpdateSeen): TimelineEntry['phase'] | null {
  if (state === 'updating') return 'updating'
  return state === 'rollback_started' ? 'rolling-back' : null
}

function taskBars(
  observation: Observation,
  seen: ServiceSeen,
  { task, runningSince, endedAt, firstSeenAt }: TaskSeen
): TimelineEntry[] {
  const { key, mode } = seen.target
  const hostname = observation.nodes.get(task.NodeID ?? '')?.Description?.Hostname
  const note = (task.Status.Err ?? '') === '' ? {} : { note: oneLine(task.Status.Err ?? '', 120) }
  const bar = (phase: TimelineEntry['phase'], from: number, to: number): TimelineEntry[] => {
    const start = Math.max(from, observation.startedAt)
    const place = hostname === undefined ? {} : { node: hostname }
    return to <= start
      ? []
      : [{ key, name: taskName(seen.target, task, hostname), phase, from: start, to, ...place, ...note }]
  }
  const end = endedAt ?? observation.at
  const created = timeOf(task.CreatedAt) ?? firstSeenAt
  const first = bar(task.Status.State === 'pending' ? 'waiting' : 'starting', created, runningSince ?? end)
  const failed = hasEnded(task) && isFailure(task, mode)
  if (runningSince === null) return failed ? first.map(entry => ({ ...entry, phase: 'failed' })) : first
  return [...first, ...bar(failed && !isJob(mode) ? 'failed' : 'running', runningSince, end)]
}
