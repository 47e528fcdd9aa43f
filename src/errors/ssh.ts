import { knownHostsName, type BadLine } from '../ssh/known-hosts.js'
import type { WrongKey } from '../ssh/private-key.js'
import type { SeenKey, SshFailure } from '../commands/ssh-log.js'
import type { Hop } from '../commands/ssh.js'
import type { Problem } from '../errors.js'

/** `user@host` or `user@host:port`, as a message names it. */
export function nameOf(hop: Hop): string {
  const host = hop.host.includes(':') ? `[${hop.host}]` : hop.host
  return `${hop.user}@${host}${hop.port === 22 ? '' : `:${hop.port}`}`
}

const wantPrivateKey =
  'Put the private key into the secret: the whole file, from `-----BEGIN … PRIVATE KEY-----` to `-----END … PRIVATE KEY-----`.'

const wrongKeys: Readonly<Record<WrongKey, Problem>> = {
  empty: { message: '`ssh-key` is empty.', remedy: wantPrivateKey },
  public: {
    message: '`ssh-key` is a public key.',
    remedy: `${wantPrivateKey} It is the file without \`.pub\`; the public one belongs into \`~/.ssh/authorized_keys\` on the server.`
  },
  putty: {
    message: '`ssh-key` is a PuTTY key (.ppk), which OpenSSH does not read.',
    remedy:
      'Convert it: `puttygen key.ppk -O private-openssh-new -o key`, or in PuTTYgen Conversions > Export OpenSSH key.'
  },
  certificate: { message: '`ssh-key` is a certificate.', remedy: wantPrivateKey },
  path: {
    message: '`ssh-key` is the path of a file, not a key.',
    remedy: `${wantPrivateKey} \`gh secret set SSH_KEY < ~/.ssh/id_ed25519\` does that.`
  },
  'cut-off': {
    message: '`ssh-key` is cut off: its `-----END … PRIVATE KEY-----` line is missing.',
    remedy: wantPrivateKey
  },
  damaged: {
    message: '`ssh-key` is damaged: what is between its BEGIN and END lines is not a key.',
    remedy: `${wantPrivateKey} \`ssh-keygen -y -f FILE\` tells whether a file is whole.`
  },
  unknown: { message: '`ssh-key` is not a private key.', remedy: wantPrivateKey }
}

/** A text in `ssh-key` that is no private key. The text itself is never shown. */
export function wrongKey(what: WrongKey): Problem {
  return wrongKeys[what]
}

export const passphraseMissing: Problem = {
  message: '`ssh-key` is protected by a passphrase, and `ssh-key-passphrase` is empty.',
  remedy:
    'Give its passphrase in `ssh-key-passphrase`, or make a key for deploying without one: `ssh-keygen -t ed25519 -N "" -f deploy-key`.'
}

export const passphraseWrong: Problem = {
  message: '`ssh-key-passphrase` does not open `ssh-key`.',
  remedy:
    'Check both secrets: `ssh-keygen -y -f FILE` asks for the passphrase and prints the public key when it is right.'
}

export const noKey: Problem = {
  message: 'No `ssh-key`, and no ssh-agent in this job.',
  remedy:
    'Give `ssh-key: ${{ secrets.SSH_KEY }}`. A secret that does not exist arrives as an empty text: check its name.'
}

export const noSsh: Problem = {
  message: 'The runner has no `ssh` (or no `ssh-keygen`) on its PATH.',
  remedy: 'Install the OpenSSH client on the runner: `apt-get install -y openssh-client`, or `apk add openssh-client`.'
}

/** Lines of `ssh-known-hosts` that are none. `host` is who we would connect to, for the line to paste. */
export function badKnownHosts(bad: readonly BadLine[], host: Hop): readonly Problem[] {
  return bad.map(({ line, key }) =>
    key === undefined
      ? {
          message: `\`ssh-known-hosts\`: line ${line} is not a known_hosts line.`,
          remedy: `Each line reads \`host type key\`. \`ssh-keyscan ${host.port === 22 ? '' : `-p ${host.port} `}${host.host}\` prints them; compare the fingerprint with the server's own.`
        }
      : {
          message: `\`ssh-known-hosts\`: line ${line} is a key without its host.`,
          remedy: `Write the host before it: \`${knownHostsName(host.host, host.port)} ${key}\``
        }
  )
}

/** The server's key is not known: the run stopped before it authenticated. `known` are the hosts that known_hosts lines speak of. */
export function unknownHostKey(hop: Hop, seen: readonly SeenKey[], known: readonly string[]): Problem {
  const keys = seen.map(key => `${key.fingerprint} (${kindOf(key.type)})`).join(', ')
  const lines = seen.map(key => `${key.name} ${key.type} ${key.key}`)
  const others =
    known.length === 0
      ? ''
      : ` \`ssh-known-hosts\` speaks of ${known.join(', ')}, but not of ${knownHostsName(hop.host, hop.port)}.`
  return {
    message: `Nothing vouches for the host key of ${nameOf(hop)}, so the run stopped before it logged in. The server shows ${keys || 'no key'}.${others}`,
    remedy: `Compare it with the server's own (\`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\` there, or the provider's console). If it is the same, add this to the step:\n\n  ssh-known-hosts: |\n${lines.map(line => `    ${line}`).join('\n')}`
  }
}

/** The server's key is another than the one that vouches for it: fingerprints of both. `source` is the input that named it. */
export function wrongHostKey(
  hop: Hop,
  expected: readonly string[],
  seen: readonly SeenKey[],
  source: 'ssh-known-hosts' | 'ssh-fingerprint'
): Problem {
  const shown = seen.map(key => `${key.fingerprint} (${kindOf(key.type)})`).join(', ')
  return {
    message: `The host key of ${nameOf(hop)} is not the one in \`${source}\`, so the run stopped before it logged in. Expected ${expected.join(' or ')}; the server shows ${shown || 'none'}.`,
    remedy:
      'Either the server was made anew, or somebody is in between. Look the fingerprint up on the server itself ' +
      `(\`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\`) before you change \`${source}\`.`
  }
}

/** sshd took none of our keys. `publicKey` is the line that authorized_keys wants; undefined for an agent's. */
export function loginRefused(hop: Hop, publicKey: string | undefined, userGiven: boolean): Problem {
  const who = userGiven ? `user ${hop.user}` : `user ${hop.user} (the default, as \`host\` names none)`
  return {
    message: `${nameOf(hop)} refused the login: its sshd does not take ${publicKey === undefined ? "the ssh-agent's keys" : 'this `ssh-key`'} for ${who}.`,
    remedy:
      publicKey === undefined
        ? `Check that the agent holds the key (\`ssh-add -l\`) whose public half is in ~/.ssh/authorized_keys of ${hop.user}.`
        : `Check the user in \`host\`, and that ~/.ssh/authorized_keys of ${hop.user} on the server has this line:\n\n  ${publicKey}`
  }
}

/** What kept one host from being connected to, other than its host key or the login. */
export function connectionFailed(
  failure: Exclude<SshFailure, { kind: 'host-key' | 'login-refused' }>,
  seconds: number
): Problem {
  switch (failure.kind) {
    case 'no-ssh':
      return noSsh
    case 'no-answer':
      return {
        message: `${nameOf(failure.hop)} did not answer within ${seconds} s.`,
        remedy: `Is the server on, is the address right, and does its firewall let port ${failure.hop.port} in from anywhere (runners have changing addresses)?`
      }
    case 'unreachable':
      return {
        message: `${nameOf(failure.hop)} cannot be reached: ${failure.reason}.`,
        remedy: /resolve|not known/.test(failure.reason)
          ? 'Check the spelling of `host`, and that the name has a public DNS record.'
          : `Check the address and the port, that sshd runs on the server, and its firewall (port ${failure.hop.port}).`
      }
    case 'turned-away':
      return {
        message: `${nameOf(failure.hop)} closed the connection before the login.`,
        remedy: `sshd may have too many logins under way (MaxStartups), ban the runner's address (fail2ban), or port ${failure.hop.port} may not be sshd's. Its log says which.`
      }
    case 'no-common':
      return {
        message: `${nameOf(failure.hop)} and the runner's ssh have no algorithm in common.`,
        remedy: 'Update the OpenSSH server, or allow a current algorithm in its sshd_config.',
        details: failure.reason
      }
    case 'old-ssh':
      return {
        message: "The runner's ssh is too old: OpenSSH 8.5 or newer is needed to verify host keys.",
        remedy: 'Use a runner image of Ubuntu 22.04, Debian 12 or newer.',
        details: failure.reason
      }
    case 'other':
      return { message: 'ssh ended without a connection.', details: failure.reason }
  }
}

/** The server does not forward ports back (AllowTcpForwarding). */
export function forwardBackRefused(host: string, reason: string): Problem {
  return {
    message: `${host} does not let a port be forwarded back over the connection.`,
    remedy:
      'Set `AllowTcpForwarding yes` (or `remote`) in its /etc/ssh/sshd_config and reload sshd, or use `transfer: registry`.',
    details: reason
  }
}

/** export-docker-host on a server that does not forward sockets: our relay ends with this step. */
export function cannotKeep(host: string): Problem {
  return {
    message: `\`export-docker-host\` needs ${host} to forward sockets, and its sshd does not.`,
    remedy:
      'Set `AllowStreamLocalForwarding yes` in its /etc/ssh/sshd_config and reload sshd, or drop `export-docker-host`.'
  }
}

/** The job was cancelled before there was a connection. */
export function cancelledWhileConnecting(host: string): Problem {
  return { message: `The job was cancelled while it connected to ${host}: nothing was changed there.` }
}

function kindOf(type: string): string {
  return type
    .replace(/^ssh-/, '')
    .replace(/^ecdsa-sha2-.*/, 'ecdsa')
    .toUpperCase()
}
