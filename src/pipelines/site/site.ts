import { UserError } from '../../errors.js'
import type { ConnectRequest, Engine, Host } from '../../ports.js'
import { transferFor } from '../../images/direct.js'
import { parseReference } from '../../images/reference.js'
import { openRegistrySession, type RegistrySession, type SessionRequest } from '../../stages/login.js'
import { digestAsker, type AskDigest } from '../../stages/resolve.js'
import { openHost } from './host.js'
import type { Prepared } from './prepare.js'
import { problemsOf } from '../run/problems.js'
import { askAhead, assertReady, type Ahead, type Ready } from './ready.js'
import type { Run, StackTarget } from '../run/run.js'

/** Where a stack is to be deployed: its swarm, found ready, and the registries that its images come by. */
export interface Site extends AsyncDisposable {
  readonly host: Host
  readonly ready: Ready
  readonly session: RegistrySession
  /** Answers come from one question each. */
  readonly ask: AskDigest
}

/**
 * Opens the way to the swarm and to the registries at the same time, since each is far away, and has a look at the
 * server. @throws UserError with all that is wrong with the connection, or else the server, and with the logins.
 */
export async function openSite(run: Run, target: StackTarget, prepared: Prepared): Promise<Site> {
  await using opened = new AsyncDisposableStack()
  const logins = opened.use(begin(signal => openSession(run, loginsOf(run, prepared), signal)))
  const begun: { up?: Beginning } = {}
  const onUp: ConnectRequest['onUp'] = up => void (begun.up = beginAt(up))
  const host = opened.use(await openHostBeside(logins.opened, run, onUp))
  const { ask, ahead } = begun.up?.engine === host.engine ? begun.up : beginAt(host)
  const [ready, session] = await together(assertReady(run, host, target, prepared, ahead), logins.opened)
  const all = opened.move()
  return { host, ready, session, ask, [Symbol.asyncDispose]: () => all.disposeAsync() }

  /** The answers come while the server is looked at. */
  function beginAt(up: Pick<Host, 'engine' | 'run'>): Beginning {
    const beginning = {
      engine: up.engine,
      ask: digestAsker(up.engine, logins.opened),
      ahead: askAhead(run, up, target)
    }
    for (const image of imagesElsewhere(prepared)) if (hasToBeAsked(image)) void beginning.ask(image)
    return beginning
  }
}

interface Beginning {
  readonly engine: Engine
  readonly ask: AskDigest
  readonly ahead: Ahead
}

/**
 * The connection; where there is none, the logins are waited for, so that who has to mend the one hears of the other
 * too. What a cancelled job broke off says nothing of either.
 */
async function openHostBeside(logins: Promise<RegistrySession>, run: Run, onUp: ConnectRequest['onUp']): Promise<Host> {
  const opening = openHost(run, onUp)
  try {
    return await opening
  } catch (error) {
    if (run.ports.cancelled.aborted) throw error
    const [host] = await together(opening, logins)
    return host
  }
}

/** What the compose files need logins for. */
function loginsOf({ inputs }: Run, prepared: Prepared): SessionNeeds {
  const { builds } = prepared.translation
  const isCarried = inputs.build !== 'false' && transferFor(inputs.transfer, inputs.registry, builds) === 'direct'
  const built = isCarried ? [] : imagesOfBuilds(prepared)
  return {
    built,
    images: [...built, ...imagesElsewhere(prepared)],
    verify: inputs.build !== 'false' && builds.length > 0
  }
}

type SessionNeeds = Pick<SessionRequest, 'images' | 'built' | 'verify'>

/**
 * The registry logins of this run: to push with, and for the nodes to pull with; the images say which registry they are for where the inputs
 * do not. The signal ends what takes long.
 */
export function openSession(run: Run, of: SessionNeeds, signal?: AbortSignal): Promise<RegistrySession> {
  const { inputs, ports } = run
  const cancelled = signal === undefined ? ports.cancelled : AbortSignal.any([ports.cancelled, signal])
  return openRegistrySession(
    { ...ports, cancelled },
    {
      ...(inputs.registry !== undefined && { registry: inputs.registry }),
      ...(inputs.registryLogin !== undefined && { push: inputs.registryLogin }),
      ...(inputs.pullLogin !== undefined && { pull: inputs.pullLogin }),
      ...(inputs.githubToken !== undefined && { githubToken: inputs.githubToken }),
      ...of
    }
  )
}

/** The names that the compose files give to what they build. */
function imagesOfBuilds({ translation }: Prepared): readonly string[] {
  return translation.builds.flatMap(({ image }) => image ?? [])
}

/** The images that the services name and nothing here builds. */
function imagesElsewhere(prepared: Prepared): readonly string[] {
  const built = imagesOfBuilds(prepared)
  const named = Object.values(prepared.translation.stack.services).map(({ image }) => image)
  return named.filter(image => image !== '' && !built.includes(image))
}

/** Whether only its registry can tell an image's digest. */
function hasToBeAsked(image: string): boolean {
  const reference = parseReference(image)
  return reference !== undefined && reference.digest === undefined
}

/** Something that is opened while other things go on. Closing it ends the opening too, or closes what has come of it. */
function begin<T extends AsyncDisposable>(
  open: (signal: AbortSignal) => Promise<T>
): AsyncDisposable & { readonly opened: Promise<T> } {
  const over = new AbortController()
  const opened = open(over.signal)
  opened.catch(() => undefined) // it is told where it is waited for
  return {
    opened,
    [Symbol.asyncDispose]: async () => {
      over.abort()
      await opened.then(
        thing => thing[Symbol.asyncDispose](),
        () => undefined
      )
    }
  }
}

/** Waits for both. @throws UserError with what is wrong with either. */
async function together<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b])
  if (first.status === 'fulfilled' && second.status === 'fulfilled') return [first.value, second.value]
  const failures = [first, second].flatMap(each => (each.status === 'rejected' ? [each.reason as unknown] : []))
  if (failures.length === 1) throw failures[0]
  throw new UserError(failures.flatMap(problemsOf))
}
