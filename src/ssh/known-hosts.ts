import { createHash, createHmac } from 'node:crypto'

/** One line of known_hosts: which hosts, and the key that they must show. */
export interface KnownHost {
  /** Counted from 1 in the text that the user gave. */
  readonly line: number
  readonly marker?: string
  readonly hosts: string
  readonly type: string
  /** Base64, as in the file. */
  readonly key: string
}

/** A line of `ssh-known-hosts` that cannot be one. `key` is there when it is a bare public key, its host left out. */
export interface BadLine {
  readonly line: number
  readonly key?: string
}

/**
 * Reads the text of `ssh-known-hosts`, with CRLF or escaped line ends repaired. `text` is what ssh may be given.
 * See sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 */
export function readKnownHosts(source: string): {
  readonly entries: readonly KnownHost[]
  readonly bad: readonly BadLine[]
  readonly text: string
} {
  const entries: KnownHost[] = []
  const bad: BadLine[] = []
  const lines = unescaped(source).split(/\r\n|\r|\n/)
  lines.forEach((raw, index) => {
    const line = index + 1
    const words = raw.trim().split(/\s+/)
    if (words[0] === '' || words[0]?.startsWith('#') === true) return
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined
    const [hosts = '', type = '', key = ''] = words
    if (isKeyType(hosts)) bad.push({ line, key: `${hosts} ${type}` })
    else if (!isKeyType(type) || !isKeyBody(key)) bad.push({ line })
    else entries.push({ line, hosts: canonicalHosts(hosts), type, key, ...(marker === undefined ? {} : { marker }) })
  })
  const text = entries.map(entry => [entry.marker, entry.hosts, entry.type, entry.key].filter(Boolean).join(' '))
  return { entries, bad, text: text.map(line => `${line}\n`).join('') }
}

/**
 * An IPv6 address as ssh writes it down before it looks it up, whatever form the user gave (resolve_addr in ssh.c); any
 * other name as it is.
 */
export function canonicalHost(host: string): string {
  if (!host.includes(':')) return host
  const url = `http://[${host}]`
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : host
}

/** The name that ssh looks a host up by: `[host]:port` unless the port is 22, in lower case. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

/** `SHA256:…` of a key's base64, as `ssh-keygen -l` prints it. */
export function fingerprintOf(key: string): string {
  return `SHA256:${createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')}`
}

/**
 * The entries that speak about a host. ssh asks by `[host]:port` first and then, when nothing matches, by the host
 * alone (check_host_key in sshconnect.c), so this does too.
 */
export function entriesFor(entries: readonly KnownHost[], host: string, port: number): readonly KnownHost[] {
  const exact = entries.filter(entry => speaksOf(entry.hosts, knownHostsName(host, port)))
  return exact.length > 0 || port === 22 ? exact : entries.filter(entry => speaksOf(entry.hosts, host.toLowerCase()))
}

/** A list of names, its IPv6 addresses as ssh looks for them. Hashed names stay: they are of what ssh looked for. */
function canonicalHosts(hosts: string): string {
  if (hosts.startsWith('|')) return hosts
  return hosts
    .split(',')
    .map(name => {
      const [, address, port] = /^\[(.+)\](:\d+)$/.exec(name) ?? []
      return address === undefined ? canonicalHost(name) : `[${canonicalHost(address)}]${port ?? ''}`
    })
    .join(',')
}

function speaksOf(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = hosts.split('|')
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
  }
  const patterns = hosts.toLowerCase().split(',')
  const matches = (pattern: string): boolean => glob(pattern).test(name)
  return (
    !patterns.some(pattern => pattern.startsWith('!') && matches(pattern.slice(1))) &&
    patterns.some(pattern => !pattern.startsWith('!') && matches(pattern))
  )
}

function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`)
}

function isKeyType(word: string): boolean {
  return /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(ssh|ecdsa)-[a-z0-9@.-]+|[a-z0-9-]+-cert-v01@openssh\.com)/.test(
    word
  )
}

function isKeyBody(word: string): boolean {
  return /^AAAA[A-Za-z0-9+/]{20,}={0,2}$/.test(word)
}

/** A text whose line ends arrived as the two characters `\n`, as happens on the way through JSON or a shell. */
function unescaped(text: string): string {
  return text.includes('\n') ? text : text.replaceAll('\\r', '').replaceAll('\\n', '\n')
}
