import type { Service, ServiceSpec, SwarmObject } from '../engine-types.js'
import { canonicalName, parseReference } from '../images/reference.js'
import { label, type Stack } from '../model.js'
import { liveRelease, type ReleaseEntry } from './record.js'

/** Everything that garbage collection must have seen before it may choose. */
export interface Inventory {
  readonly stack: string
  /** How many deployed releases are kept, the live one among them. */
  readonly keep: number
  /** Of the whole swarm: another stack may use what is ours. */
  readonly services: readonly Service[]
  /** The release records of the whole swarm. */
  readonly entries: readonly ReleaseEntry[]
  readonly secrets: readonly SwarmObject[]
  readonly configs: readonly SwarmObject[]
}

/** What may go. */
export interface Garbage {
  readonly secrets: readonly SwarmObject[]
  readonly configs: readonly SwarmObject[]
  readonly releases: readonly Retired[]
}

/** A release that is no longer kept. Its record goes once the images that it brought are gone. */
export interface Retired {
  readonly entry: ReleaseEntry
  /** The images that nothing needs. */
  readonly images: readonly string[]
  /** It brought an image that something still needs, and no later record remembers that. */
  readonly waits: boolean
}

/** So many retired records are remembered for their images before they are forgotten with them. */
const longestMemory = 50

/**
 * Chooses what nothing needs any more. Kept is whatever the Spec or the PreviousSpec of any service names, and what any
 * release names that is kept, in any stack: the swarm removes a secret that only a PreviousSpec names without a word,
 * and then cannot roll back. A kept record that cannot be read may name anything: nothing at all is chosen then.
 */
export function chooseGarbage(inventory: Inventory): Garbage {
  const own = inventory.entries.filter(entry => entry.stack === inventory.stack)
  const kept = keptReleases(own, inventory.keep)
  const pinning = [
    ...kept.pinning,
    ...inventory.entries.filter(e => e.stack !== inventory.stack && e.verdict !== 'retired')
  ]
  if (pinning.some(entry => entry.release === null)) return { secrets: [], configs: [], releases: [] }
  const specs = inventory.services.flatMap(service => [service.Spec, service.PreviousSpec]).filter(spec => spec != null)
  const used = { specs: stringsOf(specs), records: pinning.flatMap(entry => objectNames(entry)) }
  const names = new Set([...used.specs, ...used.records])
  const free = (object: SwarmObject, kind: string): boolean =>
    object.Spec.Labels?.[label.kind] === kind &&
    object.Spec.Labels[label.namespace] === inventory.stack &&
    !names.has(object.ID) &&
    !names.has(object.Spec.Name)
  const images = new Set([...specs.map(imageOf), ...pinning.flatMap(imagesOf)].flatMap(identities))
  return {
    secrets: inventory.secrets.filter(object => free(object, 'secret')),
    configs: inventory.configs.filter(object => free(object, 'config')),
    releases: own
      .filter(entry => !kept.all.has(entry))
      .map((entry, index) =>
        index >= longestMemory ? { entry, images: [], waits: false } : retired(entry, own, images)
      )
  }
}

function retired(entry: ReleaseEntry, own: readonly ReleaseEntry[], used: ReadonlySet<string>): Retired {
  const images = unusedImages(entry, used)
  const later = own.filter(other => other.number > entry.number).flatMap(broughtBy)
  const remembered = new Set(later.flatMap(identities))
  const needed = broughtBy(entry).filter(image => !images.includes(image))
  return { entry, images, waits: needed.some(image => !identities(image).some(name => remembered.has(name))) }
}

/**
 * The newest deployed releases, the live one at any rate, and whatever is newer than it, pin what they name. Runs
 * that failed since the oldest of those stay in the list as history, as many as releases are kept.
 */
function keptReleases(
  own: readonly ReleaseEntry[],
  keep: number
): { readonly all: ReadonlySet<ReleaseEntry>; readonly pinning: readonly ReleaseEntry[] } {
  const live = liveRelease(own)
  const deployed = own.filter(entry => entry.verdict === 'deployed').slice(0, Math.max(1, keep))
  const newer = own.filter(entry => live === null || entry.number > live.number)
  const pinning = [...new Set([...deployed, ...newer])]
  const oldest = Math.min(...pinning.map(entry => entry.number))
  const failed = own.filter(
    entry => entry.number > oldest && entry.verdict !== 'deployed' && entry.verdict !== 'retired'
  )
  return { all: new Set([...pinning, ...failed.slice(0, Math.max(1, keep))]), pinning }
}

/** The images that the releases of one stack had brought, and that nothing outside of this stack needs. */
export function chooseImages(inventory: Pick<Inventory, 'stack' | 'services' | 'entries'>): readonly string[] {
  const own = inventory.entries.filter(entry => entry.stack === inventory.stack)
  const others = inventory.entries.filter(entry => entry.stack !== inventory.stack)
  if (others.some(entry => entry.release === null && entry.verdict !== 'retired')) return []
  const specs = inventory.services
    .filter(service => service.Spec.Labels?.[label.namespace] !== inventory.stack)
    .flatMap(service => [service.Spec, service.PreviousSpec])
    .filter(spec => spec != null)
  const used = new Set([...specs.map(imageOf), ...others.flatMap(imagesOf)].flatMap(identities))
  return [...new Set(own.flatMap(entry => unusedImages(entry, used)))]
}

/** The names of the secrets and configs that a release needs. */
export function objectNames(entry: ReleaseEntry): readonly string[] {
  const stack = entry.release?.rendered
  return stack === undefined ? [] : [...namesIn(stack.secrets), ...namesIn(stack.configs)]
}

/** A rendered name, or what the engine makes of a key without one. */
export function namesIn(objects: Stack['secrets']): readonly string[] {
  return Object.entries(objects ?? {}).map(([key, object]) =>
    typeof object['name'] === 'string' ? object['name'] : key
  )
}

function imagesOf(entry: ReleaseEntry): readonly string[] {
  const services = Object.values(entry.release?.rendered.services ?? {})
  return [...services.map(service => service.image), ...Object.values(entry.release?.images ?? {})]
}

function imageOf(spec: ServiceSpec): string {
  return spec.TaskTemplate.ContainerSpec?.Image ?? ''
}

function broughtBy(entry: ReleaseEntry): readonly string[] {
  return [...new Set(Object.values(entry.release?.images ?? {}))]
}

function unusedImages(entry: ReleaseEntry, used: ReadonlySet<string>): readonly string[] {
  return broughtBy(entry).filter(image => !identities(image).some(identity => used.has(identity)))
}

/** What an image is known by: its name and tag, and its digest under any name, as both stand for the same bytes. */
function identities(image: string): readonly string[] {
  const reference = parseReference(image)
  if (reference === undefined) return [image]
  const { digest } = reference
  return digest === undefined ? [canonicalName(image)] : [canonicalName(image), digest]
}

/** Every string in a value: an id or a name that is anywhere in a Spec counts as used. */
function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : []
}
