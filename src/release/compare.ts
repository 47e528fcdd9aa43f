import type { Service } from '../engine-types.js'
import { objectOf } from '../json.js'
import { label, type Stack } from '../model.js'
import { isJob, wantedTasks } from '../rollout/tasks.js'
import { describeField, differences, type FieldChange } from './fields.js'
import { differingFields, fingerprint } from './fingerprint.js'
import { keyOf, type Release, type ReleaseEntry } from './record.js'
import { modeInFile, modeOf } from './target.js'

interface Subject {
  /** Full name in the swarm. */
  readonly service: string
  /** Key in the stack file. */
  readonly key: string
  readonly job: boolean
}

/** What a deploy does to one service, or finds there and leaves alone. `replicas`: scaled by hand, and kept so. */
export type Change = Subject &
  (
    | { readonly kind: 'create'; readonly image: string }
    | {
        readonly kind: 'update'
        /**
         * `unfinished`: the same definition was applied before, and never got there. `adopted`: not deployed by us. `restored`: from
         * the record of the release before, on the way back to it.
         */
        readonly why: 'changed' | 'unfinished' | 'adopted' | 'restored'
        readonly fields: readonly FieldChange[]
        /** What somebody had changed by hand besides. */
        readonly drift: readonly FieldChange[]
        readonly image: string
        readonly replicas?: number
      }
    /** Changed by hand since the last release; put right. */
    | {
        readonly kind: 'drift'
        readonly fields: readonly FieldChange[]
        readonly image: string
        readonly replicas?: number
      }
    | { readonly kind: 'unchanged'; readonly release: string; readonly replicas?: number }
    /** A job that is not run, as the stack goes back to an earlier release. */
    | { readonly kind: 'skip'; readonly release?: string }
    /** Was in an earlier release, and is in the stack file no more. */
    | { readonly kind: 'remove'; readonly release: string }
    /** In the stack's namespace, but not made by this action: left alone. */
    | { readonly kind: 'foreign' }
  )

export interface CompareOptions {
  readonly stack: string
  /** A rollback does not run the jobs of the release that it goes back to. */
  readonly jobs?: 'run' | 'skip'
  readonly openReplicas?: readonly string[]
}

/**
 * What deploying a stack would change, service by service: exactly what a deploy then does. `stack` carries the
 * content labels; `live` are the services of its namespace with their status; `last` is the live release.
 */
export function compare(
  stack: Stack,
  live: readonly Service[],
  last: ReleaseEntry | null,
  options: CompareOptions
): readonly Change[] {
  const byKey = new Map(live.map(service => [keyOf(options.stack, service), service]))
  const wanted = Object.keys(stack.services).map(key => changeOf(stack, key, byKey.get(key), last, options))
  const rest = [...byKey].filter(([key]) => stack.services[key] === undefined)
  return [...wanted, ...rest.map(([key, service]) => extra(key, service))]
}

/**
 * A service of an earlier release once more, whatever is there now; `live` is what ran before the accident, whose scale by hand
 * stays where that release leaves the replicas open.
 */
export function restored(
  stack: string,
  key: string,
  live: Service | undefined,
  { rendered, openReplicas }: Pick<Release, 'rendered' | 'openReplicas'>
): Change {
  const scaled = live === undefined ? undefined : scaledTo(rendered, key, live, { openReplicas })
  return {
    kind: 'update',
    why: 'restored',
    service: `${stack}_${key}`,
    key,
    job: isJob(modeInFile(rendered, key)),
    fields: [],
    drift: [],
    image: rendered.services[key]?.image ?? '',
    ...(scaled === undefined ? {} : { replicas: scaled })
  }
}

/** Whether a deploy touches the service itself. */
export function isTouched(change: Change): boolean {
  return change.kind === 'create' || change.kind === 'update' || change.kind === 'drift'
}

/** The release labels that stay, for services that are not touched. */
export function keptLabels(changes: readonly Change[]): Readonly<Record<string, string>> {
  const kept = changes.flatMap(change =>
    (change.kind === 'unchanged' || change.kind === 'skip') && change.release !== undefined
      ? [[change.key, change.release] as const]
      : []
  )
  return Object.fromEntries(kept)
}

/** One line for the log. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'create':
      return `${change.key}: new, ${change.image}`
    case 'update':
      return `${change.key}: ${[reasons[change.why], ...change.fields.map(describeField), ...byHand(change.drift), ...kept(change.replicas)].filter(text => text !== '').join('; ')}`
    case 'drift':
      return `${change.key}: ${[...byHand(change.fields), ...kept(change.replicas)].join('; ')}, put right`
    case 'unchanged':
      return `${change.key}: ${['unchanged', ...kept(change.replicas)].join('; ')}`
    case 'skip':
      return `${change.key}: a job, not run by a rollback`
    case 'remove':
      return `${change.key}: no longer in the stack file, removed once the rest is live`
    case 'foreign':
      return `${change.service}: in the stack's namespace, but not deployed by this action; left alone`
  }
}

const reasons = {
  changed: '',
  unfinished: 'its last update had not finished, tried again',
  adopted: 'deployed without this action so far, taken over',
  restored: 'deployed again from its record'
} as const

function byHand(fields: readonly FieldChange[]): readonly string[] {
  return fields.length === 0 ? [] : [`changed by hand (${fields.map(describeField).join(', ')})`]
}

function kept(replicas: number | undefined): readonly string[] {
  return replicas === undefined ? [] : [`scaled by hand to ${replicas}, kept`]
}

function changeOf(
  stack: Stack,
  key: string,
  live: Service | undefined,
  last: ReleaseEntry | null,
  options: CompareOptions
): Change {
  const subject = { service: `${options.stack}_${key}`, key, job: isJob(modeInFile(stack, key)) }
  const image = stack.services[key]?.image ?? ''
  const release = live?.Spec.Labels?.[label.release]
  if (subject.job && options.jobs === 'skip') {
    return { ...subject, kind: 'skip', ...(release !== undefined && { release }) }
  }
  if (live === undefined) return { ...subject, kind: 'create', image }
  const drift = driftOf(key, live, last, options)
  const scaled = scaledTo(stack, key, live, options)
  const replicas = scaled === undefined ? {} : { replicas: scaled }
  const update = { ...subject, kind: 'update', image, drift, ...replicas } as const
  const sameContent = live.Spec.Labels?.[label.content] === contentOf(stack, key)
  if (release === undefined) return { ...update, why: 'adopted', fields: fieldsAgainst(stack, key, live, last) }
  if (!sameContent) return { ...update, why: 'changed', fields: fieldsAgainst(stack, key, live, last) }
  if (isUnfinished(subject.job, live)) return { ...update, why: 'unfinished', fields: [] }
  if (drift.length > 0) return { ...subject, kind: 'drift', fields: drift, image, ...replicas }
  return { ...subject, kind: 'unchanged', release, ...replicas }
}

function extra(key: string, live: Service): Change {
  const release = live.Spec.Labels?.[label.release]
  const subject = { service: live.Spec.Name, key, job: isJob(modeOf(live)) }
  return release === undefined ? { ...subject, kind: 'foreign' } : { ...subject, kind: 'remove', release }
}

/** Against the record of the live release where it has the service, else the image that runs is all there is to say. */
function fieldsAgainst(stack: Stack, key: string, live: Service, last: ReleaseEntry | null): readonly FieldChange[] {
  const old = last?.release?.rendered
  if (old?.services[key] !== undefined) return differences({ stack: old, key }, { stack, key })
  const from = live.Spec.TaskTemplate.ContainerSpec?.Image ?? ''
  const to = stack.services[key]?.image ?? ''
  return from === to ? [] : [{ field: 'image', from, to }]
}

/** What somebody changed since the release was deployed. Nothing can be said of what another release left there. */
function driftOf(
  key: string,
  live: Service,
  last: ReleaseEntry | null,
  options: CompareOptions
): readonly FieldChange[] {
  const recorded = last?.live[key]
  const rendered = last?.release?.rendered
  if (recorded === undefined || rendered === undefined) return []
  if (live.Spec.Labels?.[label.release] !== deployLabels(rendered, key)[label.release]) return []
  const open = options.openReplicas?.includes(key) ?? false
  return differingFields(recorded, fingerprint(live.Spec))
    .filter(field => !(open && field === 'replicas'))
    .map(field => ({ field, ...valuesOf(field, live, rendered, key) }))
}

function valuesOf(field: string, live: Service, rendered: Stack, key: string): { from?: string; to?: string } {
  const service = rendered.services[key]
  if (field === 'image') return { from: live.Spec.TaskTemplate.ContainerSpec?.Image ?? '', to: service?.image ?? '' }
  const from = live.Spec.Mode?.Replicated?.Replicas
  const to = service?.deploy?.['replicas']
  return field === 'replicas' && from !== undefined ? { from: `${from}`, to: `${Number(to ?? 1)}` } : {}
}

/** The replicas of a service whose file leaves them open, when they are not the one that it would get. */
function scaledTo(
  stack: Stack,
  key: string,
  live: Service,
  { openReplicas = [] }: Pick<CompareOptions, 'openReplicas'>
): number | undefined {
  const replicas = live.Spec.Mode?.Replicated?.Replicas
  if (!openReplicas.includes(key) || replicas === undefined) return undefined
  const rendered = stack.services[key]?.deploy?.['replicas']
  return replicas === (typeof rendered === 'number' ? rendered : 1) ? undefined : replicas
}

/**
 * Whether the definition that is there never got to run: a paused update stays paused for good, and a job that did
 * not complete must not count as done because a later run finds it unchanged. One that is still running is left to it.
 */
function isUnfinished(job: boolean, live: Service): boolean {
  if (!job) return /paused/.test(live.UpdateStatus?.State ?? '')
  return !isJobDone(live) && (live.ServiceStatus?.RunningTasks ?? 0) === 0
}

/** Whether a job's present iteration has completed; `live` carries its ServiceStatus. */
export function isJobDone(live: Service): boolean {
  const { CompletedTasks = 0, DesiredTasks = 0 } = live.ServiceStatus ?? {}
  // A global job no longer desires a task on a node where it has completed; a replicated one desires on for ever.
  const wanted = wantedTasks(live)
  return wanted === null ? CompletedTasks > 0 && DesiredTasks === 0 : CompletedTasks >= wanted
}

function contentOf(stack: Stack, key: string): string | undefined {
  return deployLabels(stack, key)[label.content]
}

/** The service labels of a rendered stack, by name. */
export function deployLabels(stack: Stack, key: string): Readonly<Record<string, string>> {
  return objectOf(stack.services[key]?.deploy?.['labels']) as Record<string, string>
}
