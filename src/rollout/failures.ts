import type { TaskSeen, ServiceSeen } from './observe.js'
import { isFailure, slotOf } from './tasks.js'

/** Tasks of this run's release that failed since it began, oldest first. */
export function failuresOf(seen: ServiceSeen): readonly TaskSeen[] {
  return failedTasks(seen).filter(task => task.ofRelease)
}

/** Tasks of the service's version as it is now that failed since this run began, oldest first. */
export function currentFailuresOf(seen: ServiceSeen, since: number): readonly TaskSeen[] {
  return failedTasks(seen).filter(task => !task.ofRelease && (task.endedAt ?? 0) >= since)
}

function failedTasks(seen: ServiceSeen): readonly TaskSeen[] {
  return [...seen.tasks.values()]
    .filter(({ task, old, dismissed }) => !old && !dismissed && isFailure(task, seen.target.mode))
    .sort((one, other) => (one.endedAt ?? 0) - (other.endedAt ?? 0))
}

/** The failures of the slot that failed most often, oldest first. */
export function mostOfOneSlot(failures: readonly TaskSeen[], { target }: ServiceSeen): readonly TaskSeen[] {
  const slots = new Map<string, TaskSeen[]>()
  for (const failure of failures) {
    const slot = slotOf(failure.task, target.mode)
    slots.set(slot, [...(slots.get(slot) ?? []), failure])
  }
  return [...slots.values()].reduce<TaskSeen[]>((most, list) => (list.length > most.length ? list : most), [])
}

/**
 * A slot whose tasks fail again and again; null when there is none. What passes by itself has half a minute. Twice is enough where the container cannot even be made or started; once may
 * be the engine's own trouble of a moment. Else it is three tasks that were started with every other service up (`othersUpSince`, engine time; null: they are not): the first tasks of an
 * application may fail until its database answers.
 */
export function crashLoopOf(seen: ServiceSeen, othersUpSince: number | null): readonly TaskSeen[] | null {
  const failures = mostOfOneSlot(failuresOf(seen), seen)
  const passing = failures.filter(isPassing)
  if (passing.length >= 3 && (passing.at(-1)?.endedAt ?? 0) - (passing[0]?.endedAt ?? 0) >= passingMs) return failures
  const own = failures.filter(failure => !isPassing(failure))
  if (own.filter(isLasting).length >= 2) return failures
  const counted = othersUpSince === null ? [] : own.filter(({ firstSeenAt }) => firstSeenAt >= othersUpSince)
  return counted.length >= 3 ? failures : null
}

/** How long a node may take to put its networks in order. */
const passingMs = 30_000

/**
 * Whether it is the node's trouble of a moment, seen on engine 28.5: a network that was removed has its addresses given to the next one at once, while
 * nodes still hold it; and a task can reach its node before its address does.
 */
function isPassing({ task }: TaskSeen): boolean {
  return /Pool overlaps with other one|missing network attachments/i.test(task.Status.Err ?? '')
}

/** Whether another try can hardly help: the engine could not make or start the container at all. */
function isLasting({ task }: TaskSeen): boolean {
  const error = task.Status.Err ?? ''
  if (/already (allocated|in use)/i.test(error)) return false
  return task.Status.State === 'rejected' || error.startsWith('starting container failed')
}

/**
 * The failure to blame where a slot's tasks failed in two ways: the engine's trouble with a container that it did not get to start may
 * only stand before what the program itself does. So it is the newest task that ran, unless more of them could not be started. `named` where
 * nothing else ran in its slot.
 */
export function tellingFailure(named: TaskSeen, seen: ServiceSeen): TaskSeen {
  if (hasRun(named)) return named
  const slot = slotOf(named.task, seen.target.mode)
  const failures = failuresOf(seen).filter(({ task }) => slotOf(task, seen.target.mode) === slot)
  const ran = failures.filter(hasRun)
  return (2 * ran.length >= failures.length ? ran.at(-1) : undefined) ?? named
}

/** Whether the container ran and ended by itself or by its healthcheck: only then the engine tells an exit code. */
function hasRun({ task }: TaskSeen): boolean {
  return task.Status.State === 'complete' || /non-zero exit \(/.test(task.Status.Err ?? '')
}

/**
 * How long a task must be up before it counts, in milliseconds: the window that the user asked for; where tasks have died after a
 * while already, twice as long as the longest of them lived, up to a minute, or a service that flaps would pass between two deaths. A
 * task lives from its start: one that its healthcheck stopped may never have run, or for a moment only, as the engine lets a container
 * that then exits 0 pass as running first (moby daemon/cluster/executor/container/controller.go, Start).
 */
export function requiredUptime(failures: readonly TaskSeen[], stableForMs: number): number {
  const lives = failures.map(({ startingSince, runningSince, endedAt }) => {
    const since = startingSince ?? runningSince
    return since === null || endedAt === null ? 0 : endedAt - since
  })
  const longest = lives.reduce((max, life) => Math.max(max, life), 0)
  return Math.max(stableForMs, Math.min(2 * longest, 60_000))
}
