import type { Finding } from '../model.js'
import type { Problem } from '../errors.js'
import type { Check } from '../server/checks.js'

/** How a run ended; the output `status`. */
export type RunStatus =
  | 'deployed'
  | 'unchanged'
  | 'rolled-back'
  | 'failed'
  | 'cancelled'
  | 'overtaken'
  | 'removed'
  | 'checked'
  | 'planned'
  | 'pruned'
  | 'ready'
  | 'status'
  | 'skipped'

/** What became of one service. Images are pinned references; null is a service that was not there, or is gone. */
export interface ServiceRow {
  readonly key: string
  readonly imageBefore: string | null
  readonly imageAfter: string | null
  /** What it was to run, where that is not what it runs. */
  readonly imageWanted?: string
  readonly running: number
  readonly desired: number
  readonly durationMs: number | null
  /** `deployed`, `unchanged`, `rolled-back`, `failed`, `removed`, …: shown as it is. */
  readonly verdict: string
  /** What happened, in one sentence. */
  readonly reason: string
}

/** One bar of the rollout's timeline; times are milliseconds since 1970. */
export interface TimelineBar {
  readonly service: string
  readonly label: string
  readonly startMs: number
  readonly endMs: number
  readonly state: 'done' | 'running' | 'failed'
}

/** Why a service did not make it. */
export interface Failure {
  readonly service: string
  /** What happened and what to do about it. */
  readonly cause: string
  readonly remedy?: string
  readonly task?: string
  readonly node?: string
  /** The tasks that came and went, oldest first. */
  readonly history: readonly string[]
  /** The failed container's own last lines. */
  readonly logs: readonly string[]
}

export interface JobRow {
  readonly service: string
  readonly verdict: string
  readonly durationMs: number | null
  readonly reason: string
}

/** A release that is kept to go back to. */
export interface ReleaseRow {
  readonly id: string
  readonly commit: string
  readonly ref: string
  readonly actor: string
  /** ISO 8601. */
  readonly at: string
  readonly verdict: string
  /** What runs now. */
  readonly current: boolean
}

/** One line of a plan. */
export interface PlanRow {
  readonly service: string
  readonly kind: 'create' | 'update' | 'remove' | 'run' | 'unchanged'
  /** What changes: field names, and old and new values of what is no secret. Variables by name only. */
  readonly fields: readonly { readonly name: string; readonly before?: string; readonly after?: string }[]
}

export interface NodeRow {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly availability: string
  readonly engine: string
}

/** Everything that a run has to tell, for the summary and the comment. It holds no secret's value. */
export interface RunReport {
  readonly command: string
  readonly status: RunStatus
  readonly stack: string
  /** Why it ended so, in one or two sentences. */
  readonly reason?: string
  readonly release?: string
  readonly previousRelease?: string
  /** The earlier release whose content a rollback by hand brought back. */
  readonly rollbackOf?: string
  readonly commit?: string
  readonly refName?: string
  readonly actor?: string
  /** `owner/name`, to link the commit. */
  readonly repository?: string
  readonly serverUrl?: string
  readonly runUrl?: string
  readonly url?: string
  readonly preview?: { readonly number: number; readonly removed?: boolean }
  readonly startedAt: number
  readonly endedAt: number
  readonly services: readonly ServiceRow[]
  readonly jobs: readonly JobRow[]
  readonly timeline: readonly TimelineBar[]
  readonly findings: readonly Finding[]
  readonly failures: readonly Failure[]
  /** What stopped the run before the swarm was asked for anything. */
  readonly problems: readonly Problem[]
  /** Names of the secrets and configs that were made anew. */
  readonly rotated: readonly string[]
  /** What this run left behind or did not do, one sentence each. */
  readonly notes: readonly string[]
  readonly releases: readonly ReleaseRow[]
  readonly plan: readonly PlanRow[]
  readonly nodes: readonly NodeRow[]
  /** What was looked at on the server: all for `status`, else what is not well. */
  readonly checks: readonly Check[]
  /** What `remove` and `prune` took away. */
  readonly removed: readonly string[]
}

/** A report with nothing to tell yet: what every run starts from. */
export function emptyReport(of: Pick<RunReport, 'command' | 'status' | 'stack' | 'startedAt' | 'endedAt'>): RunReport {
  return {
    ...of,
    services: [],
    jobs: [],
    timeline: [],
    findings: [],
    failures: [],
    problems: [],
    rotated: [],
    notes: [],
    releases: [],
    plan: [],
    nodes: [],
    checks: [],
    removed: []
  }
}
