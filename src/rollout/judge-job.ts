import type { Service } from '../engine-types.js'
import { count } from '../text.js'
import { crashLoopOf } from './failures.js'
import { jobRunOf } from './job-run.js'
import type { Observation, ServiceSeen } from './observe.js'
import { findGivenUp, findStuck } from './slots.js'
import type { ServiceState } from './types.js'

/** How long a global job may be without any task before no node is said to be eligible. */
const emptyMs = 10_000

/**
 * Says how it stands with a job: it is done when enough tasks of its current iteration have completed. A job has no updater, no update
 * status and nothing that stays up. One that this deploy has not touched is not run again; where a run before, that was killed, has left it
 * running, it is waited for like any other: what comes after it may need what it does.
 */
export function judgeJob(
  observation: Observation,
  seen: ServiceSeen,
  service: Service,
  othersUpSince: number | null
): ServiceState {
  const { begun, done, completed, wanted } = jobRunOf(observation, seen, service)
  if (!begun) return { is: 'pending', waitsFor: 'its run to begin' }
  if (done) return { is: 'deployed', reason: whyDone(seen, wanted, completed) }
  const failed = findStuck(observation, seen) ?? findGivenUp(observation, seen) ?? findRepeated(seen, othersUpSince)
  if (failed) return failed
  if (wanted === 0 && seen.emptySince !== null && observation.at - seen.emptySince >= emptyMs) {
    return {
      is: 'failed',
      reason: 'no node is eligible for this global job, so it runs nowhere: see its placement constraints'
    }
  }
  return { is: 'pending', waitsFor: `${count(Math.max(1, wanted - completed), 'task')} to complete` }
}

function whyDone({ target }: ServiceSeen, wanted: number, completed: number): string {
  if (!target.touched) return 'unchanged, so it is not run again'
  return wanted === 0 ? 'it has no task to run' : `${count(completed, 'task')} completed`
}

function findRepeated(seen: ServiceSeen, othersUpSince: number | null): ServiceState | null {
  const failures = crashLoopOf(seen, othersUpSince)
  const last = failures?.at(-1)
  return failures && last ? { is: 'failed', reason: `it failed ${failures.length} times`, task: last.task.ID } : null
}
