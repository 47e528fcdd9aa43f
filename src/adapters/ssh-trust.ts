import { entriesFor, fingerprintOf, readKnownHosts, type KnownHost } from '../ssh/known-hosts.js'
import type { Hop } from '../commands/ssh.js'
import type { Problem } from '../errors.js'
import { badKnownHosts, connectionFailed, loginRefused, unknownHostKey, wrongHostKey } from '../errors/ssh.js'
import type { ConnectRequest, HostAddress } from '../ports.js'
import type { Attempt, SshConnection } from './ssh-connection.js'
import type { OpenKey } from './ssh-key.js'

/** The user where `host` names none, as on most fresh servers. */
const defaultUser = 'root'

/** Known hosts and fingerprints, with everything that is wrong about them. */
export function checkTrust(request: ConnectRequest): {
  known: { entries: readonly KnownHost[]; text: string }
  fingerprints: readonly string[]
  problems: readonly Problem[]
} {
  const known = readKnownHosts(request.knownHosts ?? '')
  const [first] = request.hosts
  return {
    known,
    fingerprints: request.fingerprint === undefined ? [] : [request.fingerprint],
    problems: first === undefined ? [] : badKnownHosts(known.bad, hopOf(first))
  }
}

/** Why an attempt did not come to a connection, in words for the user; `address` is what they wrote. */
export function explain(
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

/** A server as ssh is to reach it. */
export function hopOf(address: HostAddress): Hop {
  return { user: address.user ?? defaultUser, host: address.host ?? '', port: address.port ?? 22 }
}

function namesOf(entry: KnownHost): string {
  return entry.hosts.startsWith('|') ? 'hashed names' : entry.hosts
}
