import { platformName } from '../platform.js'
import { defuse } from '../text.js'
import { causeOf, type ContainerRecord } from './causes.js'
import { failuresOf, tellingFailure } from './failures.js'
import type { Observation, ServiceSeen, TaskSeen } from './observe.js'
import { isFailure, isLive, stateOf, taskName } from './tasks.js'
import type { Diagnosis, ServiceState } from './types.js'

/** What was fetched of a task while it was there. */
export interface TaskRecords {
  readonly logs: readonly string[]
  readonly container: ContainerRecord | null
}

/** How many lines of the history and of the log a diagnosis holds. */
const lines = { history: 8, log: 30 }

/**
 * The task that tells why a service does not run: the one that the verdict names or one that tells more of the same place, else the first
 * of the release that failed, else one that no node takes, else one that does not get to run. null when there is none.
 */
export function culprit(observation: Observation, seen: ServiceSeen, state?: ServiceState): TaskSeen | null {
  const named = state && 'task' in state ? seen.tasks.get(state.task) : undefined
  if (named) return isFailure(named.task, seen.target.mode) ? tellingFailure(named, seen) : named
  const failures = failuresOf(seen)
  const present = [...seen.tasks.values()].filter(task => task.present && task.current)
  return (
    failures.find(({ task }) => task.Status.ContainerStatus?.ContainerID !== undefined) ??
    failures[0] ??
    present.find(({ task }) => task.Status.State === 'pending' && (task.Status.Err ?? '') !== '') ??
    present.find(({ task }) => isLive(task) && task.Status.State !== 'running') ??
    present.find(({ task }) => isLive(task) && nodeTrouble(observation, task.NodeID) !== null) ??
    present.find(({ task }) => isFailure(task, seen.target.mode)) ??
    null
  )
}

/** Whether a service that is still on its way has something wrong already: a task that failed, or one that no node takes. */
export function isSuspect(seen: ServiceSeen): boolean {
  const isStuck = [...seen.tasks.values()].some(
    ({ present, current, stuckSince }) => present && current && stuckSince !== null
  )
  return isStuck || failuresOf(seen).length > 0
}

/**
 * Tasks whose logs should be fetched now, before the swarm forgets them: the first of each service's release that failed; where that one had
 * no container, also the first that had one.
 */
export function worthALook(observation: Observation, known: ReadonlyMap<string, unknown>): readonly TaskSeen[] {
  return [...observation.services.values()].flatMap(seen => {
    const failures = failuresOf(seen)
    const first = failures.find(({ task }) => task.Status.ContainerStatus?.ContainerID !== undefined) ?? failures[0]
    return first && !known.has(first.task.ID) ? [first] : []
  })
}

/** Why this task does not run, in one sentence, with what is needed to understand it. */
export function diagnose(
  observation: Observation,
  seen: ServiceSeen,
  blamed: TaskSeen,
  records: TaskRecords | undefined
): Diagnosis {
  const { task } = blamed
  const node = task.NodeID === undefined ? undefined : observation.nodes.get(task.NodeID)
  const hostname = node?.Description?.Hostname
  const name = taskName(seen.target, task, hostname)
  const logs = (records?.logs ?? []).map(line => defuse(line))
  const machine = node?.Description?.Platform
  const { what, remedy } = causeOf({
    task,
    logs,
    container: records?.container ?? null,
    ranMs: blamed.runningSince === null || blamed.endedAt === null ? null : blamed.endedAt - blamed.runningSince,
    nodeTrouble: nodeTrouble(observation, task.NodeID),
    platform: machine?.Architecture === undefined ? null : platformName(machine.Architecture, machine.OS)
  })
  return {
    cause: `${name}${hostname === undefined ? '' : ` on ${hostname}`} ${what}.`,
    ...(remedy === undefined ? {} : { remedy }),
    task: name,
    taskId: task.ID,
    ...(hostname === undefined ? {} : { node: hostname }),
    history: historyOf(observation, seen),
    logs: logs.slice(-lines.log)
  }
}

/** The state of a task's node when it is not ready; null when it is, or is not known. */
function nodeTrouble({ nodes }: Observation, id: string | undefined): string | null {
  const state = id === undefined ? undefined : nodes.get(id)?.Status.State
  return state === undefined || state === 'ready' ? null : state
}

/** The tasks of this run's release, and whatever else failed since, in the order in which they ended or came up. */
function historyOf(observation: Observation, seen: ServiceSeen): readonly string[] {
  const told = [...seen.tasks.values()]
    .filter(({ ofRelease, old, task }) => !old && (ofRelease || isFailure(task, seen.target.mode)))
    .map(({ task, endedAt, runningSince, firstSeenAt }) => {
      const hostname = observation.nodes.get(task.NodeID ?? '')?.Description?.Hostname
      const where = hostname === undefined ? '' : ` on ${hostname}`
      const time = endedAt ?? runningSince ?? firstSeenAt
      return { time, text: `${taskName(seen.target, task, hostname)}${where} ${stateOf(task)}` }
    })
    .sort((one, other) => one.time - other.time)
    .map(({ time, text }) => `${new Date(time).toISOString().slice(11, 19)} ${text}`)
  return told.length <= lines.history
    ? told
    : [`${told.length - lines.history} earlier tasks`, ...told.slice(-lines.history)]
}
