import { gunzipSync, gzipSync } from 'node:zlib'
import type { Service, SwarmObject } from '../engine-types.js'
import { sha256 } from '../hash.js'
import { canonicalJson } from '../json.js'
import { label, type Stack } from '../model.js'
import { isJob } from '../rollout/tasks.js'
import { fingerprint, type Fingerprint } from './fingerprint.js'
import { modeOf } from './target.js'

/**
 * How a release ended. `pending`: the run that made it is still at work, or was killed. `retired`: no longer kept, and
 * only remembered for its images, which a node still holds.
 */
export type Verdict =
  'pending' | 'deployed' | 'rolled-back' | 'failed' | 'cancelled' | 'overtaken' | 'timeout' | 'retired'

const verdicts: readonly string[] = [
  'pending',
  'deployed',
  'rolled-back',
  'failed',
  'cancelled',
  'overtaken',
  'timeout',
  'retired'
] satisfies readonly Verdict[]

/** What one deploy applied. Text is empty where it is not known. */
export interface Release {
  readonly version: 1
  /** `r42` */
  readonly id: string
  readonly stack: string
  readonly commit: string
  readonly ref: string
  readonly actor: string
  readonly runUrl: string
  /** When it was made, ISO 8601. */
  readonly at: string
  /** The release that this one went back to. */
  readonly rollbackOf?: string
  /** As it was applied: with digests, the versioned names of its secrets and configs, and our labels. */
  readonly rendered: Stack
  /** Service keys; the jobs of one phase gate the next. */
  readonly phases: readonly (readonly string[])[]
  readonly jobs: readonly string[]
  /** Services whose replicas the compose file leaves open. */
  readonly openReplicas: readonly string[]
  /** By service key, only what this run built or brought to the servers. */
  readonly images: Readonly<Record<string, string>>
}

/** A release as it lies in the swarm: what its labels say, and the record itself where it can be read. */
export interface ReleaseEntry extends Omit<
  Release,
  'version' | 'rendered' | 'phases' | 'jobs' | 'openReplicas' | 'images'
> {
  readonly number: number
  readonly verdict: Verdict
  /** `owner/repo#7` when the stack is a preview. */
  readonly preview?: string
  /** By service key, what ran once the release was deployed. */
  readonly live: Readonly<Record<string, Fingerprint>>
  readonly object: SwarmObject
  readonly release: Release | null
  /** Why there is no record. */
  readonly unreadable?: string
}

/** An entry whose record could be read. */
export type ReadableEntry = ReleaseEntry & { readonly release: Release }

const names = {
  id: 'swarm-rollout.release',
  verdict: 'swarm-rollout.verdict',
  commit: 'swarm-rollout.commit',
  ref: 'swarm-rollout.ref',
  actor: 'swarm-rollout.actor',
  runUrl: 'swarm-rollout.run',
  at: 'swarm-rollout.at',
  rollbackOf: 'swarm-rollout.rollback-of',
  live: 'swarm-rollout.live'
} as const

/** The largest config that an engine takes is one byte less than 1000 KiB (moby/swarmkit api/validation/secrets.go). */
export const largestRecord = 1000 * 1024 - 1

/** The names of configs are at most 64 characters. */
export function objectName(stack: string, suffix: string): string {
  const name = `${stack}.${suffix}`
  if (name.length <= 64) return name
  const hash = sha256(stack, 8)
  return `${stack.slice(0, 64 - suffix.length - 10)}-${hash}.${suffix}`
}

export function releaseName(stack: string, id: string): string {
  return objectName(stack, `release.${id}`)
}

/** A record as bytes, small as JSON compresses well, and equal for equal releases. */
export function encodeRelease(release: Release): Uint8Array {
  return gzipSync(canonicalJson(release), { level: 9 })
}

/** Throws Error, in words for the user, when the bytes are not a record that this version understands. */
export function decodeRelease(data: Uint8Array): Release {
  const json: unknown = JSON.parse(gunzipSync(data, { maxOutputLength: 64 * 1024 * 1024 }).toString('utf8'))
  if (typeof json !== 'object' || json === null || !('version' in json)) throw new Error('it is not a release record')
  if (json.version !== 1) throw new Error('it was written by a newer version of this action')
  return json as Release
}

/** The labels of a new record: all that a list needs, without its data. */
export function releaseLabels(release: Release): Readonly<Record<string, string>> {
  return {
    [label.namespace]: release.stack,
    [label.kind]: 'release',
    [names.id]: release.id,
    [names.verdict]: 'pending',
    [names.commit]: release.commit,
    [names.ref]: release.ref,
    [names.actor]: release.actor,
    [names.runUrl]: release.runUrl,
    [names.at]: release.at,
    ...(release.rollbackOf === undefined ? {} : { [names.rollbackOf]: release.rollbackOf })
  }
}

/** The labels of a record whose verdict is known; `live` are the stack's services after a success. */
export function verdictLabels(
  labels: Readonly<Record<string, string>>,
  verdict: Verdict,
  live?: readonly Service[]
): Readonly<Record<string, string>> {
  const stack = labels[label.namespace] ?? ''
  const prints = live?.map(service => [keyOf(stack, service), fingerprint(service.Spec)] as const)
  return {
    ...labels,
    [names.verdict]: verdict,
    ...(prints === undefined ? {} : { [names.live]: canonicalJson(Object.fromEntries(prints)) })
  }
}

/** What a config of the swarm says of a release; null when it is none. */
export function parseEntry(object: SwarmObject): ReleaseEntry | null {
  const labels = object.Spec.Labels ?? {}
  const id = labels[names.id] ?? ''
  if (labels[label.kind] !== 'release' || !/^r[1-9]\d{0,8}$/.test(id)) return null
  const rollbackOf = labels[names.rollbackOf]
  const preview = labels[label.preview]
  return {
    id,
    number: Number(id.slice(1)),
    verdict: parseVerdict(labels[names.verdict]),
    stack: labels[label.namespace] ?? '',
    commit: labels[names.commit] ?? '',
    ref: labels[names.ref] ?? '',
    actor: labels[names.actor] ?? '',
    runUrl: labels[names.runUrl] ?? '',
    at: labels[names.at] ?? '',
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
    ...(preview === undefined ? {} : { preview }),
    live: parseLive(labels[names.live]),
    object,
    ...readData(object.Spec.Data)
  }
}

/** The entries of a swarm's configs, newest first. */
export function parseEntries(objects: readonly SwarmObject[]): readonly ReleaseEntry[] {
  return objects
    .map(parseEntry)
    .filter(entry => entry !== null)
    .sort((a, b) => b.number - a.number)
}

/** The release that counts as live: the newest that was deployed. */
export function liveRelease(entries: readonly ReleaseEntry[]): ReleaseEntry | null {
  return entries.find(entry => entry.verdict === 'deployed') ?? null
}

/** Whether a service still is at this release. A job does not count: what it did is not taken back. */
export function isStillThere(id: string, live: readonly Service[]): boolean {
  return live.some(service => !isJob(modeOf(service)) && service.Spec.Labels?.[label.release] === id)
}

/** A number that no record has and no live service was stamped with, even if its record is gone. */
export function nextId(entries: readonly ReleaseEntry[], live: readonly Service[]): string {
  const stamped = live.map(service => Number(/^r(\d{1,9})$/.exec(service.Spec.Labels?.[label.release] ?? '')?.[1] ?? 0))
  return `r${Math.max(0, ...stamped, ...entries.map(entry => entry.number)) + 1}`
}

/** `web` of `shop_web`. */
export function keyOf(stack: string, service: { readonly Spec: { readonly Name: string } }): string {
  const name = service.Spec.Name
  return name.startsWith(`${stack}_`) ? name.slice(stack.length + 1) : name
}

function parseVerdict(text: string | undefined): Verdict {
  return verdicts.includes(text ?? '') ? (text as Verdict) : 'failed'
}

function readData(data: string | undefined): { release: Release | null; unreadable?: string } {
  if (data === undefined || data === '') return { release: null, unreadable: 'its data is missing' }
  try {
    return { release: decodeRelease(Buffer.from(data, 'base64')) }
  } catch (error) {
    return { release: null, unreadable: error instanceof Error ? error.message : String(error) }
  }
}

function parseLive(text: string | undefined): Readonly<Record<string, Fingerprint>> {
  try {
    const json: unknown = JSON.parse(text ?? '{}')
    return typeof json === 'object' && json !== null ? (json as Record<string, Fingerprint>) : {}
  } catch {
    return {}
  }
}
