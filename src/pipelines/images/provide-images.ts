import { oldEngineNotes } from '../../compose/old-engines.js'
import { transferFor } from '../../images/direct.js'
import { builtElsewhere } from '../../images/plan.js'
import { platformNotes, platformsFor } from '../../images/platforms.js'
import { canonicalName } from '../../images/reference.js'
import { keepLive } from '../../images/steady.js'
import { UserError } from '../../errors.js'
import type { Node } from '../../engine-types.js'
import type { Build, Finding } from '../../model.js'
import { assertPullLogin } from '../../stages/login.js'
import { digestAsker, findDigest, resolveImages } from '../../stages/resolve.js'
import { buildImages, foreseeImages, type BuildRequest, type BuiltImages } from './build-images.js'
import { carryBuilds, foreseeCarried } from './carry-builds.js'
import { heed, type Prepared } from '../site/prepare.js'
import type { Run, StackTarget } from '../run/run.js'
import type { Site } from '../site/site.js'

export interface Images {
  /** Service key to pinned reference, for every service. */
  readonly references: Readonly<Record<string, string>>
  /** Those that this run built. */
  readonly brought: Readonly<Record<string, string>>
  /** What only the swarm's nodes show about the services and their builds. */
  readonly findings: readonly Finding[]
}

/**
 * Builds what has a `build` (or, for a plan, says what would be built), gets it to where the nodes find it, and resolves
 * every other image to its digest.
 */
export async function provideImages(
  run: Run,
  site: Site,
  target: StackTarget,
  prepared: Prepared,
  mode: 'build' | 'foresee' = 'build'
): Promise<Images> {
  const { live, nodes } = site.ready
  const platforms = platformsFor(nodes, run.inputs.platforms)
  const findings = settleFindings(run, prepared, nodes, platforms)
  await assertPullLogin(site.host.engine, site.session)
  const built = await provideBuilds(run, site, prepared, mode, requestOf(run, site, target, prepared, platforms))
  const resolved = await resolveOthers(run, site, target, prepared, built)
  return {
    references: keepLive({ ...resolved, ...built.images }, live, target.stack),
    brought: keepLive(built.images, live, target.stack),
    findings
  }
}

/** The findings with those that only the nodes tell. @throws UserError when there are some that the inputs make errors. */
function settleFindings(
  run: Run,
  { translation, project }: Prepared,
  nodes: readonly Node[],
  platforms: readonly string[]
): readonly Finding[] {
  const findings = translation.settleLate([
    ...platformNotes(nodes, platforms, buildsOf(run, translation)),
    ...oldEngineNotes(nodes, project.model.services)
  ])
  heed(run, findings, [], translation.findings)
  return findings
}

function buildsOf({ inputs }: Run, { builds }: Prepared['translation']): readonly Build[] {
  return inputs.build === 'false' ? [] : builds
}

function requestOf(
  run: Run,
  { session, ask }: Site,
  target: StackTarget,
  { translation }: Prepared,
  platforms: readonly string[]
): BuildRequest {
  const { inputs, job, workspace } = run
  return {
    builds: buildsOf(run, translation),
    values: inputs.secrets,
    stack: target.stack,
    ...(inputs.registry !== undefined && { registry: inputs.registry }),
    tags: inputs.tags,
    job,
    ...(target.preview && { pullRequest: target.preview.number }),
    platforms,
    cache: inputs.cache,
    mode: inputs.build === 'always' ? 'always' : 'auto',
    session,
    workspace,
    find: reference => findDigest(ask, reference)
  }
}

/** What is built here, by a registry or over the connection. */
function provideBuilds(
  { ports, inputs }: Run,
  { host, ready }: Site,
  { translation }: Prepared,
  mode: 'build' | 'foresee',
  request: BuildRequest
): Promise<BuiltImages> {
  if (transferFor(inputs.transfer, inputs.registry, request.builds) === 'direct') {
    const carried = { ...request, services: translation.stack, live: ready.live }
    return mode === 'foresee' ? foreseeCarried(ports, host, carried) : carryBuilds(ports, host, carried)
  }
  return mode === 'foresee' ? foreseeImages(ports, request) : buildImages(ports, request)
}

/** Every image that is not built here, by its digest. */
function resolveOthers(
  { ports, inputs }: Run,
  { host, ready, session, ask }: Site,
  target: StackTarget,
  { translation }: Prepared,
  built: BuiltImages
): Promise<Readonly<Record<string, string>>> {
  const named = inputs.build === 'false' ? imagesOfBuilds(translation.builds, inputs.registry) : {}
  const others = Object.entries(translation.stack.services).filter(([key]) => !(key in built.images))
  // What was asked ahead of a tag that this run has moved is of yesterday.
  const moved = new Set(built.references.map(canonicalName))
  const askAnew = digestAsker(host.engine, Promise.resolve(session))
  return resolveImages(ports, {
    references: Object.fromEntries(others.map(([key, service]) => [key, named[key] ?? service.image])),
    byName: built.byName,
    ask: reference => (moved.has(canonicalName(reference)) ? askAnew : ask)(reference),
    live: ready.live,
    stack: target.stack,
    places: translation.places
  })
}

/** With `build: false`, what somebody else built: the image that the compose file names beside its `build`. */
function imagesOfBuilds(builds: readonly Build[], registry: string | undefined): Readonly<Record<string, string>> {
  const nameless = builds.filter(({ image }) => image === undefined)
  if (nameless.length > 0) {
    throw new UserError(
      nameless.map(({ service }) => ({
        message: `${service}: \`build: false\`, but the compose file names no image for it.`,
        remedy: 'Add `image:` to the service, or let this action build it.'
      }))
    )
  }
  return Object.fromEntries(builds.map(({ service, image }) => [service, builtElsewhere(image ?? '', registry)]))
}
