import type { Service } from '../engine-types.js'
import { label } from '../model.js'
import { count, duration, oneLine } from '../text.js'
import { currentFailuresOf, mostOfOneSlot, requiredUptime } from './failures.js'
import type { Observation, ServiceSeen } from './observe.js'
import { findGivenUp, findStuck, replicasOf, slotsOf } from './slots.js'
import type { ServiceState } from './types.js'

/** All is well so far: the record must be the same before and after the tasks were read. */
export const secondLook: ServiceState & { readonly is: 'pending' } = {
  is: 'pending',
  waitsFor: 'a second look',
  until: 0
}

/**
 * Says how it stands with a service that went back. It is not over when the swarm begins to roll back, nor when it says that it has: the
 * version before must run again.
 */
export function judgeRollback(
  observation: Observation,
  seen: ServiceSeen,
  service: Service,
  stableForMs: number
): ServiceState {
  const blame = rollbackCause(seen)
  const task = blame === null ? {} : { task: blame }
  const { running, desired } = replicasOf(observation, seen)
  const what = versionName(service)
  const broken = (why: string): ServiceState => ({
    is: 'failed',
    reason: `the swarm rolled it back, and ${why}: ${running} of ${count(desired, 'task')} of ${what} ${running === 1 ? 'runs' : 'run'}`,
    ...task
  })
  if (service.UpdateStatus?.State === 'rollback_paused') {
    return seen.steady ? broken('the rollback failed too') : { ...secondLook, rollingBack: true }
  }
  if (findStuck(observation, seen)) return broken('no node can take a task of it')
  if (service.UpdateStatus?.State === 'rollback_started') return rollingBack('the swarm to finish its rollback')
  const failures = currentFailuresOf(seen, observation.startedAt)
  if (mostOfOneSlot(failures, seen).length >= 3) return broken('its tasks fail again and again')
  if (findGivenUp(observation, seen)) return broken('its restart policy does not start it again')
  const slots = slotsOf(observation, seen)
  if (slots.outdated.length > 0 || slots.running.length + slots.done < slots.wanted) {
    return rollingBack(`the tasks of ${what} to run again`)
  }
  const youngest = slots.running.reduce(
    (latest, { runningSince }) => Math.max(latest, runningSince ?? observation.at),
    0
  )
  const uptime = requiredUptime(failures, stableForMs)
  if (observation.at - youngest < uptime)
    return { ...rollingBack(`the tasks of ${what} to be up for ${duration(uptime)}`), until: youngest + uptime }
  if (!seen.steady) return { ...secondLook, rollingBack: true }
  return { is: 'rolled-back', reason: `the swarm rolled it back to ${what}`, ...task }
}

function rollingBack(waitsFor: string): ServiceState & { readonly is: 'pending' } {
  return { is: 'pending', waitsFor, rollingBack: true }
}

function versionName(service: Service): string {
  const release = service.Spec.Labels?.[label.release]
  return release === undefined ? 'the version before' : `release ${oneLine(release, 60)}`
}

/** The task that made the swarm roll back, from the updater's message (swarmkit, updater.go, failureTriggersAction). */
function rollbackCause(seen: ServiceSeen): string | null {
  for (const { state, message } of seen.updates) {
    const task = /rolled back due to failure or early termination of task (\w+)/.exec(message)?.[1]
    if (state === 'rollback_started' && task !== undefined) return task
  }
  return null
}
