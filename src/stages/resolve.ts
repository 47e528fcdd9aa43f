import { UserError, messageOf, type Place, type Problem } from '../errors.js'
import { unresolved } from '../errors/images.js'
import type { Service } from '../engine-types.js'
import { canonicalName, parseReference, pin, type Reference } from '../images/reference.js'
import { liveImage } from '../images/steady.js'
import { EngineError, type Engine, type Ports } from '../ports.js'

/** What this stage wants of the registry session: the nodes' login for an image. */
export interface Logins {
  authFor(reference: string): Promise<string | undefined>
}

/** The digest that a reference has in its registry now, as the manager sees it. Throws EngineError where there is none. */
export type AskDigest = (reference: string) => Promise<string>

/** Asks the manager for digests, each reference once in a run, once there are logins. */
export function digestAsker(engine: Engine, logins: Promise<Logins>): AskDigest {
  const asked = new Map<string, Promise<string>>()
  return reference => {
    const known = asked.get(reference)
    if (known !== undefined) return known
    const answer = logins
      .then(login => login.authFor(reference))
      .then(auth => engine.distribution(reference, auth))
      .then(({ digest }) => digest)
    answer.catch(() => undefined) // asked ahead, it may never be waited for
    asked.set(reference, answer)
    return answer
  }
}

/**
 * The same where a reference need not be there: that it is not, or is not to be seen with the nodes' login, is undefined. A
 * registry that cannot be asked throws EngineError.
 */
export async function findDigest(ask: AskDigest, reference: string): Promise<string | undefined> {
  try {
    return await ask(reference)
  } catch (error) {
    if (error instanceof EngineError && [401, 403, 404].includes(error.status)) return undefined
    throw error
  }
}

export interface ResolveRequest {
  /** Service key to image, for the services that this run does not build. */
  readonly references: Readonly<Record<string, string>>
  /** Images that this run built, by the name that the compose file gives them: another service may use one too. */
  readonly byName: Readonly<Record<string, string>>
  readonly ask: AskDigest
  /** The stack's services as they run. */
  readonly live: readonly Service[]
  readonly stack: string
  /** By service, where the compose file has it. */
  readonly places?: Readonly<Record<string, Place>>
}

/** How many references are asked for at a time. */
const atOnce = 6

/**
 * Pins every image that was not built: `redis:7` becomes `redis:7@sha256:…`. The manager asks the registry, each
 * reference once. Where that fails, the rule is: a service that already runs this very tag, pinned, keeps its digest,
 * with a warning; any other stops the run. A moving tag is never deployed.
 * @throws UserError naming every image that could not be pinned.
 */
export async function resolveImages(ports: Ports, request: ResolveRequest): Promise<Readonly<Record<string, string>>> {
  const built = new Map(Object.entries(request.byName).map(([name, image]) => [canonicalName(name), image]))
  const distinct = [...new Set(Object.values(request.references))]
  const answers = new Map<string, Answer>()
  for (let start = 0; start < distinct.length; start += atOnce) {
    const some = distinct.slice(start, start + atOnce)
    const found = await Promise.all(some.map(image => resolveOne(request, built, image)))
    some.forEach((image, index) => answers.set(image, found[index] ?? { failed: 'it was not asked for' }))
  }
  const images: Record<string, string> = {}
  const problems: Problem[] = []
  for (const [service, image] of Object.entries(request.references)) {
    const answer = answers.get(image) ?? { failed: 'it was not asked for' }
    if ('pinned' in answer) {
      images[service] = answer.pinned
      continue
    }
    const running = runningDigest(request, service, image)
    if (running === undefined) problems.push(unresolved(service, image, answer.failed, request.places?.[service]))
    else {
      images[service] = running
      ports.log.warning(
        `The digest of ${image} could not be asked for (${answer.failed}). Service ${service} keeps the one that it runs.`
      )
    }
  }
  if (problems.length > 0) throw new UserError(problems)
  return images
}

type Answer = { readonly pinned: string } | { readonly failed: string }

async function resolveOne(request: ResolveRequest, built: ReadonlyMap<string, string>, image: string): Promise<Answer> {
  const own = built.get(canonicalName(image))
  if (own !== undefined) return { pinned: own }
  const reference = parseReference(image)
  // An image's id needs no registry, and no node would ask one.
  if (reference === undefined)
    return /^sha256:[0-9a-f]{64}$/.test(image) ? { pinned: image } : { failed: 'it is no image name' }
  if (reference.digest !== undefined) return { pinned: image }
  try {
    return { pinned: pin(reference, await request.ask(image)) }
  } catch (error) {
    if (error instanceof EngineError && error.status === 0) throw error
    return { failed: messageOf(error) }
  }
}

/** What the service runs, when that is the wanted repository and tag with a digest. */
function runningDigest(request: ResolveRequest, service: string, image: string): string | undefined {
  const live = parseReference(liveImage(request.live, request.stack, service) ?? '')
  const wanted = parseReference(image)
  if (live?.digest === undefined || wanted === undefined) return undefined
  const tag = (reference: Reference): string => reference.tag ?? 'latest'
  return live.repository === wanted.repository && tag(live) === tag(wanted) ? pin(live, live.digest) : undefined
}
