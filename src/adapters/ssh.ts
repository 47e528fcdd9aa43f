import { fingerprintOf, entriesFor, readKnownHosts, type KnownHost } from '../commands/known-hosts.js'
import { readSocketProbe, socketProbeArgv, type SocketProbe } from '../commands/socket-probe.js'
import type { Hop } from '../commands/ssh.js'
import { messageOf, UserError, type Problem } from '../errors.js'
import { engineSilent, localSocketSilent, noWayToEngine } from '../errors/engine.js'
import {
  badFingerprint,
  badKnownHosts,
  cannotKeep,
  connectionFailed,
  loginRefused,
  noKey,
  unknownHostKey,
  wrongHostKey
} from '../errors/ssh.js'
import type { Connect, ConnectRequest, Host, HostAddress, Log } from '../ports.js'
import { makeEngine, type CountedEngine } from './engine.js'
import { localHost } from './local-host.js'
import { localShell } from './shell.js'
import { SshConnection, type Attempt, type Route } from './ssh-connection.js'
import { SshFolder, type ConnectionRecord } from './ssh-folder.js'
import { openKey, type OpenKey } from './ssh-key.js'
import { Relay } from './ssh-relay.js'
import { forwardBack, remoteShell, SessionGate, type RunRemote } from './ssh-sessions.js'

/** The user where `host` names none, as on most fresh servers. */
const defaultUser = 'root'

/** How long the engine may take over its first answer once the connection stands. */
const firstPingMs = 15_000

export interface ConnectDependencies {
  readonly log: Log
  /** The job's environment; a connection's processes get PATH, HOME and what the agent and the runner need, no more. */
  readonly env: Readonly<Record<string, string>>
  readonly runnerTemp: string
  /** Hears of all connections so far before anything of a new one is made, for `cleanUpConnection` in the post step. */
  readonly remember: (records: readonly ConnectionRecord[]) => void
}

/**
 * Makes the Connect port: one OpenSSH process and one handshake, through which the engine's socket is forwarded, commands
 * run and ports are forwarded back. The server's key is verified in that handshake; the runner's own ~/.ssh is not read.
 */
export function makeConnect(dependencies: ConnectDependencies): Connect {
  const records: ConnectionRecord[] = []
  const remember = (record: ConnectionRecord): void => {
    records.push(record)
    dependencies.remember(records)
  }
  return async request => {
    const [local] = request.hosts.filter(host => host.kind === 'unix')
    if (local !== undefined) return await connectLocally(dependencies, local, request)
    return await connectOverSsh(dependencies, request, remember)
  }
}

async function connectLocally(
  dependencies: ConnectDependencies,
  address: HostAddress,
  request: ConnectRequest
): Promise<Host> {
  const host = localHost(localShell, childEnv(dependencies.env), address)
  try {
    if (request.withoutEngine !== true) await host.ping(firstPingMs)
    return host
  } catch (error) {
    throw new UserError(localSocketSilent(address.socket, messageOf(error)), { cause: error })
  }
}

async function connectOverSsh(
  dependencies: ConnectDependencies,
  request: ConnectRequest,
  remember: (record: ConnectionRecord) => void
): Promise<Host> {
  const { log, runnerTemp } = dependencies
  const checked = checkTrust(request)
  const env = childEnv(dependencies.env)
  const useKey = (request.key ?? '').trim() !== ''
  const problems = [...checked.problems, ...(useKey || env['SSH_AUTH_SOCK'] !== undefined ? [] : [noKey])]
  const folder = await SshFolder.make(runnerTemp, remember)
  try {
    const key = useKey ? await opened(folder, env, request, problems) : undefined
    if (problems.length > 0) throw new UserError(problems)
    if (useKey) delete env['SSH_AUTH_SOCK']
    const connection = new SshConnection(folder, {
      env,
      log,
      routes: request.hosts.map(host => routeTo(host, request.jumps)),
      key: key?.text,
      knownHosts: checked.known,
      fingerprints: checked.fingerprints,
      timeoutMs: request.timeoutMs,
      signal: request.signal
    })
    try {
      return await firstThatAnswers(dependencies, connection, request, key)
    } catch (error) {
      await connection.drop()
      throw error
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}

/** The opened key; what is wrong with it is added to the other problems, so that one run names them all. */
async function opened(
  folder: SshFolder,
  env: Readonly<Record<string, string>>,
  request: ConnectRequest,
  problems: Problem[]
): Promise<OpenKey | undefined> {
  try {
    return await openKey(localShell, folder, env, request.key ?? '', request.passphrase)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** Tries the hosts in turn. A host key that is not vouched for ends the run: the next host could only hide it. */
async function firstThatAnswers(
  dependencies: ConnectDependencies,
  connection: SshConnection,
  request: ConnectRequest,
  key: OpenKey | undefined
): Promise<Host> {
  const problems: Problem[] = []
  for (const [index, address] of request.hosts.entries()) {
    const attempt = await connection.attempt(index)
    if (attempt.kind === 'down') {
      const problem = explain(connection, attempt, address, key)
      if (attempt.failure.kind === 'host-key') throw new UserError([...problems, problem])
      problems.push(problem)
    } else {
      const found = await hostOn(dependencies, connection, request)
      if ('host' in found) return found.host
      problems.push(found.problem)
      await connection.drop()
    }
    if (index < request.hosts.length - 1)
      dependencies.log.warning(`${problems.at(-1)?.message ?? ''} Trying the next host.`)
  }
  throw new UserError(problems)
}

function explain(
  connection: SshConnection,
  attempt: Extract<Attempt, { kind: 'down' }>,
  address: HostAddress,
  key: OpenKey | undefined
): Problem {
  const { failure, seen } = attempt
  const { knownHosts, fingerprints, timeoutMs } = connection.options
  switch (failure.kind) {
    case 'host-key': {
      const entries = entriesFor(knownHosts.entries, failure.hop.host, failure.hop.port)
      const expected = entries.filter(entry => entry.marker !== '@revoked').map(entry => fingerprintOf(entry.key))
      const shown = seen.filter(each => each.name === failure.seen?.name)
      if (entries.length > 0) return wrongHostKey(failure.hop, expected, shown, 'ssh-known-hosts')
      const isServer = failure.hop === connection.route.hops.at(-1)
      if (isServer && fingerprints.length > 0) return wrongHostKey(failure.hop, fingerprints, shown, 'ssh-fingerprint')
      return unknownHostKey(failure.hop, shown, [...new Set(knownHosts.entries.map(namesOf))])
    }
    case 'login-refused':
      return loginRefused(failure.hop, key?.publicKey, address.user !== undefined)
    default:
      return connectionFailed(failure, Math.round(timeoutMs / 1000))
  }
}

/** The engine through the forwarded socket; or through sessions, where the server does not forward; or why not. */
async function hostOn(
  dependencies: ConnectDependencies,
  connection: SshConnection,
  request: ConnectRequest
): Promise<{ readonly host: Host } | { readonly problem: Problem }> {
  const gate = new SessionGate()
  const run = remoteShell(localShell, connection, gate)
  const relay = { current: undefined as Relay | undefined }
  let counted = makeEngine(connection)
  const seen = (await connection.folder.seen()).map(each => `${each.name} ${each.type} ${each.key}`)
  const made = (): { host: Host } => ({ host: sshHost(dependencies, connection, counted, run, relay.current, seen) })
  if (request.withoutEngine === true) return made()
  counted.http.warm()
  try {
    await counted.http.ping(firstPingMs)
    return made()
  } catch (error) {
    dependencies.log.debug(`No answer through the forwarded socket: ${messageOf(error)}`)
  }
  counted.http.close()
  // Twice at once, so that a server that allows a single session says so now.
  const [{ facts, forced }] = await Promise.all([
    probe(run, connection.route.socket),
    probe(run, connection.route.socket)
  ])
  if (facts?.socket === 'ok' && !facts.cli) return { problem: noWayToEngine(connection.name) }
  if (forced || facts?.answers === true) {
    relay.current = new Relay(connection, gate, forced)
    await relay.current.listen()
    connection.socketPath = relay.current.socketPath
    connection.pooled = false
    counted = makeEngine(connection)
    try {
      await counted.http.ping(firstPingMs)
      dependencies.log.info(
        `${connection.name} does not forward sockets: reaching its engine through the docker CLI there.`
      )
      return made()
    } catch {
      relay.current.close()
    }
  }
  return { problem: engineSilent(connection.name, connection.route.socket, facts) }
}

/** Asks the server about the socket. `forced`: it runs a command of its own instead of ours. */
async function probe(run: RunRemote, socket: string): Promise<{ facts: SocketProbe | null; forced: boolean }> {
  const result = await run(socketProbeArgv(socket), { timeoutMs: 15_000 })
  if (/^socket=/m.test(result.stdout)) return { facts: readSocketProbe(result.stdout), forced: false }
  return { facts: null, forced: result.code === 0 }
}

function sshHost(
  dependencies: ConnectDependencies,
  connection: SshConnection,
  counted: CountedEngine,
  run: RunRemote,
  relay: Relay | undefined,
  knownHosts: readonly string[]
): Host {
  let kept = false
  return {
    get name() {
      return connection.name
    },
    engine: counted.engine,
    knownHosts,
    dockerHost: `unix://${connection.socketPath}`,
    run,
    forwardBack: (port, serverPort) => forwardBack(localShell, connection, port, serverPort),
    keep: () => {
      if (relay !== undefined) throw new UserError(cannotKeep(connection.name))
      kept = true
    },
    [Symbol.asyncDispose]: async () => {
      counted.http.close()
      relay?.close()
      dependencies.log.debug(`Engine API requests: ${counted.http.requests}`)
      if (!kept) await connection.close()
    }
  }
}

/** Known hosts and fingerprints, with everything that is wrong about them. */
function checkTrust(request: ConnectRequest): {
  known: { entries: readonly KnownHost[]; text: string }
  fingerprints: readonly string[]
  problems: readonly Problem[]
} {
  const known = readKnownHosts(request.knownHosts ?? '')
  const words = (request.fingerprint ?? '').split(/[\s,]+/).filter(word => word !== '')
  const good = words.filter(word => /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(word)).map(word => word.replace(/=$/, ''))
  const [first] = request.hosts
  return {
    known,
    fingerprints: good,
    problems: [
      ...(first === undefined ? [] : badKnownHosts(known.bad, hopOf(first))),
      ...(good.length < words.length ? [badFingerprint] : [])
    ]
  }
}

function routeTo(host: HostAddress, jumps: readonly HostAddress[]): Route {
  return { name: host.text, hops: [...jumps, host].map(hopOf), socket: host.socket }
}

function hopOf(address: HostAddress): Hop {
  return { user: address.user ?? defaultUser, host: address.host ?? '', port: address.port ?? 22 }
}

function namesOf(entry: KnownHost): string {
  return entry.hosts.startsWith('|') ? 'hashed names' : entry.hosts
}

/** What our ssh processes need of the job's environment; RUNNER_TRACKING_ID lets the runner sweep them should all else fail. */
function childEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'SSH_AUTH_SOCK', 'RUNNER_TRACKING_ID']
  const present = names.flatMap(name =>
    env[name] === undefined || env[name] === '' ? [] : [[name, env[name]] as const]
  )
  return { ...Object.fromEntries(present), LC_ALL: 'C' }
}
