import type { Node, Service, Task } from '../engine-types.js'

export type ServiceMode = 'replicated' | 'global' | 'replicated-job' | 'global-job'

/** A service whose rollout is watched. */
export interface Target {
  /** Full name in the swarm. */
  readonly service: string
  /** Key in the compose file. */
  readonly key: string
  /** The release label that its Spec must carry; null takes what is there when the watch begins. */
  readonly release: string | null
  readonly mode: ServiceMode
  /** This run created or updated it. What is not touched must run all the same, but how it failed before does not count. */
  readonly touched: boolean
  /** Version index of the service before this run updated it; missing when this run created it. */
  readonly versionBefore?: number
  readonly jobIterationBefore?: number
}

/** What the engine answered at one moment. Tasks were read before the services, and after `before`. */
export interface Snapshot {
  /** The manager's own clock, in milliseconds since 1970. */
  readonly at: number
  readonly services: readonly Service[]
  /** The services as they were before the tasks were read, where that was asked: else the snapshot before tells. */
  readonly before?: readonly Service[]
  readonly tasks: readonly Task[]
  /** Ids of the tasks that are of their service's current version, by the engine's own comparison. */
  readonly current: readonly string[]
  /** Missing when the nodes were not asked for. */
  readonly nodes?: readonly Node[]
}

/** How it stands with one service. */
export type ServiceState =
  /** `waitsFor` completes the sentence "waits for …". `until`: the engine time when that will be there if only nothing else happens. */
  | { readonly is: 'pending'; readonly waitsFor: string; readonly until?: number; readonly rollingBack?: boolean }
  | { readonly is: 'deployed'; readonly reason: string }
  /** `task` is the id of the task to blame, where there is one. */
  | { readonly is: 'failed'; readonly reason: string; readonly task?: string }
  | { readonly is: 'rolled-back'; readonly reason: string; readonly task?: string }
  | { readonly is: 'overtaken'; readonly reason: string }

/** `cancelled` and `timeout`: it was not decided when the watch had to end. */
export type Verdict = 'deployed' | 'rolled-back' | 'failed' | 'overtaken' | 'cancelled' | 'timeout'

export interface Replicas {
  readonly running: number
  readonly desired: number
}

/** Why a service does not run, as far as the engine and the failed task's own output tell. */
export interface Diagnosis {
  /** One sentence. */
  readonly cause: string
  readonly remedy?: string
  /** `web.1`; missing when there never was a task. */
  readonly task?: string
  readonly taskId?: string
  /** Host name of the task's node. */
  readonly node?: string
  /** One line per task of this version that ended or waits, oldest first. */
  readonly history: readonly string[]
  /** The last lines of that task, defused. */
  readonly logs: readonly string[]
}

export interface ServiceOutcome {
  readonly service: string
  readonly key: string
  readonly touched: boolean
  /** `unfinished`: it was still going on when the whole was decided. */
  readonly verdict: 'deployed' | 'rolled-back' | 'failed' | 'overtaken' | 'unfinished'
  /** One sentence. */
  readonly reason: string
  readonly replicas: Replicas
  /** Tasks beyond one of each place that the swarm did not take away by itself. */
  readonly surplus?: number
  readonly durationMs: number
  readonly diagnosis?: Diagnosis
}

/** One bar of a gantt chart; times are engine time in milliseconds since 1970. */
export interface TimelineEntry {
  readonly key: string
  /** `web.1`, or `update` for what the swarm's updater was doing. */
  readonly name: string
  readonly phase: 'starting' | 'running' | 'waiting' | 'failed' | 'updating' | 'rolling-back'
  readonly from: number
  readonly to: number
  readonly node?: string
  readonly note?: string
}

export interface Rollout {
  /** The records of the services, as they were in the look that decided; without one where none was seen. */
  readonly seen?: readonly Service[]
  readonly verdict: Verdict
  readonly services: readonly ServiceOutcome[]
  readonly timeline: readonly TimelineEntry[]
  /** Engine time, milliseconds since 1970. */
  readonly startedAt: number
  readonly endedAt: number
}
