import type { Node, Service, Task } from '../engine-types.js'
import { oneLine } from '../text.js'
import type { ServiceMode, Target } from './types.js'

/** A task's states in the order in which it goes through them. swarmkit api/types.proto, TaskState. */
const order = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned'
]

/** Whether the task has ended, whatever way. */
export function hasEnded(task: Task): boolean {
  return order.indexOf(task.Status.State) > order.indexOf('running')
}

/** Whether the swarm wants the task to go. */
export function isUnwanted(task: Task): boolean {
  return task.DesiredState === 'shutdown' || task.DesiredState === 'remove'
}

/** Whether the task runs, or is on its way there. */
export function isLive(task: Task): boolean {
  return !hasEnded(task) && !isUnwanted(task)
}

/** Told to go, and still holding its port, memory and place. */
export function isStopping(task: Task): boolean {
  return isUnwanted(task) && !hasEnded(task) && order.indexOf(task.Status.State) >= order.indexOf('assigned')
}

/**
 * Whether nothing has been heard of the task's node: whatever the task's record says, it is not known to run. A leader that has just come into
 * office knows of no node before it reports, so one that died with the leader before is `unknown` for a while
 * (moby/swarmkit manager/dispatcher/dispatcher.go, markNodesUnknown).
 */
export function isOnSilentNode(nodes: ReadonlyMap<string, Node>, task: Task): boolean {
  return nodes.get(task.NodeID ?? '')?.Status.State === 'unknown' || isOnDownNode(nodes, task)
}

/** Whether the swarm has given the task's node up. */
export function isOnDownNode(nodes: ReadonlyMap<string, Node>, task: Task): boolean {
  const state = nodes.get(task.NodeID ?? '')?.Status.State
  return state === 'down' || state === 'disconnected'
}

/**
 * What the task is a copy of: the slot of a replicated service, the node of a global one. Slots of services count from 1, those of jobs
 * from 0, and the engine leaves out a slot of 0.
 */
export function slotOf(task: Task, mode: ServiceMode): string {
  return wantsEveryNode({ mode }) ? (task.NodeID ?? '') : String(task.Slot ?? 0)
}

/** How the swarm starts it again; the engine's default is `any`. */
export function restartCondition(task: Task): 'none' | 'on-failure' | 'any' {
  const condition = task.Spec.RestartPolicy?.Condition
  return condition === 'none' || condition === 'on-failure' ? condition : 'any'
}

export function isJob(mode: ServiceMode): boolean {
  return mode === 'replicated-job' || mode === 'global-job'
}

/** Whether the service is to have a task on every node that is eligible. */
export function wantsEveryNode({ mode }: Pick<Target, 'mode'>): boolean {
  return mode === 'global' || mode === 'global-job'
}

/**
 * Whether the task's end is a failure. A process that exits 0 is done where it is not to be started again, and a failure
 * where the swarm wants it to run on.
 */
export function isFailure(task: Task, mode: ServiceMode): boolean {
  const { State } = task.Status
  if (State === 'failed' || State === 'rejected') return true
  return State === 'complete' && !isJob(mode) && restartCondition(task) === 'any'
}

/** Replicas that a replicated service is to have; tasks to complete for a replicated job; null for the global kinds. */
export function wantedTasks(service: Service): number | null {
  const mode = service.Spec.Mode
  if (mode?.Global ?? mode?.GlobalJob) return null
  if (mode?.ReplicatedJob) return mode.ReplicatedJob.TotalCompletions ?? mode.ReplicatedJob.MaxConcurrent ?? 1
  return mode?.Replicated?.Replicas ?? 1
}

/** `web.1`, as the engine names it; a task of a global service is named by its node. */
export function taskName(
  { key, mode }: Pick<Target, 'key' | 'mode'>,
  task: Task,
  hostname: string | undefined
): string {
  return `${key}.${wantsEveryNode({ mode }) ? (hostname ?? task.NodeID ?? '?') : (task.Slot ?? 0)}`
}

/** An engine's timestamp in milliseconds, null when it is missing or the zero time of Go. */
export function timeOf(timestamp: string | undefined): number | null {
  if (timestamp === undefined) return null
  const ms = Date.parse(timestamp)
  return Number.isNaN(ms) || ms <= 0 ? null : ms
}

/** A task's state with the engine's reason: `failed: task: non-zero exit (7)`. */
export function stateOf({ Status }: Task): string {
  if (Status.State === 'complete') return 'ended with exit code 0'
  return (Status.Err ?? '') === '' ? Status.State : `${Status.State}: ${oneLine(Status.Err ?? '', 200)}`
}
