/** One machine on the way: the bastions in order, then the server. */
export interface Hop {
  readonly user: string
  readonly host: string
  readonly port: number
}

/** Where a connection keeps its things: short paths, because a socket's path has at most 104 characters. */
export interface SshPaths {
  readonly config: string
  readonly control: string
  readonly knownHosts: string
  readonly verifier: string
  readonly key: string
  /** The engine's socket on this side. */
  readonly socket: string
}

export interface SshPlan {
  readonly paths: SshPaths
  readonly hops: readonly Hop[]
  /** `file`: the key of `paths.key`; `agent`: whatever the job's ssh-agent holds. */
  readonly identity: 'file' | 'agent'
  readonly timeoutSeconds: number
  /** Only these kinds of host key; all that ssh knows when not given. */
  readonly hostKeyAlgorithms?: string
}

/** The name of the server in our own configuration: what the user wrote never becomes an argument of ssh. */
export const target = 'server'

/**
 * The whole configuration of our ssh, in place of the runner's own: `ssh -F` reads no other. Each bastion is verified by
 * the same known hosts, because ProxyJump hands this file on. ssh_config(5).
 */
export function sshConfig(plan: SshPlan): string {
  const blocks = plan.hops.map((hop, index) => [
    `Host ${aliasOf(plan.hops, index)}`,
    `  HostName ${quotedLiterally(hop.host)}`,
    `  Port ${hop.port}`,
    `  User ${quoted(hop.user)}`,
    ...(index === 0 ? [] : [`  ProxyJump ${aliasOf(plan.hops, index - 1)}`])
  ])
  return [...blocks.flat(), 'Host *', ...common(plan).map(line => `  ${line}`), ''].join('\n')
}

function common(plan: SshPlan): string[] {
  const { paths } = plan
  return [
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    `UserKnownHostsFile ${quotedLiterally(paths.knownHosts)}`,
    'GlobalKnownHostsFile /dev/null',
    // The verifier answers for a known fingerprint, and notes each key it is shown, all in the same handshake.
    `KnownHostsCommand /bin/sh ${quotedLiterally(paths.verifier)} %I %H %f %t %K`,
    'UpdateHostKeys no',
    'VerifyHostKeyDNS no',
    'CheckHostIP no',
    'CanonicalizeHostname no',
    'PreferredAuthentications publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    ...(plan.identity === 'file'
      ? [`IdentityFile ${quotedLiterally(paths.key)}`, 'IdentitiesOnly yes', 'IdentityAgent none']
      : ['IdentityFile none', 'IdentitiesOnly no', 'IdentityAgent SSH_AUTH_SOCK']),
    ...(plan.hostKeyAlgorithms === undefined ? [] : [`HostKeyAlgorithms ${plan.hostKeyAlgorithms}`]),
    `ConnectTimeout ${plan.timeoutSeconds}`,
    'ConnectionAttempts 1',
    // A peer that is silent for a minute is gone; a network that is away for half a minute is waited for.
    'ServerAliveInterval 15',
    'ServerAliveCountMax 3',
    'TCPKeepAlive yes',
    'ForwardAgent no',
    'ForwardX11 no',
    'Tunnel no',
    'PermitLocalCommand no',
    'RequestTTY no',
    'EscapeChar none',
    'LogLevel INFO'
  ]
}

function aliasOf(hops: readonly Hop[], index: number): string {
  return index === hops.length - 1 ? target : `bastion${index + 1}`
}

/** The one process that does the handshake and holds the connection, with the engine's socket forwarded. */
export function masterArgv(paths: SshPaths, remoteSocket: string | null): readonly string[] {
  const forward =
    remoteSocket === null
      ? []
      : ['-o', 'StreamLocalBindUnlink=yes', '-L', `${escapeColons(paths.socket)}:${escapeColons(remoteSocket)}`]
  return [
    'ssh',
    '-F',
    paths.config,
    '-M',
    '-S',
    paths.control,
    '-nNT',
    '-o',
    'ExitOnForwardFailure=yes',
    ...forward,
    target
  ]
}

/** A command over the connection that is there. It never makes one of its own: its proxy command fails at once. */
export function sessionArgv(paths: SshPaths, command: string): readonly string[] {
  return [...client(paths), '-T', '-o', 'LogLevel=ERROR', target, command]
}

/**
 * Asks the connection for a port of the server's loopback that leads to one of ours; 0 lets the server choose. `cancel`
 * gives it back.
 */
export function forwardBackArgv(
  paths: SshPaths,
  localPort: number,
  remotePort: number,
  what: 'forward' | 'cancel' = 'forward'
): readonly string[] {
  return [...client(paths), '-O', what, '-R', `127.0.0.1:${remotePort}:127.0.0.1:${localPort}`, target]
}

/** Ends the connection from outside, where there is no /proc to be sure of the process by. */
export function exitArgv(paths: Pick<SshPaths, 'config' | 'control'>): readonly string[] {
  return [...client(paths), '-O', 'exit', target]
}

function client(paths: Pick<SshPaths, 'config' | 'control'>): readonly string[] {
  return ['ssh', '-F', paths.config, '-S', paths.control, '-o', 'ControlMaster=no', '-o', 'ProxyCommand=false']
}

/** The public half of a private key; it fails when the key is damaged or its passphrase is wrong. */
export function publicKeyArgv(keyFile: string): readonly string[] {
  return ['ssh-keygen', '-y', '-f', keyFile]
}

/** Takes the passphrase off a key file; ssh-keygen asks for it through SSH_ASKPASS. */
export function decryptArgv(keyFile: string): readonly string[] {
  return ['ssh-keygen', '-p', '-N', '', '-f', keyFile]
}

/**
 * What ssh asks about each host key (KnownHostsCommand, OpenSSH 8.5): the reason, the name it looks up, the key's
 * fingerprint, type and base64. It notes the key in `seen` and vouches for it when `allowed` holds "name fingerprint".
 * The reason ORDER only asks which kinds of key to prefer and shows none.
 */
export function verifierScript(seen: string, allowed: string): string {
  return [
    '[ "$1" = ORDER ] && exit 0',
    `printf '%s %s %s %s\\n' "$2" "$3" "$4" "$5" >>${shellQuote(seen)}`,
    `if grep -qxF -e "$2 $3" ${shellQuote(allowed)}; then printf '%s %s %s\\n' "$2" "$4" "$5"; fi`,
    'exit 0',
    ''
  ].join('\n')
}

/**
 * A command line for the server's login shell. What the user's profile prints comes before `mark`, on both streams, so
 * that it can be told from what the program prints.
 */
export function remoteCommand(argv: readonly string[], mark: string): string {
  const script = `printf '%s\\n' ${mark}; printf '%s\\n' ${mark} >&2; exec "$@"`
  return ['exec sh -c', shellQuote(script), 'sh', ...argv.map(shellQuote)].join(' ')
}

/** One word for a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** The engine's socket as a stream on a session, for servers that do not forward sockets. */
export function dialArgv(socket: string): readonly string[] {
  return ['docker', '-H', `unix://${socket}`, 'system', 'dial-stdio']
}

/** A word of ssh_config; what cannot be quoted there was refused when the address was parsed. */
function quoted(word: string): string {
  return `"${word.replaceAll('"', '')}"`
}

/** The same where ssh expands tokens such as `%h`. */
function quotedLiterally(word: string): string {
  return quoted(word.replaceAll('%', '%%'))
}

/** In `-L`, a colon ends a field unless it is escaped (parse_fwd_field in readconf.c). */
function escapeColons(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(':', '\\:')
}
