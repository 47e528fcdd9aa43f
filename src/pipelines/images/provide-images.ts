import { oldEngineNotes } from '../../compose/old-engines.js'
import { transferFor } from '../../images/direct.js'
import { builtElsewhere } from '../../images/plan.js'
import { platformNotes, platformsFor } from '../../images/platforms.js'
import { canonicalName } from '../../images/reference.js'
import { keepLive } from '../../images/steady.js'
import { UserError } from '../../errors.js'
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
  { host, ready, session, ask }: Site,
  target: StackTarget,
  prepared: Prepared,
  mode: 'build' | 'foresee' = 'build'
): Promise<Images> {
  const { ports, inputs, job } = run
  const { translation } = prepared
  const { nodes, live } = ready
  const builds = inputs.build === 'false' ? [] : translation.builds
  const platforms = platformsFor(nodes, inputs.platforms)
  const findings = translation.settleLate([
    ...platformNotes(nodes, platforms, builds),
    ...oldEngineNotes(nodes, prepared.project.model.services)
  ])
  heed(run, findings, [], translation.findings)
  const request: BuildRequest = {
    builds,
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
    workspace: run.workspace,
    find: reference => findDigest(ask, reference)
  }
  await assertPullLogin(host.engine, session)
  const direct = transferFor(inputs.transfer, inputs.registry, builds) === 'direct'
  const carried = { ...request, services: translation.stack, live }
  const built: BuiltImages =
    mode === 'foresee'
      ? await (direct ? foreseeCarried(ports, host, carried) : foreseeImages(ports, request))
      : await (direct ? carryBuilds(ports, host, carried) : buildImages(ports, request))
  const named = inputs.build === 'false' ? imagesOfBuilds(translation.builds, inputs.registry) : {}
  const others = Object.entries(translation.stack.services).filter(([key]) => !(key in built.images))
  // What was asked ahead of a tag that this run has moved is of yesterday.
  const moved = new Set(built.references.map(canonicalName))
  const askAnew = digestAsker(host.engine, Promise.resolve(session))
  const resolved = await resolveImages(ports, {
    references: Object.fromEntries(others.map(([key, service]) => [key, named[key] ?? service.image])),
    byName: built.byName,
    ask: reference => (moved.has(canonicalName(reference)) ? askAnew : ask)(reference),
    live,
    stack: target.stack,
    places: translation.places
  })
  return {
    references: keepLive({ ...resolved, ...built.images }, live, target.stack),
    brought: keepLive(built.images, live, target.stack),
    findings
  }
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
