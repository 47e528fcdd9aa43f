import { createHash } from 'node:crypto'
import type { Problem } from '../errors.js'
import { conflictingNames, noRegistry, notAnImage, reservedTag } from '../errors/images.js'
import type { Build, BuildSecret, Json, JsonObject } from '../model.js'
import { parseReference, type Reference } from './reference.js'
import { defaultTags, isReserved, tagProblems, type TagSource } from './tags.js'

/** How built images are named. */
export interface Naming {
  readonly stack: string
  /** Where names without a registry of their own go: `ghcr.io/owner`. */
  readonly registry?: string
  /** `direct`: every image gets the name of its server's own loopback, whatever the compose file calls it. */
  readonly transfer: 'registry' | 'direct'
  /** What the user wrote; empty for the default. */
  readonly tags: readonly string[]
  readonly source: TagSource
}

/** One distinct build, however many services use it. */
export interface Target {
  /** Its name in the bake file, made by us, so that nothing sanitises it behind our back. */
  readonly name: string
  readonly services: readonly string[]
  readonly build: JsonObject
  readonly secrets: readonly BuildSecret[]
  readonly platform?: string
  /** Everything that is pushed, as `repository:tag`. */
  readonly references: readonly string[]
  /** What each service deploys, still without the digest. */
  readonly deploys: Readonly<Record<string, Reference>>
}

export interface BuildPlan {
  readonly targets: readonly Target[]
  /** The `image:` of the compose file to the service that builds it: others may use it without a build. */
  readonly named: Readonly<Record<string, string>>
  readonly problems: readonly Problem[]
}

/**
 * Sorts the builds into distinct ones and names what they make. Builds are the same when their definition is, whatever
 * services and tags it has. Problems: a name that is no image, no registry to push to, two builds under one name.
 */
export function planBuilds(builds: readonly Build[], naming: Naming): BuildPlan {
  const tags = naming.tags.length > 0 ? naming.tags : defaultTags(naming.source)
  const problems: Problem[] = [...tagProblems(naming.tags)]
  const targets = new Map<string, { builds: Build[]; name: string }>()
  for (const build of builds) {
    const key = buildKey(build)
    const same = targets.get(key)
    if (same === undefined)
      targets.set(key, { builds: [build], name: targetName(build.service, [...targets.values()]) })
    else same.builds.push(build)
  }
  const planned = [...targets.values()].flatMap(({ builds: same, name }) => {
    const names = same.map(build => ({ build, reference: imageName(build, naming) }))
    for (const { build, reference } of names)
      if (typeof reference === 'string') problems.push(nameProblem(build, reference))
    return [toTarget(name, same, names, tags, naming)]
  })
  problems.push(...conflicts(planned), ...planned.flatMap(reserved))
  const named = builds.flatMap(build => (build.image === undefined ? [] : [[build.image, build.service] as const]))
  return { targets: planned, named: Object.fromEntries(named), problems }
}

interface Named {
  readonly build: Build
  readonly reference: Reference | 'no-registry' | 'invalid'
}

function toTarget(
  name: string,
  same: readonly Build[],
  names: readonly Named[],
  tags: readonly string[],
  naming: Naming
): Target {
  const deploys: Record<string, Reference> = {}
  const references = new Set<string>()
  for (const { build, reference } of names) {
    if (typeof reference === 'string') continue
    const all = ownTags(reference, tags, naming)
    all.forEach(tag => references.add(`${reference.repository}:${tag}`))
    deploys[build.service] = { ...reference, tag: all[0] ?? 'latest' }
    if (naming.transfer === 'registry' && naming.source.pullRequest === undefined && naming.tags.length === 0)
      buildTags(build).forEach(tag => references.add(tag))
  }
  const platform = same[0]?.platform
  return {
    name,
    services: same.map(build => build.service),
    build: same[0]?.build ?? {},
    secrets: same[0]?.secrets ?? [],
    ...(platform === undefined ? {} : { platform }),
    references: [...references],
    deploys
  }
}

/**
 * The run's tags, and the one that the compose file gives the image. That one is somebody's to move only on a branch
 * and only when the user did not say which tags: a pull request never moves it.
 */
function ownTags(reference: Reference, tags: readonly string[], naming: Naming): readonly string[] {
  const own = naming.source.pullRequest === undefined && naming.tags.length === 0 ? reference.tag : undefined
  return [...new Set([...tags, ...(own === undefined ? [] : [own])])]
}

function buildTags(build: Build): readonly string[] {
  const tags = build.build['tags']
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string') : []
}

function imageName(build: Build, naming: Naming): Named['reference'] {
  const written = build.image === undefined ? undefined : parseReference(build.image.replace(/@.*$/, ''))
  if (build.image !== undefined && written === undefined) return 'invalid'
  if (naming.transfer === 'direct') {
    const name = written === undefined ? ownName(build.service, naming) : written.path.replace(/^library\//, '')
    return reparse(`${naming.registry ?? ''}/${name}`, written?.tag)
  }
  // A name alone, `web`, would be an official image of Docker Hub, which nobody can push: it is the registry's.
  const bare = written !== undefined && /^[^/]+$/.test(written.repository)
  if (written !== undefined && !bare) return written
  if (naming.registry === undefined) return 'no-registry'
  return reparse(
    `${naming.registry}/${written === undefined ? ownName(build.service, naming) : written.repository}`,
    written?.tag
  )
}

function reparse(name: string, tag: string | undefined): Named['reference'] {
  const reference = parseReference(name.toLowerCase())
  if (reference === undefined) return 'invalid'
  return tag === undefined ? reference : { ...reference, tag }
}

/** `shop-web`: with what a repository's name cannot hold made a hyphen. */
function ownName(service: string, naming: Naming): string {
  const part = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
  return `${part(naming.stack)}-${part(service)}`
}

function nameProblem(build: Build, kind: 'no-registry' | 'invalid'): Problem {
  return kind === 'no-registry' ? noRegistry(build.service, build.image) : notAnImage(build.service, build.image ?? '')
}

/** Two different builds that would push the same tag: which of them the tag ends at would be chance. */
function conflicts(targets: readonly Target[]): Problem[] {
  const owners = new Map<string, Target[]>()
  for (const target of targets)
    for (const reference of target.references) owners.set(reference, [...(owners.get(reference) ?? []), target])
  const clashes = [...owners].filter(([, sharing]) => sharing.length > 1)
  const repositories = new Map(clashes.map(([reference, sharing]) => [reference.replace(/:[^:/]*$/, ''), sharing]))
  return [...repositories].map(([repository, sharing]) =>
    conflictingNames(
      repository,
      sharing.flatMap(target => target.services)
    )
  )
}

/** A build that ends under a key's tag would be taken for one of that content, for ever. */
function reserved(target: Target): Problem[] {
  return target.references.filter(name => isReserved(name.replace(/^.*:/, ''))).map(reservedTag)
}

/**
 * The name that an image of the compose file has when somebody else built it: the same that this action would give it,
 * so that `web` is the registry's and not an official image of Docker Hub.
 */
export function builtElsewhere(image: string, registry: string | undefined): string {
  const bare = parseReference(image)?.repository.includes('/') === false
  return bare && registry !== undefined ? `${registry}/${image}`.replace(/^[^@]*\//, path => path.toLowerCase()) : image
}

/** The service whose image an additional context is: `service:base`. */
export function serviceOf(context: Json): string | undefined {
  return typeof context === 'string' ? /^service:(.+)$/.exec(context)?.[1] : undefined
}

/** The services whose images a target is made from. */
export function madeFrom({ build }: Target): readonly string[] {
  const { additional_contexts: contexts } = build
  const values = typeof contexts === 'object' && contexts !== null ? Object.values(contexts as JsonObject) : []
  return values.flatMap(value => serviceOf(value) ?? [])
}

/**
 * Of the targets that are there already, by name, those that need not be built: a builder makes a target from the image
 * of another one only in one go.
 */
export function standing<T>(
  targets: readonly Target[],
  there: Readonly<Record<string, T>>
): Readonly<Record<string, T>> {
  const needed = targets.filter(target => there[target.name] === undefined).flatMap(madeFrom)
  const left = Object.entries(there).filter(
    ([name]) => !targets.some(target => target.name === name && target.services.some(each => needed.includes(each)))
  )
  return left.length === Object.keys(there).length ? there : standing(targets, Object.fromEntries(left))
}

/** A hash of what decides about the build's result: all of its definition except the names. */
function buildKey(build: Build): string {
  const definition = Object.fromEntries(Object.entries(build.build).filter(([key]) => key !== 'tags'))
  return createHash('sha256')
    .update(stable({ build: definition, platform: build.platform ?? null }))
    .digest('hex')
}

/** JSON with sorted keys: the same value gives the same text. */
export function stable(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => stable(item as Json)).join(',')}]`
  const entries = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${stable(item)}`).join(',')}}`
}

/** A target's name holds letters, digits, `_` and `-` only (buildx, bake/bake.go); dots would become underscores. */
function targetName(service: string, taken: readonly { name: string }[]): string {
  const name = service.replace(/[^A-Za-z0-9_-]+/g, '_')
  const names = taken.map(other => other.name)
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`
    // `default` is bake's own group.
    if (candidate !== 'default' && !names.includes(candidate)) return candidate
  }
}
