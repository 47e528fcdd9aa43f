import type { Service } from '../engine-types.js'
import { count } from '../text.js'
import { crashLoopOf } from './failures.js'
import type { Observation, ServiceSeen, TaskSeen } from './observe.js'
import { findGivenUp, findStuck } from './slots.js'
import { isLive, slotOf, wantedTasks } from './tasks.js'
import type { ServiceState } from './types.js'

/** How long a global job may be without any task before no node is said to be eligible. */
const emptyMs = 10_000

/**
 * Says how it stands with a job: it is done when enough tasks of its current iteration have completed. A job has no updater, no update
 * status and nothing that stays up. One that this run has not touched is not run again, and how it went last time does not count.
 */
export function judgeJob(
  observation: Observation,
  seen: ServiceSeen,
  service: Service,
  othersUpSince: number | null
): ServiceState {
  const { touched, jobIterationBefore } = seen.target
  if (!touched) return { is: 'deployed', reason: 'unchanged, so it is not run again' }
  // the engine leaves out an index of 0, which is the first iteration's
  const iteration = service.JobStatus?.JobIteration?.Index ?? 0
  if (jobIterationBefore !== undefined && iteration <= jobIterationBefore) {
    return { is: 'pending', waitsFor: 'its run to begin' }
  }
  const tasks = [...seen.tasks.values()].filter(({ task }) => (task.JobIteration?.Index ?? 0) === iteration)
  const completed = tasks.filter(({ task }) => task.Status.State === 'complete')
  const wanted = wantedTasks(service) ?? new Set(tasks.map(({ task }) => slotOf(task, seen.target.mode))).size
  if (wantedTasks(service) === null ? everyNodeIsDone(seen, tasks, completed) : completed.length >= wanted) {
    return {
      is: 'deployed',
      reason: wanted === 0 ? 'it has no task to run' : `${count(completed.length, 'task')} completed`
    }
  }
  const failed = findStuck(observation, seen) ?? findGivenUp(observation, seen) ?? findRepeated(seen, othersUpSince)
  if (failed) return failed
  if (wanted === 0 && seen.emptySince !== null && observation.at - seen.emptySince >= emptyMs) {
    return {
      is: 'failed',
      reason: 'no node is eligible for this global job, so it runs nowhere: see its placement constraints'
    }
  }
  return { is: 'pending', waitsFor: `${count(Math.max(1, wanted - completed.length), 'task')} to complete` }
}

function everyNodeIsDone({ target }: ServiceSeen, tasks: readonly TaskSeen[], completed: readonly TaskSeen[]): boolean {
  const nodes = (some: readonly TaskSeen[]) => new Set(some.map(({ task }) => slotOf(task, target.mode))).size
  const isBusy = tasks.some(({ task, present }) => present && isLive(task))
  return completed.length > 0 && !isBusy && nodes(completed) >= nodes(tasks)
}

function findRepeated(seen: ServiceSeen, othersUpSince: number | null): ServiceState | null {
  const failures = crashLoopOf(seen, othersUpSince)
  const last = failures?.at(-1)
  return failures && last ? { is: 'failed', reason: `it failed ${failures.length} times`, task: last.task.ID } : null
}
