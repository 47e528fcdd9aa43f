import type { Service } from '../engine-types.js'
import { label } from '../model.js'
import { count, duration, oneLine } from '../text.js'
import { crashLoopOf, failuresOf, requiredUptime } from './failures.js'
import { judgeJob } from './judge-job.js'
import { judgeRollback, secondLook } from './judge-rollback.js'
import { releaseOf, type Observation, type ServiceSeen } from './observe.js'
import { findGivenUp, findStuck, slotsOf, type Slots } from './slots.js'
import { isJob } from './tasks.js'
import type { ServiceState } from './types.js'

export interface ServiceRules {
  readonly stableForMs: number
  /** Engine time since when every other service has its tasks; null while one has not. */
  readonly othersUpSince: number | null
}

/** How long a global service may be without any task before no node is said to be eligible. */
const emptyMs = 10_000

/**
 * How long the swarm may take to stop a second task in one place. Seen on engine 28.5 where a task crashed while its place was being updated:
 * both the update and the restart put one there, and none was ever taken away. What is wanted runs all the same.
 */
const surplusMs = 15_000

/** Says how it stands with one service: from its own label, the swarm's updater, and above all its tasks. */
export function judgeService(observation: Observation, seen: ServiceSeen, rules: ServiceRules): ServiceState {
  const { service, target } = seen
  if (service === null) {
    const reason = seen.ours ? 'it was removed while its rollout was watched' : 'it is not in the swarm'
    return { is: 'failed', reason }
  }
  const state = service.UpdateStatus?.State ?? ''
  const isOurs = releaseOf(service) === seen.release
  if (isOurs ? target.touched && state.startsWith('rollback') : isRolledBack(seen, service)) {
    return judgeRollback(observation, seen, service, rules.stableForMs)
  }
  if (!isOurs) return { is: 'overtaken', reason: overtakenBy(service) }
  if (seen.redefined !== null)
    return { is: 'overtaken', reason: `somebody else updated it meanwhile: ${seen.redefined}` }
  if (state === 'paused' || state === 'rollback_paused') return paused(observation, seen, service)
  if (isJob(target.mode)) return judgeJob(observation, seen, service, rules.othersUpSince)
  return judgeTasks(observation, seen, service, rules)
}

/**
 * Whether what runs now came by a rollback and not by somebody's update. An update keeps what it replaced as PreviousSpec, an automatic
 * rollback leaves none (swarmkit, updater.go, rollbackUpdate), and its state alone does not tell: with failure_action `rollback` in
 * rollback_config a failed rollback ends in `completed`.
 */
function isRolledBack(seen: ServiceSeen, service: Service): boolean {
  if ((service.UpdateStatus?.State ?? '').startsWith('rollback')) return true
  return service.PreviousSpec === undefined && (service.UpdateStatus !== undefined || seen.updates.some(isRollback))
}

function isRollback({ state }: { readonly state: string }): boolean {
  return state === 'rollback_started'
}

function overtakenBy(service: Service): string {
  const other = service.Spec.Labels?.[label.release]
  if (other === undefined) return 'somebody else updated it meanwhile, without a release of this action'
  return `release ${oneLine(other, 60)} was deployed over it meanwhile`
}

function paused(observation: Observation, seen: ServiceSeen, service: Service): ServiceState {
  // the tasks were read before the swarm paused: what they were up to is in the next look
  if (!seen.steady) return secondLook
  const { running, wanted } = slotsOf(observation, seen)
  const many = `${running.length} of ${count(wanted, 'task')} ${running.length === 1 ? 'runs' : 'run'} the new version`
  const task = blamed(service.UpdateStatus?.Message)
  return { is: 'failed', reason: `the swarm paused its update, ${many}`, ...(task === null ? {} : { task }) }
}

/** The task that the updater names in its message. */
export function blamed(message: string | undefined): string | null {
  return /termination of task (\w+)/.exec(message ?? '')?.[1] ?? null
}

/** A service whose tasks are to stay up. */
function judgeTasks(
  observation: Observation,
  seen: ServiceSeen,
  service: Service,
  { stableForMs, othersUpSince }: ServiceRules
): ServiceState {
  const slots = slotsOf(observation, seen)
  const failed =
    findStuck(observation, seen) ?? findEmpty(observation, seen, slots) ?? findCrashLoop(seen, service, othersUpSince)
  if (failed) return failed
  const givenUp = actsOnFailure(service) ? null : findGivenUp(observation, seen)
  if (givenUp) return givenUp
  return convergence(observation, seen, service, slots, stableForMs)
}

/** What is still missing, when nothing is wrong. */
function convergence(
  { at }: Observation,
  seen: ServiceSeen,
  { UpdateStatus }: Service,
  { wanted, running, done, outdated, live, surplus }: Slots,
  stableForMs: number
): ServiceState {
  const pending = (waitsFor: string): ServiceState => ({ is: 'pending', waitsFor })
  if (outdated.length > 0) return pending(`${count(outdated.length, 'task')} of the version before to be replaced`)
  const missing = wanted - running.length - done
  if (missing > 0) return pending(`${count(missing, 'more task')} to run`)
  if (live > wanted) return pending(`${count(live - wanted, 'surplus task')} to stop`)
  if (surplus > 0 && at - (seen.surplusSince ?? at) < surplusMs)
    return pending(`${count(surplus, 'surplus task')} to stop`)
  if (seen.target.mode === 'global' && wanted === 0) return pending('a node that is eligible')
  if (UpdateStatus?.State === 'updating') return pending('the swarm to end its update')
  if (UpdateStatus?.State === 'rollback_started') return pending('the swarm to end its rollback')
  const youngest = running.reduce((latest, { runningSince }) => Math.max(latest, runningSince ?? at), 0)
  const uptime = requiredUptime(failuresOf(seen), stableForMs)
  if (at - youngest < uptime)
    return { is: 'pending', waitsFor: `its tasks to be up for ${duration(uptime)}`, until: youngest + uptime }
  if (!seen.steady) return secondLook
  const left =
    surplus === 0 ? '' : `, and ${count(surplus, 'more task')} in the same place, which the swarm has not taken away`
  return { is: 'deployed', reason: `${success(running.length, done, wanted)}${left}` }
}

function success(running: number, done: number, wanted: number): string {
  if (wanted === 0) return 'no task is to run'
  if (done === 0) return `${running} of ${count(wanted, 'task')} ${running === 1 ? 'runs' : 'run'}`
  return running === 0 ? `${count(done, 'task')} exited 0, as a one-shot does` : `${running} running, ${done} exited 0`
}

function findEmpty({ at }: Observation, seen: ServiceSeen, { wanted }: Slots): ServiceState | null {
  if (seen.target.mode !== 'global' || wanted > 0 || seen.emptySince === null || at - seen.emptySince < emptyMs)
    return null
  return {
    is: 'failed',
    reason: 'no node is eligible for this global service, so it runs nowhere: see its placement constraints'
  }
}

/** Whether the swarm's updater is at work and will pause or roll back by itself. */
function actsOnFailure({ UpdateStatus, Spec }: Service): boolean {
  return UpdateStatus?.State === 'updating' && Spec.UpdateConfig?.FailureAction !== 'continue'
}

/** While the updater may still act it is left to it, for five failures: it looks at its own first task of a slot only. */
function findCrashLoop(seen: ServiceSeen, service: Service, othersUpSince: number | null): ServiceState | null {
  const failures = crashLoopOf(seen, othersUpSince)
  const last = failures?.at(-1)
  if (!failures || !last || (actsOnFailure(service) && failures.length < 5)) return null
  const reason = `its tasks fail again and again (${failures.length} times in the same place)`
  return { is: 'failed', reason, task: last.task.ID }
}
