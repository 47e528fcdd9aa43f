import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readSocketProbe, socketProbeArgv, type SocketProbe } from '../commands/socket-probe.js'
import { messageOf, UserError, type Problem } from '../errors.js'
import { engineSilent, noWayToEngine } from '../errors/engine.js'
import { cannotKeep } from '../errors/ssh.js'
import type { ConnectRequest, Host, Log } from '../ports.js'
import { makeEngine, type CountedEngine } from './engine.js'
import { EngineFront } from './engine-front.js'
import { localShell } from './shell.js'
import type { SshConnection } from './ssh-connection.js'
import { Relay } from './ssh-relay.js'
import { forwardBack, remoteShell, SessionGate, type RunRemote } from './ssh-sessions.js'

/** How long the engine may take over its first answer once the connection stands. */
export const firstPingMs = 15_000

/** How long the connections that are opened beside the first may take longer than that. */
const warmMs = 50

/**
 * The host on a connection that stands: its engine through the forwarded socket; or through sessions, where the server does not
 * forward; or why not. `withoutEngine`: there need not be one yet.
 */
export async function hostOn(
  log: Log,
  connection: SshConnection,
  { withoutEngine, onUp }: Pick<ConnectRequest, 'withoutEngine' | 'onUp'>
): Promise<{ readonly host: Host } | { readonly problem: Problem }> {
  const gate = new SessionGate()
  const run = remoteShell(localShell, connection, gate)
  const relay = { current: undefined as Relay | undefined }
  let counted = makeEngine(connection)
  const seen = (await connection.folder.seen()).map(each => `${each.name} ${each.type} ${each.key}`)
  const made = (): { host: Host } => ({ host: sshHost(log, connection, counted, run, relay.current, seen) })
  if (withoutEngine === true) return made()

  try {
    const answered = counted.http.ping(firstPingMs)
    onUp?.({ run, engine: counted.engine })
    const warm = counted.warm()
    await answered
    // they come in the same moment, and what is asked before would open connections of its own
    await Promise.race([warm, delay(warmMs, undefined, { ref: false })])
    return made()
  } catch (error) {
    log.debug(`No answer through the forwarded socket: ${messageOf(error)}`)
  }
  counted.close()
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
      log.info(`${connection.name} does not forward sockets: reaching its engine through the docker CLI there.`)
      return made()
    } catch {
      relay.current.close()
      counted.close()
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
  log: Log,
  connection: SshConnection,
  counted: CountedEngine,
  run: RunRemote,
  relay: Relay | undefined,
  knownHosts: readonly string[]
): Host {
  let kept = false
  let fronts = 0
  return {
    get name() {
      return connection.name
    },
    engine: counted.engine,
    knownHosts,
    dockerHost: `unix://${connection.socketPath}`,
    openFront: async questions => {
      const socket = join(connection.folder.record.folder, `front${++fronts}.sock`)
      const front = new EngineFront(counted.http, socket, questions, line => log.debug(line))
      await front.open()
      return {
        dockerHost: `unix://${socket}`,
        [Symbol.asyncDispose]: () => {
          front.close()
          return Promise.resolve()
        }
      }
    },
    run,
    forwardBack: (port, serverPort) => forwardBack(localShell, connection, port, serverPort),
    keep: () => {
      if (relay !== undefined) throw new UserError(cannotKeep(connection.name))
      kept = true
    },
    [Symbol.asyncDispose]: async () => {
      counted.close()
      relay?.close()
      log.debug(`Engine API requests: ${counted.requests()}`)
      if (!kept) await connection.close()
    }
  }
}
