import type { Problem } from '../errors.js'
import { conflictingNames, noRegistry, notAnImage, reservedTag } from '../errors/images.js'
import { sha256 } from '../hash.js'
import { canonicalJson } from '../json.js'
import type { Build, BuildSecret, JsonObject } from '../model.js'
import { namesOf, type Naming } from './naming.js'
import { parseReference, type Reference } from './reference.js'
import { isReserved, tagProblems } from './tags.js'

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
  const problems: Problem[] = [...tagProblems(naming.tags)]
  const distinct = [...Map.groupBy(builds, buildKey).values()]
  const taken: string[] = []
  const targets = distinct.map(same => {
    const name = targetName(same[0]?.service ?? '', taken)
    taken.push(name)
    return toTarget(name, same, naming, problem => problems.push(problem))
  })
  problems.push(...conflicts(targets), ...targets.flatMap(reserved))
  const named = builds.flatMap(build => (build.image === undefined ? [] : [[build.image, build.service] as const]))
  return { targets, named: Object.fromEntries(named), problems }
}

/** One target for builds that are the same; `tell` hears of those that cannot be named. */
function toTarget(name: string, same: readonly Build[], naming: Naming, tell: (problem: Problem) => void): Target {
  const deploys: Record<string, Reference> = {}
  const references = new Set<string>()
  for (const build of same) {
    const names = namesOf(build, naming)
    if (typeof names === 'string') {
      tell(nameProblem(build, names))
      continue
    }
    deploys[build.service] = names.deployed
    for (const reference of names.pushed) references.add(reference)
  }
  const [first] = same
  return {
    name,
    services: same.map(build => build.service),
    build: first?.build ?? {},
    secrets: first?.secrets ?? [],
    ...(first?.platform === undefined ? {} : { platform: first.platform }),
    references: [...references],
    deploys
  }
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

/** A hash of what decides about the build's result: all of its definition except the names. */
function buildKey(build: Build): string {
  const definition = Object.fromEntries(Object.entries(build.build).filter(([key]) => key !== 'tags'))
  return sha256(canonicalJson({ build: definition, platform: build.platform ?? null }))
}

/** A target's name holds letters, digits, `_` and `-` only (buildx, bake/bake.go); dots would become underscores. */
function targetName(service: string, taken: readonly string[]): string {
  const name = service.replace(/[^A-Za-z0-9_-]+/g, '_')
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`
    // `default` is bake's own group.
    if (candidate !== 'default' && !taken.includes(candidate)) return candidate
  }
}
