import type { Node, Service, Task } from '../engine-types.js'
import { count } from '../text.js'
import { jobRunOf } from './job-run.js'
import { observe, startObservation } from './observe.js'
import { replicasOf } from './slots.js'
import { hasEnded, isFailure, isJob, stateOf, timeOf } from './tasks.js'
import type { Replicas, ServiceMode } from './types.js'

/** How it stands with a service at one look, without a rollout that is watched. */
export interface Standing {
  /** What has run to its end as it should counts as running. */
  readonly replicas: Replicas
  readonly verdict: 'running' | 'completed' | 'failed'
  /** Why it is not as it should be, in a sentence; empty where it is. */
  readonly reason: string
}

/**
 * Judges by the tasks: the engine's own counts take a one-shot that is done for one that is missing. `at` is in
 * milliseconds since 1970; `tasks` may be of other services too.
 */
export function standingOf(
  service: Service,
  mode: ServiceMode,
  { tasks, nodes, at }: { readonly tasks: readonly Task[]; readonly nodes: readonly Node[]; readonly at: number }
): Standing {
  const { Name } = service.Spec
  const current = tasks.map(({ ID }) => ID)
  const target = { service: Name, key: Name, release: null, mode, touched: false }
  const seen = observe(startObservation([target], at), { at, services: [service], tasks, current, nodes })
  const one = seen.services.get(Name)
  if (one === undefined) return { replicas: { running: 0, desired: 0 }, verdict: 'failed', reason: 'it is not there' }
  if (isJob(mode)) {
    const { done, completed, wanted } = jobRunOf(seen, one, service)
    const replicas = { running: Math.min(completed, wanted), desired: wanted }
    if (done) return { replicas, verdict: 'completed', reason: `${count(completed, 'task')} completed` }
    return { replicas, verdict: 'failed', reason: why(service, mode, tasks, 'to complete', wanted - completed) }
  }
  const replicas = replicasOf(seen, one)
  const missing = replicas.desired - replicas.running
  if (missing <= 0) return { replicas, verdict: 'running', reason: '' }
  return { replicas, verdict: 'failed', reason: why(service, mode, tasks, 'to run', missing) }
}

function why(service: Service, mode: ServiceMode, tasks: readonly Task[], verb: string, missing: number): string {
  const [last] = tasks
    .filter(task => task.ServiceID === service.ID && (isFailure(task, mode) || !hasEnded(task)))
    .filter(task => isFailure(task, mode) || task.Status.State === 'pending')
    .sort((a, b) => (timeOf(b.Status.Timestamp) ?? 0) - (timeOf(a.Status.Timestamp) ?? 0))
  return `${count(missing, 'more task')} ${verb}${last === undefined ? '' : `; the last is ${stateOf(last)}`}`
}
