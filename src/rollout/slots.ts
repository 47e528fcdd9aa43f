import type { Service, Task } from '../engine-types.js'
import { oneLine } from '../text.js'
import { crashLoopOf } from './failures.js'
import { jobRunOf } from './job-run.js'
import type { Observation, ServiceSeen, TaskSeen } from './observe.js'
import {
  isJob,
  isLive,
  isOnDownNode,
  isOnSilentNode,
  restartCondition,
  slotOf,
  taskName,
  timeOf,
  wantedTasks,
  wantsEveryNode
} from './tasks.js'
import type { Replicas, ServiceState } from './types.js'

/** The places that a service has for tasks, and what is in them. */
export interface Slots {
  /** How many places are to be filled; for a global service the nodes that have a task. */
  readonly wanted: number
  /** Tasks of the current version that run, one of each place. */
  readonly running: readonly TaskSeen[]
  /** Tasks of the current version that are on their way. */
  readonly starting: readonly TaskSeen[]
  /** Tasks of another version that are not told to go yet. */
  readonly outdated: readonly TaskSeen[]
  /** Places whose process has exited 0 and is not to be started again. */
  readonly done: number
  /** Places with a live task. */
  readonly live: number
  /** Live tasks beyond one of each place. */
  readonly surplus: number
}

/** What fills the places of a service at the newest snapshot. A task on a node that is not heard of does not run, whatever its record says. */
export function slotsOf(observation: Observation, seen: ServiceSeen): Slots {
  const present = [...seen.tasks.values()].filter(task => task.present)
  const live = present.filter(({ task }) => isLive(task))
  const liveSlots = new Set(live.map(({ task }) => slotOf(task, seen.target.mode)))
  const fresh = live.filter(task => task.current)
  const runs = (seenTask: TaskSeen) =>
    seenTask.task.Status.State === 'running' && !isOnSilentNode(observation.nodes, seenTask.task)
  const running = new Map(fresh.filter(runs).map(task => [slotOf(task.task, seen.target.mode), task]))
  const ended = newestOfSlots(
    seen,
    present.filter(task => task.current)
  ).filter(({ task }) => !liveSlots.has(slotOf(task, seen.target.mode)))
  return {
    wanted: (seen.service && wantedTasks(seen.service)) ?? liveSlots.size,
    running: [...running.values()],
    starting: fresh.filter(task => !runs(task)),
    outdated: live.filter(task => !task.current),
    done: ended.filter(({ task }) => task.Status.State === 'complete' && restartCondition(task) !== 'any').length,
    live: liveSlots.size,
    surplus: live.length - liveSlots.size
  }
}

/** Running and wanted tasks, for people: what has run to its end as it should counts as running. */
export function replicasOf(observation: Observation, seen: ServiceSeen): Replicas {
  if (seen.service === null) return { running: 0, desired: 0 }
  const { wanted, running, done } = slotsOf(observation, seen)
  return { running: Math.min(running.length + done, wanted), desired: wanted }
}

function newestOfSlots({ target }: ServiceSeen, tasks: readonly TaskSeen[]): readonly TaskSeen[] {
  const newest = new Map<string, TaskSeen>()
  for (const seen of tasks) {
    const slot = slotOf(seen.task, target.mode)
    const other = newest.get(slot)
    if (!other || createdAt(seen) > createdAt(other)) newest.set(slot, seen)
  }
  return [...newest.values()]
}

function createdAt({ task, firstSeenAt }: TaskSeen): number {
  return timeOf(task.CreatedAt) ?? firstSeenAt
}

/** How long a task may wait for a node, with nothing about to make room; longer while a node is down, which may come back. */
const stuckMs = { allUp: 10_000, someDown: 30_000 }

/** A task that no node can take: the swarm itself would wait for ever. */
export function findStuck(observation: Observation, seen: ServiceSeen): ServiceState | null {
  const someDown = [...observation.nodes.values()].some(({ Status }) => Status.State !== 'ready')
  const patience = someDown ? stuckMs.someDown : stuckMs.allUp
  const stuck = [...seen.tasks.values()].find(
    ({ present, current, stuckSince }) =>
      present && current && stuckSince !== null && observation.at - stuckSince >= patience
  )
  if (!stuck) return null
  const name = taskName(seen.target, stuck.task, observation.nodes.get(stuck.task.NodeID ?? '')?.Description?.Hostname)
  return {
    is: 'failed',
    reason: `no node can take ${name}: ${oneLine(stuck.task.Status.Err ?? '')}`,
    task: stuck.task.ID
  }
}

/** How long after a task's end its place may be empty before nothing is going to be started in it, the restart policy's delay not counted. */
const givenUpMs = 3_000
/** Swarm's own delay where the policy names none (swarmkit manager/orchestrator/restart/restart.go). */
const usualDelayNs = 5_000_000_000

/**
 * How long a task's place may be empty before the restart policy has given it up, in milliseconds. A policy without a limit never does: where a
 * task was rejected at once, its successor waits for the delay of the one before, and for so long the place is empty.
 */
function patienceWith(task: Task): number {
  if (restartCondition(task) === 'none') return givenUpMs
  const { MaxAttempts = 0, Delay = usualDelayNs } = task.Spec.RestartPolicy ?? {}
  return MaxAttempts === 0 ? Infinity : givenUpMs + Delay / 1_000_000
}

/** A place whose last task failed and that the restart policy leaves empty. */
export function findGivenUp(observation: Observation, seen: ServiceSeen): ServiceState | null {
  const present = [...seen.tasks.values()].filter(task => task.present)
  const slot = (task: TaskSeen) => slotOf(task.task, seen.target.mode)
  const liveSlots = new Set(present.filter(({ task }) => isLive(task)).map(slot))
  const wanted = seen.service ? wantedTasks(seen.service) : null
  if (wanted !== null && !isJob(seen.target.mode) && liveSlots.size >= wanted) return null
  const last = newestOfSlots(
    seen,
    present.filter(task => task.current)
  ).find(task => !liveSlots.has(slot(task)) && isGivenUp(observation, seen, task))
  if (!last) return null
  return { is: 'failed', reason: 'its task failed, and its restart policy does not start it again', task: last.task.ID }
}

function isGivenUp(
  { at, nodes }: Observation,
  { target }: ServiceSeen,
  { task, old, dismissed, endedAt }: TaskSeen
): boolean {
  if (dismissed || (old && target.touched)) return false
  if (task.Status.State !== 'failed' && task.Status.State !== 'rejected') return false
  const availability = nodes.get(task.NodeID ?? '')?.Spec.Availability
  // a global service is taken off a node that is drained or down, and waits for it
  if (wantsEveryNode(target) && (isOnDownNode(nodes, task) || availability === 'drain')) return false
  return at - (endedAt ?? at) >= patienceWith(task)
}

/**
 * Engine time since when a service has all its tasks running; null while it has not. One that is failing by itself does not keep
 * the others waiting, and counts as up since ever.
 */
export function upSince(observation: Observation, seen: ServiceSeen): number | null {
  if (seen.service === null || !seen.target.touched) return 0
  if (findStuck(observation, seen) || crashLoopOf(seen, 0)) return 0
  const { wanted, running, done, outdated } = slotsOf(observation, seen)
  if (isJob(seen.target.mode)) return jobIsOver(observation, seen, seen.service) ? 0 : null
  if (outdated.length > 0 || running.length + done < wanted) return null
  return running.reduce((latest, { runningSince }) => Math.max(latest, runningSince ?? 0), 0)
}

/** A job that has completed, or that will not. */
function jobIsOver(observation: Observation, seen: ServiceSeen, service: Service): boolean {
  const { begun, done } = jobRunOf(observation, seen, service)
  return (begun && done) || findGivenUp(observation, seen) !== null
}
