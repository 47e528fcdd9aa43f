import type { Json, JsonObject } from './model.js'

/** An object whose absent keys may be spelled out as undefined; `compact` drops them. */
export type Sparse = Readonly<Record<string, Json | undefined>>

/** An empty record without a prototype: keys that users chose, such as `constructor`, find only what was put in. */
export function bareRecord<T>(entries: Iterable<readonly [string, T]> = []): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries)) as Record<string, T>
}

/** Drops the keys that are undefined. */
export function compact(sparse: Sparse): JsonObject {
  return Object.fromEntries(Object.entries(sparse).filter((entry): entry is [string, Json] => entry[1] !== undefined))
}

/** Like `compact`, but undefined when nothing is left: an empty block is not written at all. */
export function compactOrNone(sparse: Sparse): JsonObject | undefined {
  const object = compact(sparse)
  return Object.keys(object).length > 0 ? object : undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** The value where it is an object, else an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The texts of a list; none where it is no list. */
export function textsOf(value: unknown): readonly string[] {
  return isList(value) ? value.filter(item => typeof item === 'string') : []
}

/** The object's keys in byte order, at every depth, so that equal definitions render and hash equally. */
export function sortKeys<T extends Json>(value: T): T {
  if (isList(value)) return value.map(sortKeys) as unknown as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, sortKeys(inner)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as T
}

/** JSON whose keys are in order at every depth, without those that are undefined: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value as Json))
}

/** Applies a change to every string of a value, keys excepted. */
export function mapStrings(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value)
  if (isList(value)) return value.map(inner => mapStrings(inner, change))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapStrings(inner, change)]))
}

/** Applies a change to every key of a value, at every depth. */
export function mapKeys(value: Json, change: (key: string) => string): Json {
  if (isList(value)) return value.map(inner => mapKeys(inner, change))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [change(key), mapKeys(inner, change)]))
}

/** A scalar as text; empty for everything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : ''
}
