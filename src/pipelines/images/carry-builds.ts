import { UserError } from '../../errors.js'
import type { Service } from '../../engine-types.js'
import { directPorts } from '../../images/direct.js'
import { standing } from '../../images/layers.js'
import { planBuilds, type BuildPlan, type Target } from '../../images/plan.js'
import { parseReference } from '../../images/reference.js'
import { liveImage } from '../../images/steady.js'
import type { Stack } from '../../model.js'
import type { Host, Ports } from '../../ports.js'
import { contentKeys } from '../../stages/reuse.js'
import {
  assertOneNode,
  carryImages,
  hasImage,
  openDirectRegistry,
  saveLayouts,
  type DirectRegistry
} from '../../stages/transfer.js'
import { bakeOrder, bakeTargets, pinned, tagSource, type BuildRequest, type BuiltImages } from './build-images.js'

export interface CarryRequest extends BuildRequest {
  /** The translated stack: where its services may run. */
  readonly services: Stack
  /** The stack's services as they run. */
  readonly live: readonly Service[]
}

/**
 * Builds, and carries the images to the node over the connection, with no registry. An image's tag is its content key,
 * so that one which the service already runs is neither built nor carried.
 * @throws UserError when a service may run on a node that we are not connected to; see also {@link bakeImages}.
 */
export async function carryBuilds(ports: Ports, host: Host, request: CarryRequest): Promise<BuiltImages> {
  if (request.builds.length === 0) return { images: {}, byName: {}, references: [] }
  const services = request.builds.map(build => build.service)
  await assertOneNode(host.engine, request.services, services)
  await using registry = await openDirectRegistry(ports, host, request.stack, runningImages(request))
  const keyed = await planCarried(ports, request, registry.address)
  const there = request.mode === 'always' ? {} : standing(keyed.targets, await onNode(host, request, keyed.targets))
  const wanted = keyed.targets.filter(target => there[target.name] === undefined)
  for (const target of keyed.targets.filter(each => !wanted.includes(each)))
    ports.log.info(`${target.services.join(', ')}: the node runs this content already, nothing to build or carry.`)
  const built = wanted.length === 0 ? {} : await buildAndCarry(ports, host, request, { plan: keyed, wanted, registry })
  return pinned(keyed, { ...there, ...built })
}

/** What {@link carryBuilds} would give, without building: an image that is still to be built has its tag only. */
export async function foreseeCarried(ports: Ports, host: Host, request: CarryRequest): Promise<BuiltImages> {
  const [port = 0] = directPorts(request.stack, runningImages(request))
  const plan = await planCarried(ports, request, `127.0.0.1:${port}`)
  return pinned(
    plan,
    request.mode === 'always' ? {} : standing(plan.targets, await onNode(host, request, plan.targets))
  )
}

function runningImages(request: CarryRequest): readonly string[] {
  return request.builds.map(build => liveImage(request.live, request.stack, build.service) ?? '')
}

/** The builds named after the registry's address, and tagged by their content. */
async function planCarried(ports: Ports, request: CarryRequest, address: string): Promise<BuildPlan> {
  const plan = planBuilds(request.builds, {
    stack: request.stack,
    registry: address,
    transfer: 'direct',
    tags: request.tags,
    source: tagSource(request)
  })
  if (plan.problems.length > 0) throw new UserError(plan.problems)
  const keys = await contentKeys(ports, plan.targets, request.platforms)
  return { ...plan, targets: plan.targets.map(target => tagByContent(target, keys[target.name])) }
}

function tagByContent(target: Target, key: string | undefined): Target {
  if (key === undefined) return target
  const deploys = Object.entries(target.deploys).map(([service, each]) => [service, { ...each, tag: key }] as const)
  return { ...target, deploys: Object.fromEntries(deploys) }
}

/** The digests of targets that all their services run already, under this very content key, from the node's own store. */
async function onNode(
  host: Host,
  request: CarryRequest,
  targets: readonly Target[]
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  for (const target of targets) {
    const running = Object.entries(target.deploys).map(([service, wanted]) => {
      const live = parseReference(liveImage(request.live, request.stack, service) ?? '')
      return live?.repository === wanted.repository &&
        live.tag === wanted.tag &&
        wanted.tag?.startsWith('content-') === true
        ? `${live.repository}@${live.digest ?? ''}`
        : undefined
    })
    const [first] = running
    const digest = first?.split('@')[1]
    if (first === undefined || digest === undefined || !running.every(each => each?.endsWith(digest) === true)) continue
    if (await hasImage(host.engine, first)) found[target.name] = digest
  }
  return found
}

interface Work {
  readonly plan: BuildPlan
  readonly wanted: readonly Target[]
  readonly registry: DirectRegistry
}

async function buildAndCarry(
  ports: Ports,
  host: Host,
  request: CarryRequest,
  { plan, wanted, registry }: Work
): Promise<Readonly<Record<string, string>>> {
  const folder = await ports.files.tempFolder('layouts')
  try {
    const { env } = request.session
    const layouts = await ports.log.group('Build', async () => {
      const baked = await bakeTargets(ports, { ...bakeOrder(request, wanted), output: { kind: 'layout', folder } })
      if (baked.made === 'loaded') return await saveLayouts(ports, wanted, { folder, env })
      return Object.fromEntries(
        wanted.map(({ name }) => [name, { digest: baked.digests[name] ?? '', folder: `${folder}/${name}` }])
      )
    })
    const digests = Object.fromEntries(wanted.map(({ name }) => [name, layouts[name]?.digest ?? '']))
    for (const target of wanted)
      for (const reference of Object.values(target.deploys))
        registry.add(reference.path, layouts[target.name]?.folder ?? '')
    const services = wanted.flatMap(target => target.services)
    const { images } = pinned({ ...plan, targets: wanted, named: {} }, digests)
    const references = services.map(service => images[service] ?? '')
    await ports.log.group('Transfer', () => carryImages(ports, host, { references, registry, env }))
    return digests
  } finally {
    await ports.files.remove(folder)
  }
}
