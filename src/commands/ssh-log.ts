import { fingerprintOf, knownHostsName } from '../ssh/known-hosts.js'
import type { Hop } from './ssh.js'

/** A host key that was shown to us, under the name that ssh looked it up by. */
export interface SeenKey {
  readonly name: string
  readonly fingerprint: string
  readonly type: string
  readonly key: string
}

/** Why there is no connection. `hop` is the machine it failed at, where ssh says so. */
export type SshFailure =
  | { readonly kind: 'host-key'; readonly changed: boolean; readonly seen: SeenKey | undefined; readonly hop: Hop }
  | { readonly kind: 'login-refused'; readonly hop: Hop }
  | { readonly kind: 'no-answer'; readonly hop: Hop }
  | { readonly kind: 'unreachable'; readonly hop: Hop; readonly reason: string }
  | { readonly kind: 'turned-away'; readonly hop: Hop }
  | { readonly kind: 'no-common'; readonly hop: Hop; readonly reason: string }
  | { readonly kind: 'old-ssh'; readonly reason: string }
  | { readonly kind: 'no-ssh' }
  | { readonly kind: 'other'; readonly reason: string }

/** Reads the verifier's notes: one `name fingerprint type base64` a line. */
export function readSeen(text: string): readonly SeenKey[] {
  return text.split('\n').flatMap(line => {
    const [name, , type, key] = line.split(' ')
    return name === undefined || type === undefined || key === undefined
      ? []
      : [{ name, fingerprint: fingerprintOf(key), type, key }]
  })
}

/**
 * What ssh's own messages say about a connection that did not come about. `timedOut`: we ended it, it had not.
 * The wording is OpenSSH's, stable since long before 8.5 (sshconnect.c, sshconnect2.c, kex.c).
 */
export function readFailure(
  log: string,
  seen: readonly SeenKey[],
  hops: readonly Hop[],
  timedOut: boolean
): SshFailure {
  const last = hops[hops.length - 1] ?? { user: '', host: '', port: 22 }
  const hopOf = (line: string): Hop => hops.find(hop => mentions(line, hop.host)) ?? last
  const find = (pattern: RegExp): string | undefined => log.split('\n').find(line => pattern.test(line))
  const old = find(/Bad configuration option|unsupported option|keyword .* extra arguments/i)
  if (old !== undefined) return { kind: 'old-ssh', reason: old.trim() }
  if (find(/Host key verification failed/) !== undefined) {
    const key = seen[seen.length - 1]
    const hop = hops.find(each => knownHostsName(each.host, each.port) === key?.name) ?? last
    return {
      kind: 'host-key',
      changed: find(/HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/) !== undefined,
      seen: key,
      hop
    }
  }
  const refused = find(/Permission denied \(|Too many authentication failures|No more authentication methods/)
  if (refused !== undefined) return { kind: 'login-refused', hop: hopOf(refused) }
  const common = find(/Unable to negotiate|no matching (host key|key exchange|cipher|mac)/i)
  if (common !== undefined) return { kind: 'no-common', hop: hopOf(common), reason: common.trim() }
  const unreachable = find(
    /Connection refused|No route to host|Network is unreachable|Could not resolve hostname|Name or service not known/
  )
  if (unreachable !== undefined) return { kind: 'unreachable', hop: hopOf(unreachable), reason: reasonIn(unreachable) }
  const silent = find(/timed out|timeout/i)
  if (silent !== undefined || timedOut) return { kind: 'no-answer', hop: hopOf(silent ?? '') }
  const away = find(/kex_exchange_identification|banner exchange|Connection (closed|reset) by/)
  if (away !== undefined) return { kind: 'turned-away', hop: hopOf(away) }
  return { kind: 'other', reason: log.trim().split('\n').slice(-5).join('\n') }
}

function reasonIn(line: string): string {
  return (
    /(Connection refused|No route to host|Network is unreachable|Could not resolve hostname.*|Name or service not known)/
      .exec(line)?.[1]
      ?.trim() ?? line.trim()
  )
}

function mentions(line: string, host: string): boolean {
  return line
    .toLowerCase()
    .split(/[\s@,[\]()"]+/)
    .some(word => word.replace(/[:.]+$/, '') === host.toLowerCase())
}
