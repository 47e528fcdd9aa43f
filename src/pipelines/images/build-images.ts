import { UserError } from '../../errors.js'
import type { CacheKind } from '../../images/cache.js'
import { standing } from '../../images/layers.js'
import { planBuilds, type BuildPlan, type Target } from '../../images/plan.js'
import { formatReference, pin } from '../../images/reference.js'
import type { TagSource } from '../../images/tags.js'
import type { Job } from '../../job.js'
import type { Build } from '../../model.js'
import type { Ports } from '../../ports.js'
import { bakeImages, type Baked, type BakeRequest } from '../../stages/build.js'
import { gatherBuildSecrets } from '../../stages/build-secrets.js'
import { findBuilder } from '../../stages/builder.js'
import { restoreLocalCache, saveLocalCache } from '../../stages/local-cache.js'
import type { RegistrySession } from '../../stages/login.js'
import { contentKeys, findReusable, tagReused } from '../../stages/reuse.js'

export interface BuildRequest {
  readonly builds: readonly Build[]
  /** The `secrets` input. */
  readonly values: ReadonlyMap<string, string>
  readonly stack: string
  readonly registry?: string
  readonly tags: readonly string[]
  readonly job: Job
  readonly pullRequest?: number
  /** Of the nodes; empty is the builder's own. */
  readonly platforms: readonly string[]
  readonly cache: CacheKind
  /** `auto` takes an image that the registry already has of the same content; `always` builds. */
  readonly mode: 'auto' | 'always'
  /** Asks for the digest of a reference; without it, everything is built. */
  readonly find?: (reference: string) => Promise<string | undefined>
  readonly session: RegistrySession
  readonly workspace: string
}

export interface BuiltImages {
  /** Service key to `repository:tag@sha256:…`. */
  readonly images: Readonly<Record<string, string>>
  /** The same by the name that the compose file gives the image, for services that use it without building it. */
  readonly byName: Readonly<Record<string, string>>
  /** Every `repository:tag` that is theirs now, whatever it was before. */
  readonly references: readonly string[]
}

/**
 * Builds and pushes the images of all services that have a `build`, each distinct build once, and gives what to deploy:
 * the digest that was built.
 * @throws UserError with every problem of the names at once, before anything is built; and see {@link bakeImages}.
 */
export async function buildImages(ports: Ports, request: BuildRequest): Promise<BuiltImages> {
  if (request.builds.length === 0) return { images: {}, byName: {}, references: [] }
  const plan = planFor(request)
  if (plan.problems.length > 0) throw new UserError(plan.problems)
  return await ports.log.group('Build', async () => {
    const keys = await contentKeys(ports, plan.targets, request.platforms)
    const reused = await reuse(ports, request, plan, keys)
    const wanted = plan.targets.filter(target => reused[target.name] === undefined)
    if (wanted.length === 0) return pinned(plan, reused)
    const { digests } = await bakeTargets(ports, {
      ...bakeOrder(request, wanted),
      output: { kind: 'push' },
      extraTags: target => contentTags(target, keys[target.name])
    })
    return pinned(plan, { ...reused, ...digests })
  })
}

/** What {@link buildImages} would give, without building: an image that is still to be built has its tag only. */
export async function foreseeImages(ports: Ports, request: BuildRequest): Promise<BuiltImages> {
  const plan = planFor(request)
  if (plan.problems.length > 0) throw new UserError(plan.problems)
  const keys = await contentKeys(ports, plan.targets, request.platforms)
  const { find } = request
  const there =
    request.mode === 'always' || find === undefined
      ? {}
      : standing(plan.targets, await findReusable(ports, plan.targets, keys, find))
  return pinned(plan, there)
}

/** What the registry has of the same content is not built again. */
async function reuse(
  ports: Ports,
  request: BuildRequest,
  plan: BuildPlan,
  keys: Readonly<Record<string, string>>
): Promise<Readonly<Record<string, string>>> {
  const { find } = request
  if (request.mode === 'always' || find === undefined) return {}
  const digests = standing(plan.targets, await findReusable(ports, plan.targets, keys, find))
  for (const target of plan.targets) {
    const digest = digests[target.name]
    if (digest === undefined) continue
    ports.log.info(`${target.services.join(', ')}: the registry has this content already, nothing to build.`)
    await tagReused(ports, target, digest, { env: request.session.env, find })
  }
  return digests
}

/** What is to be baked, before there is a builder for it, and its secrets. */
type BakeOrder = Omit<BakeRequest, 'builder' | 'secrets'> & Pick<BuildRequest, 'values'>

/** {@link bakeImages} on the runner's builder: secrets for as long as it takes, a `local` cache fetched before and saved after. */
export async function bakeTargets(ports: Ports, order: BakeOrder): Promise<Baked> {
  const builder = await findBuilder(ports, order)
  await using secrets = await gatherBuildSecrets(ports, order.targets, order.values)
  const request = { ...order, builder, secrets }
  if (order.cache !== 'local') return await bakeImages(ports, request)
  const cache = await restoreLocalCache(ports, order.stack)
  const baked = await bakeImages(ports, { ...request, cacheFolders: cache })
  await saveLocalCache(ports, order.stack, order.targets, cache)
  return baked
}

function planFor(request: BuildRequest): BuildPlan {
  const { registry, stack, tags, builds } = request
  const source = tagSource(request)
  return planBuilds(builds, {
    stack,
    tags,
    source,
    transfer: 'registry',
    ...(registry === undefined ? {} : { registry })
  })
}

/** What the default tags of a run are made of. */
export function tagSource({ job, pullRequest }: Pick<BuildRequest, 'job' | 'pullRequest'>): TagSource {
  const { commit, ref, refName } = job
  return { commit, ref, refName, ...(pullRequest === undefined ? {} : { pullRequest }) }
}

/** What bake needs to know of a run, but for where the images go. */
export function bakeOrder(request: BuildRequest, targets: readonly Target[]): Omit<BakeOrder, 'output'> {
  const { job, stack, platforms, cache, values, workspace } = request
  const source = job.repository === '' ? '' : `${job.serverUrl}/${job.repository}`
  const origin = { source, commit: job.commit }
  return { targets, stack, origin, platforms, cache, values, workspace, env: request.session.env }
}

/** The content key as a tag, by which a later run finds the image. */
function contentTags(target: Target, key: string | undefined): readonly string[] {
  if (key === undefined) return []
  return [...new Set(Object.values(target.deploys).map(reference => `${reference.repository}:${key}`))]
}

/** Every service's image with the digest of its target. */
export function pinned(plan: BuildPlan, digests: Readonly<Record<string, string>>): BuiltImages {
  const images: Record<string, string> = {}
  const byName: Record<string, string> = {}
  for (const target of plan.targets) {
    const digest = digests[target.name]
    for (const [service, reference] of Object.entries(target.deploys))
      images[service] = digest === undefined ? formatReference(reference) : pin(reference, digest)
  }
  for (const [name, service] of Object.entries(plan.named)) byName[name] = images[service] ?? name
  return { images, byName, references: plan.targets.flatMap(({ references }) => references) }
}
