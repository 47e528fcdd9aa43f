import { posix } from 'node:path'
import { askProgram, contextHost, login as loginCommand } from '../commands/registry.js'
import {
  dockerMissing,
  loginCancelled,
  loginRefused,
  pullLoginRefused,
  registryUnreachable,
  shortLivedPull,
  whichRegistry
} from '../errors/images.js'
import {
  heldLogins,
  parseDockerConfig,
  registryAuth,
  shortLived,
  storedLogin,
  withEnvironment,
  withLogin,
  type DockerConfig,
  type Login
} from '../images/docker-config.js'
import { builderEnvironment } from '../images/environment.js'
import { dockerHub, isOfficial, parseReference, registryDomain, serverAddress } from '../images/reference.js'
import { EngineError, type Engine, type Ports } from '../ports.js'

export interface SessionRequest {
  /** The `registry` input: `ghcr.io/owner`. */
  readonly registry?: string
  readonly push?: Login
  /** What the nodes pull with; the push login when not given. */
  readonly pull?: Login
  /** The job's own token, to notice when it is given to the nodes. */
  readonly githubToken?: string
  /** Try the push login before anything is built with it. */
  readonly verify: boolean
  /** The images that are deployed: they say which registry a login is for when `registry` does not. */
  readonly images?: readonly string[]
  /** Those of them that are this project's own, as it builds them; they say it first. */
  readonly built?: readonly string[]
}

/** The registry logins of one run, in folders of its own: the job's own Docker configuration is read, never written. */
export interface RegistrySession extends AsyncDisposable {
  /** Whole environment of Docker commands that talk to the runner's builder; holds the push login by its folder. */
  readonly env: Readonly<Record<string, string>>
  /** A DOCKER_CONFIG folder for `docker stack deploy --with-registry-auth`: the nodes' login. */
  readonly pullConfig: string
  /**
   * Whether there is a login for an image's registry. A service without one must be deployed without
   * --with-registry-auth, which would put empty credentials over good ones that it has.
   */
  covers(reference: string): boolean
  /** The nodes' login for an image's registry as an X-Registry-Auth header; undefined where there is none. */
  authFor(reference: string): Promise<string | undefined>
  /** The login that `pull-username` or else `registry-username` gives, for {@link assertPullLogin}. */
  readonly nodes?: { readonly domain: string; readonly login: Login }
}

/**
 * Prepares the logins of a run: the job's own ones (files, credential programs, DOCKER_AUTH_CONFIG) and over them those of the inputs. The
 * push login is tried with the registry, on stdin. A login for the nodes that will soon expire is a warning.
 * @throws UserError when the login is refused, the registry cannot be reached (three attempts), or nothing says which one it is for; the folders
 * are gone then.
 */
export async function openRegistrySession(ports: Ports, request: SessionRequest): Promise<RegistrySession> {
  const home = ports.env['DOCKER_CONFIG'] ?? `${ports.env['HOME'] ?? ''}/.docker`
  const stored = parseDockerConfig(await ports.files.text(`${home}/config.json`))
  const fromJob = ports.env['DOCKER_AUTH_CONFIG']
  const own = withEnvironment(stored, fromJob)
  const domain = loginDomain(request)
  const nodes = request.pull ?? request.push
  const known = [request.push, request.pull, ...heldLogins(withEnvironment({}, fromJob))]
  for (const login of known) if (login !== undefined) maskLogin(ports, login)
  await using folders = new AsyncDisposableStack()
  const pushConfig = await writeConfig(ports, withLogin(own, home, domain, request.push), folders)
  const pull = withLogin(own, home, domain, nodes)
  const pullConfig = await writeConfig(ports, pull, folders)
  const dockerHost = await currentHost(ports, own, home)
  const env = builderEnvironment(ports.env, {
    dockerConfig: pushConfig,
    buildxConfig: `${home}/buildx`,
    programs: stored.credsStore !== undefined || Object.keys(stored.credHelpers ?? {}).length > 0,
    ...(dockerHost === undefined ? {} : { dockerHost })
  })
  if (request.verify && request.push !== undefined) await verifyLogin(ports, env, domain, request.push)
  const warn = warnOnce(ports, request.githubToken)
  for (const used of new Set([domain, ...domainsOf(request.images)])) {
    const found = storedLogin(pull, used)
    if (found.kind === 'login') warn(used, found.login)
  }
  const kept = folders.move()
  return {
    env,
    pullConfig,
    ...(nodes === undefined ? {} : { nodes: { domain, login: nodes } }),
    covers: reference => hasLogin(pull, parseReference(reference)?.domain),
    authFor: reference => authFor({ ports, config: pull, env, warn }, parseReference(reference)?.domain),
    [Symbol.asyncDispose]: () => kept.disposeAsync()
  }
}

/**
 * With no `registry`, a login is for the one that what is built goes to, else for the one that the images come from, official ones of Docker
 * Hub left out, as they need none. With several nobody can tell, and a wrong guess would show the password to somebody else's registry.
 */
function loginDomain(request: SessionRequest): string {
  if (request.registry !== undefined) return registryDomain(request.registry)
  const own = domainsOf(request.built)
  const candidates = own.length > 0 ? own : domainsOf(request.images?.filter(image => !isOfficial(image)))
  const hasLogin = request.pull !== undefined || request.push !== undefined
  if (hasLogin && candidates.length > 1) throw whichRegistry(candidates)
  return candidates[0] ?? dockerHub
}

function domainsOf(images: readonly string[] = []): readonly string[] {
  const domains = images.map(image => parseReference(image)?.domain)
  return [...new Set(domains.filter(name => name !== undefined))]
}

/** Says of each registry once that the nodes get a login there that does not last. */
function warnOnce(ports: Ports, githubToken: string | undefined): (domain: string, login: Login) => void {
  const said = new Set<string>()
  return (domain, login) => {
    const kind = shortLived(login, githubToken)
    if (kind === undefined || said.has(domain)) return
    said.add(domain)
    ports.log.warning(shortLivedPull(domain, kind))
  }
}

function maskLogin(ports: Ports, login: Login): void {
  ports.log.mask(login.password)
  ports.log.mask(Buffer.from(`${login.username}:${login.password}`).toString('base64'))
}

/** Writes a config.json into a folder of its own, which serves as DOCKER_CONFIG, and is gone with the others. */
async function writeConfig(ports: Ports, config: DockerConfig, folders: AsyncDisposableStack): Promise<string> {
  const file = await ports.files.writeTemp('config.json', `${JSON.stringify(config, null, 2)}\n`)
  const folder = posix.dirname(file)
  folders.defer(() => ports.files.remove(folder))
  return folder
}

/** The engine of the job's current context; undefined for the default one, or where DOCKER_HOST decides. */
async function currentHost(ports: Ports, own: DockerConfig, home: string): Promise<string | undefined> {
  const context = ports.env['DOCKER_CONTEXT'] ?? own.currentContext ?? ''
  if (context === '' || context === 'default' || ports.env['DOCKER_HOST'] !== undefined) return undefined
  const env = { PATH: ports.env['PATH'] ?? '', HOME: ports.env['HOME'] ?? '', DOCKER_CONFIG: home }
  const { code, stdout } = await ports.shell.run(contextHost(context), { env, timeoutMs: 10_000 })
  return code === 0 && stdout.trim() !== '' ? stdout.trim() : undefined
}

const refused = /unauthorized|denied|incorrect|401|403|forbidden|authentication required/i
const attempts = 3

async function verifyLogin(
  ports: Ports,
  env: Readonly<Record<string, string>>,
  domain: string,
  login: Login
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const argv = loginCommand(login.username, domain === dockerHub ? undefined : domain)
    const result = await ports.shell.run(argv, {
      env,
      stdin: login.password,
      timeoutMs: 60_000,
      signal: ports.cancelled
    })
    if (result.code === 0) return
    if (result.code === 127) throw dockerMissing()
    const details = result.stderr.trim()
    if (refused.test(details)) throw loginRefused(domain, login.username, details)
    if (ports.cancelled.aborted) throw loginCancelled(domain)
    if (attempt === attempts) throw registryUnreachable(domain, details)
    await ports.clock.sleep(2_000 * attempt, ports.cancelled)
  }
}

/** A credential program that holds everything counts for the registries that a login was made for: they have an entry. */
function hasLogin(config: DockerConfig, domain: string | undefined): boolean {
  if (domain === undefined) return false
  const stored = storedLogin(config, domain)
  if (stored.kind !== 'program') return stored.kind === 'login'
  const address = serverAddress(domain)
  return Boolean(config.credHelpers?.[address]) || config.auths?.[address] !== undefined
}

interface Stored {
  readonly ports: Ports
  readonly config: DockerConfig
  readonly env: Readonly<Record<string, string>>
  readonly warn: (domain: string, login: Login) => void
}

async function authFor({ ports, config, env, warn }: Stored, domain: string | undefined): Promise<string | undefined> {
  if (domain === undefined || !hasLogin(config, domain)) return undefined
  const stored = storedLogin(config, domain)
  if (stored.kind === 'login') return registryAuth(domain, stored.login, stored.identityToken)
  if (stored.kind === 'none') return undefined
  const { code, stdout } = await ports.shell.run(askProgram(stored.program), {
    env,
    stdin: stored.server,
    timeoutMs: 30_000,
    signal: ports.cancelled
  })
  const login = code === 0 ? programLogin(stdout) : undefined
  if (login === undefined) return undefined
  maskLogin(ports, login)
  warn(domain, login)
  return login.username === '<token>' ? registryAuth(domain, login, login.password) : registryAuth(domain, login)
}

function programLogin(stdout: string): Login | undefined {
  try {
    const { Username, Secret } = JSON.parse(stdout) as { Username?: unknown; Secret?: unknown }
    return typeof Username === 'string' && typeof Secret === 'string' && Secret !== ''
      ? { username: Username, password: Secret }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Lets the manager try the nodes' login: it is the nodes that must be able to pull. A registry that the manager cannot
 * reach is left to the pull itself, whose error says more.
 * @throws UserError when the registry refuses it.
 */
export async function assertPullLogin(engine: Engine, session: RegistrySession): Promise<void> {
  if (session.nodes === undefined) return
  const { domain, login } = session.nodes
  try {
    await engine.call('POST', '/auth', { body: { ...login, serveraddress: serverAddress(domain) } })
  } catch (error) {
    if (!(error instanceof EngineError) || error.status === 0) throw error
    if (refused.test(error.message)) throw pullLoginRefused(domain, login.username, error.message)
  }
}
