import type { Service, ServiceSpec } from '../engine-types.js'
import { label, type Stack } from '../model.js'
import { deployLabels, isJobDone, restored, type Change } from './compare.js'
import { keyOf, type ReleaseEntry } from './record.js'

/** What to do with one service so that the stack is the release before again. */
export type Recovery = { readonly service: string; readonly key: string; readonly why: string } & (
  | { readonly action: 'wait'; readonly live: Service; readonly release: string | null; readonly untouched: boolean }
  | { readonly action: 'respec'; readonly live: Service; readonly spec: ServiceSpec; readonly release: string | null }
  /** From the record of the release before, as an earlier run had left something else there. */
  | { readonly action: 'redeploy'; readonly release: string | null; readonly change: Change }
  | { readonly action: 'remove'; readonly live: Service }
  /** `untouched`: what failed never came to it; `why` then follows the service's name. */
  | { readonly action: 'leave'; readonly untouched: boolean }
)

export interface Accident {
  readonly stack: string
  /** Id of the release that failed. */
  readonly release: string
  /** What it wanted. */
  readonly rendered: Stack
  readonly jobs: readonly string[]
  /** The stack's services before anything was applied, and as they are now. */
  readonly before: readonly Service[]
  readonly now: readonly Service[]
  /** The live release before. */
  readonly last: ReleaseEntry | null
}

/**
 * How to bring a whole stack back. What ran before is put back exactly as it was captured; where a run that was
 * killed earlier had left something else than the last deployed release, that release's record is the measure. Jobs
 * are never run again backwards: a job that did not complete is taken away, so that the next deploy runs it.
 * An empty `before` with no release is a first deploy: nothing to go back to, everything is left. A service that the failed release
 * leaves out is put back where it had to give a port away.
 */
export function planRecovery(accident: Accident): readonly Recovery[] {
  const before = byKey(accident.stack, accident.before)
  const now = byKey(accident.stack, accident.now)
  const first = accident.before.length === 0 && accident.last === null
  const wanted = Object.keys(accident.rendered.services)
  const given = [...before.keys()].filter(key => !wanted.includes(key) && hasGivenAway(accident, key, now.get(key)))
  return [...wanted, ...given].map(key => {
    const subject = { service: `${accident.stack}_${key}`, key }
    const live = now.get(key)
    if (first && live !== undefined)
      return { ...subject, action: 'leave', untouched: false, why: 'a first deploy has nothing to go back to' }
    if (accident.jobs.includes(key)) return { ...subject, ...recoverJob(accident, before.get(key), live) }
    return { ...subject, ...recoverService(accident, key, before.get(key), live) }
  })
}

/** A union without the keys that the plan adds itself. */
type Step = Recovery extends infer R ? (R extends Recovery ? Omit<R, 'service' | 'key'> : never) : never

/** Whether a service that the failed release leaves out is not as the release before has it: this run, or one before it, took a port from it. */
function hasGivenAway({ release, last }: Accident, key: string, live: Service | undefined): boolean {
  if (live === undefined) return false
  const record = last?.release?.rendered
  const recorded = record?.services[key] === undefined ? undefined : deployLabels(record, key)[label.release]
  return releaseOf(live) === release || (recorded !== undefined && releaseOf(live) !== recorded)
}

function recoverJob({ release }: Accident, old: Service | undefined, live: Service | undefined): Step {
  if (live === undefined || releaseOf(live) !== release)
    return { action: 'leave', untouched: (old === undefined) === (live === undefined), why: 'was not run' }
  return isJobDone(live)
    ? { action: 'leave', untouched: false, why: 'a job that has completed: what it did stays done' }
    : { action: 'remove', live, why: 'a job that did not complete; the next deploy runs it again' }
}

function recoverService(accident: Accident, key: string, old: Service | undefined, live: Service | undefined): Step {
  const { release, stack } = accident
  const last = accident.last?.release ?? null
  if (last?.rendered.services[key] !== undefined) {
    const recorded = deployLabels(last.rendered, key)[label.release] ?? null
    if (old === undefined || releaseOf(old) !== recorded) {
      return live !== undefined && releaseOf(live) === recorded
        ? { action: 'wait', live, release: recorded, untouched: false, why: `it is at release ${last.id} already` }
        : {
            action: 'redeploy',
            release: recorded,
            why: `back to release ${last.id}`,
            change: restored(stack, key, old, last)
          }
    }
  }
  if (live === undefined) {
    return old === undefined
      ? { action: 'leave', untouched: true, why: 'was not made' }
      : { action: 'leave', untouched: false, why: 'somebody removed it' }
  }
  const present = releaseOf(live)
  if (old === undefined) {
    return present === release
      ? { action: 'remove', live, why: 'it was not in the release before' }
      : { action: 'leave', untouched: false, why: `it was made by ${present ?? 'somebody else'}` }
  }
  const wanted = releaseOf(old)
  if (present === release) return { action: 'respec', live, spec: old.Spec, release: wanted, why: backTo(wanted) }
  const untouched = old.Version.Index === live.Version.Index
  return present === wanted
    ? {
        action: 'wait',
        live,
        release: wanted,
        untouched,
        why: untouched ? 'it was not touched' : 'the swarm has taken it back itself'
      }
    : {
        action: 'leave',
        untouched: false,
        why: `release ${present ?? 'of somebody else'} is there, which is another run's`
      }
}

function backTo(release: string | null): string {
  return release === null ? 'back to what ran before' : `back to release ${release}`
}

function releaseOf(service: Service | undefined): string | null {
  return service?.Spec.Labels?.[label.release] ?? null
}

function byKey(stack: string, services: readonly Service[]): ReadonlyMap<string, Service> {
  return new Map(services.map(service => [keyOf(stack, service), service]))
}
