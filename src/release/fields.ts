import { canonicalJson, isList, isObject } from '../json.js'
import type { Json, JsonObject, Stack, StackService } from '../model.js'

/**
 * One field of a service that differs. Values are given only where they can hold no secret (an image, a number, a
 * mode); of an environment, labels or mounts only the names.
 */
export interface FieldChange {
  readonly field: string
  readonly from?: string
  readonly to?: string
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
  readonly changed?: readonly string[]
}

/** What differs between two definitions of a service, in the order in which people look. */
export function differences(
  before: { readonly stack: Stack; readonly key: string },
  after: { readonly stack: Stack; readonly key: string }
): readonly FieldChange[] {
  const old = flatten(before.stack, before.key)
  const now = flatten(after.stack, after.key)
  const fields = [...new Set([...Object.keys(now), ...Object.keys(old)])].sort((a, b) => rank(a) - rank(b))
  return fields.map(field => difference(field, old[field], now[field])).filter(change => change !== null)
}

/** `image: app:1 → app:2`, `environment: +NEW −OLD ~CHANGED`. */
export function describeField(change: FieldChange): string {
  const { field, from, to, added = [], removed = [], changed = [] } = change
  const names = [...added.map(n => `+${n}`), ...removed.map(n => `−${n}`), ...changed.map(n => `~${n}`)]
  if (from !== undefined && to !== undefined) return `${field}: ${from} → ${to}`
  if (to !== undefined) return `${field}: ${to}`
  if (from !== undefined) return `${field}: no longer ${from}`
  return names.length > 0 ? `${field}: ${names.join(' ')}` : field
}

/** Shown by value, as they hold nothing secret. */
const open = new Set(['image', 'replicas', 'mode', 'endpoint_mode', 'stop_grace_period', 'stop_signal', 'init', 'tty'])

/** Shown by the names of their parts. */
const byName = new Set(['environment', 'labels', 'container labels', 'networks', 'volumes', 'ports', 'extra_hosts'])

const order = ['image', 'mode', 'replicas', 'command', 'entrypoint', 'environment', 'secrets', 'configs', 'ports']

function rank(field: string): number {
  const index = order.indexOf(field)
  return index < 0 ? order.length : index
}

function difference(field: string, old: Json | undefined, now: Json | undefined): FieldChange | null {
  if (canonicalJson(old ?? null) === canonicalJson(now ?? null)) return null
  if (open.has(field))
    return { field, ...(isPlain(old) && { from: text(old) }), ...(isPlain(now) && { to: text(now) }) }
  if (byName.has(field)) return named(field, parts(field, old), parts(field, now))
  if (field === 'secrets' || field === 'configs') return named(field, parts(field, old), parts(field, now))
  return { field }
}

function named(field: string, old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): FieldChange {
  const added = [...now.keys()].filter(name => !old.has(name))
  const removed = [...old.keys()].filter(name => !now.has(name))
  const changed = [...now.keys()].filter(name => old.has(name) && old.get(name) !== now.get(name))
  return {
    field,
    ...(added.length > 0 && { added }),
    ...(removed.length > 0 && { removed }),
    ...(changed.length > 0 && { changed })
  }
}

/** A service as one flat record of fields: `deploy` opened, and the versioned names of what it mounts put in place. */
function flatten(stack: Stack, key: string): Readonly<Record<string, Json | undefined>> {
  const service = stack.services[key]
  if (service === undefined) return {}
  const { deploy = {}, labels, secrets, configs, ...rest } = service as StackService & { labels?: Json }
  const { labels: serviceLabels, ...policy } = deploy as JsonObject & { labels?: Json }
  return {
    ...rest,
    ...policy,
    labels: foreignLabels(serviceLabels),
    'container labels': labels,
    secrets: secrets?.map(mount => withName(mount, stack.secrets)),
    configs: configs?.map(mount => withName(mount, stack.configs))
  }
}

/** A mounted object with the name that its key stands for today, so that a rotated secret is a change. */
function withName(mount: Json, objects: Stack['secrets']): Json {
  const source = typeof mount === 'string' ? mount : isObject(mount) ? text(mount['source']) : ''
  return { ...(isObject(mount) ? mount : {}), source, name: objects?.[source]?.['name'] ?? source }
}

function foreignLabels(labels: Json | undefined): Json | undefined {
  if (!isObject(labels)) return labels
  const kept = Object.entries(labels).filter(([name]) => !name.startsWith('swarm-rollout.'))
  return kept.length > 0 ? Object.fromEntries(kept) : undefined
}

/** The parts of a list or map, by the name that people know them by. */
function parts(field: string, value: Json | undefined): ReadonlyMap<string, string> {
  if (isObject(value)) return new Map(Object.entries(value).map(([name, inner]) => [name, canonicalJson(inner)]))
  if (!isList(value)) return new Map()
  return new Map(value.map(item => [nameOf(field, item), canonicalJson(item)]))
}

function nameOf(field: string, item: Json): string {
  if (typeof item === 'string') return field === 'volumes' || field === 'ports' ? item : (item.split(/[=:]/)[0] ?? '')
  if (!isObject(item)) return text(item)
  if (field === 'ports')
    return `${text(item['published'] ?? '')}:${text(item['target'])}/${text(item['protocol'] ?? 'tcp')}`
  return text(field === 'volumes' ? item['target'] : item['source'])
}

function isPlain(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function text(value: Json | undefined): string {
  return isPlain(value) ? String(value) : ''
}
