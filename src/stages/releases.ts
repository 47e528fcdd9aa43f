import type { Service, SwarmObject } from '../engine-types.js'
import { releaseGone, releaseTooLarge } from '../errors/release.js'
import { messageOf } from '../errors.js'
import { label } from '../model.js'
import { EngineError, type Engine, type Ports } from '../ports.js'
import { namesIn } from '../release/garbage.js'
import {
  encodeRelease,
  largestRecord,
  nextId,
  isStillThere,
  parseEntries,
  releaseLabels,
  releaseName,
  verdictLabels,
  type Release,
  type ReleaseEntry,
  type Verdict
} from '../release/record.js'

/** The releases that the swarm keeps of a stack, newest first. */
export async function readReleases(engine: Engine, stack: string): Promise<readonly ReleaseEntry[]> {
  return parseEntries(await engine.objects('config', { stack, labels: [`${label.kind}=release`] }))
}

export interface NewRelease {
  readonly stack: string
  readonly entries: readonly ReleaseEntry[]
  readonly live: readonly Service[]
  /** Further labels of the record, such as the preview's. */
  readonly labels?: Readonly<Record<string, string>>
  /** Makes the record for the id that it gets. */
  readonly build: (id: string) => Release
}

/** A release whose record this run has written. */
export interface SavedRelease {
  /** The id of the config that holds it. */
  readonly config: string
  readonly release: Release
  /** The config as it was right after that; null where that is not known. */
  readonly record: SwarmObject | null
}

/**
 * Writes down what is about to be applied, with the verdict `pending`: a run that is killed leaves a true trace.
 * The name of a config is unique in the swarm, and so is the id with it. Throws UserError when the record is too large.
 */
export async function saveRelease(engine: Engine, wanted: NewRelease): Promise<SavedRelease> {
  let { entries } = wanted
  for (let attempt = 1; ; attempt++) {
    const release = wanted.build(nextId(entries, wanted.live))
    const data = encodeRelease(release)
    if (data.length > largestRecord) throw releaseTooLarge(release.id, data.length)
    const labels = { ...wanted.labels, ...releaseLabels(release) }
    const name = releaseName(wanted.stack, release.id)
    const inOrder = engine.inOrder()
    const making = inOrder.createObject('config', name, data, labels)
    const looking = inOrder.objects('config', { name }).catch(() => [])
    try {
      const [config, found] = await Promise.all([making, looking])
      return { config, release, record: found.find(({ ID }) => ID === config) ?? null }
    } catch (error) {
      if (!(error instanceof EngineError) || error.status !== 409 || attempt >= 5) throw error
    }
    entries = await readReleases(engine, wanted.stack)
    const entry = entries.find(
      ({ id, runUrl, at }) => id === release.id && runUrl === release.runUrl && at === release.at
    )
    if (entry !== undefined) return { config: entry.object.ID, release, record: entry.object }
  }
}

/** What is known of a release's record and of its stack's services: read a moment ago. */
export interface Seen {
  readonly record: SwarmObject
  readonly live: readonly Service[]
}

/**
 * Writes a release's verdict, and after a success what runs now, so that a change by hand can be told later. A record that
 * is gone is left at that, and gives null; else the labels that it has now. A release of which a part still runs was not rolled back, even if
 * the swarm took one of its services back: it failed. `seen` saves asking.
 */
export async function markRelease(
  engine: Engine,
  { config, release }: SavedRelease,
  wanted: Verdict,
  seen?: Seen
): Promise<Readonly<Record<string, string>> | null> {
  const read = (): Promise<SwarmObject | null> => engine.config(config)
  const running = (): Promise<readonly Service[]> => engine.services(release.stack)
  const [first, live] = seen
    ? [seen.record, seen.live]
    : await Promise.all([
        read(),
        wanted === 'rolled-back' ? running() : wanted === 'deployed' ? running().catch(() => undefined) : undefined
      ])
  const verdict = wanted === 'rolled-back' && isStillThere(release.id, live ?? []) ? 'failed' : wanted
  for (let object = first, attempt = 1; object !== null; object = await read(), attempt++) {
    const labels = verdictLabels(object.Spec.Labels ?? {}, verdict, verdict === 'deployed' ? live : undefined)
    try {
      await engine.labelObject('config', object, labels)
      return labels
    } catch (error) {
      if (!(error instanceof EngineError) || attempt >= 5) throw error
    }
  }
  return null
}

/**
 * Makes sure that an old release can be had again before anything is changed. Throws UserError naming the secrets,
 * configs and images that are gone; what cannot be found out is only a warning. `auth` gives the X-Registry-Auth value
 * for an image.
 */
export async function assertRestorable(
  ports: Ports,
  engine: Engine,
  release: Release,
  options: { readonly auth?: (reference: string) => Promise<string | undefined> } = {}
): Promise<void> {
  const { secrets, configs, services } = release.rendered
  const [missingSecrets, missingConfigs] = await Promise.all([
    missingObjects(engine, 'secret', namesIn(secrets)),
    missingObjects(engine, 'config', namesIn(configs))
  ])
  const jobs = new Set(release.jobs)
  const images = Object.entries(services).flatMap(([key, service]) => (jobs.has(key) ? [] : [service.image]))
  const missingImages: string[] = []
  for (const image of new Set(images)) {
    if (!(await isThere(ports, engine, image, await options.auth?.(image)))) missingImages.push(`image ${image}`)
  }
  const missing = [...missingSecrets, ...missingConfigs, ...missingImages]
  if (missing.length > 0) throw releaseGone(release.id, missing)
}

async function missingObjects(
  engine: Engine,
  kind: 'secret' | 'config',
  names: readonly string[]
): Promise<readonly string[]> {
  if (names.length === 0) return []
  const present = new Set((await engine.objects(kind)).map(object => object.Spec.Name))
  return names.filter(name => !present.has(name)).map(name => `${kind} ${name}`)
}

/** On the connected node, or in its registry. A registry that does not say "not found" has the benefit of the doubt. */
async function isThere(ports: Ports, engine: Engine, image: string, auth: string | undefined): Promise<boolean> {
  try {
    await engine.call('GET', `/images/${image}/json`)
    return true
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 404) throw error
  }
  try {
    await engine.distribution(image, auth)
    return true
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.status === 404 || /manifest unknown|not found|no such manifest/i.test(error.message)) return false
    // An image that came over a run's connection is named after a registry on the server itself, which ended with it.
    if (/^(127\.|localhost\b)/.test(image)) return false
    ports.log.warning(`Whether image ${image} still is in its registry could not be found out: ${messageOf(error)}`)
    return true
  }
}
