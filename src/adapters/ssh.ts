import { messageOf, UserError, type Problem } from '../errors.js'
import { localSocketSilent } from '../errors/engine.js'
import { noKey } from '../errors/ssh.js'
import type { Connect, ConnectRequest, Host, HostAddress, Log } from '../ports.js'
import { localHost } from './local-host.js'
import { localShell } from './shell.js'
import { SshConnection, type Route } from './ssh-connection.js'
import { SshFolder, type ConnectionRecord } from './ssh-folder.js'
import { firstPingMs, hostOn } from './ssh-host.js'
import { openKey, type OpenKey } from './ssh-key.js'
import { checkTrust, explain, hopOf } from './ssh-trust.js'

export interface ConnectDependencies {
  readonly log: Log
  /** The job's environment; a connection's processes get PATH, HOME and what the agent and the runner need, no more. */
  readonly env: Readonly<Record<string, string>>
  readonly runnerTemp: string
  /** Hears of all connections there are, before anything of a new one is made and when one is gone, for `cleanUpConnection` in the post step. */
  readonly remember: (records: readonly ConnectionRecord[]) => void
}

/**
 * Makes the Connect port: one OpenSSH process and one handshake, through which the engine's socket is forwarded, commands
 * run and ports are forwarded back. The server's key is verified in that handshake; the runner's own ~/.ssh is not read.
 */
export function makeConnect(dependencies: ConnectDependencies): Connect {
  const records = new Set<ConnectionRecord>()
  const keep = (record: ConnectionRecord, is: 'made' | 'gone'): void => {
    if (is === 'made') records.add(record)
    else records.delete(record)
    dependencies.remember([...records])
  }
  return async request => {
    const [local] = request.hosts.filter(host => host.kind === 'unix')
    if (local !== undefined) return await connectLocally(dependencies, local, request)
    return await connectOverSsh(dependencies, request, keep)
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
  keep: (record: ConnectionRecord, is: 'made' | 'gone') => void
): Promise<Host> {
  const { log, runnerTemp } = dependencies
  const checked = checkTrust(request)
  const env = childEnv(dependencies.env)
  const useKey = (request.key ?? '').trim() !== ''
  const problems = [...checked.problems, ...(useKey || env['SSH_AUTH_SOCK'] !== undefined ? [] : [noKey])]
  const folder = await SshFolder.make(runnerTemp, keep)
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
      return await firstThatAnswers(log, connection, request, key)
    } catch (error) {
      await connection.close()
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
  log: Log,
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
      const found = await hostOn(log, connection, request)
      if ('host' in found) return found.host
      problems.push(found.problem)
      await connection.drop()
    }
    if (index < request.hosts.length - 1) log.warning(`${problems.at(-1)?.message ?? ''} Trying the next host.`)
  }
  throw new UserError(problems)
}

function routeTo(host: HostAddress, jumps: readonly HostAddress[]): Route {
  return { name: host.text, hops: [...jumps, host].map(hopOf), socket: host.socket }
}

/** What our ssh processes need of the job's environment; RUNNER_TRACKING_ID lets the runner sweep them should all else fail. */
function childEnv(env: Readonly<Record<string, string>>): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'SSH_AUTH_SOCK', 'RUNNER_TRACKING_ID']
  const present = names.flatMap(name =>
    env[name] === undefined || env[name] === '' ? [] : [[name, env[name]] as const]
  )
  return { ...Object.fromEntries(present), LC_ALL: 'C' }
}
