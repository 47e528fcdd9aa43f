import { canonicalHost } from '../ssh/known-hosts.js'
import type { HostAddress } from '../ports.js'
import { lines, type Parsed } from './parse.js'

const hostPattern =
  /^(?:ssh:\/\/)?(?:(?<user>[A-Za-z0-9_][A-Za-z0-9_.-]*\$?)@)?(?:\[(?<six>[0-9A-Fa-f:.%]+)\]|(?<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?))(?::(?<port>\d{1,5}))?(?<path>\/.*)?$/

/** Where the engine listens unless told otherwise. */
const defaultSocket = '/var/run/docker.sock'

/** `[ssh://]user@host[:port][/path/to/docker.sock]` or `unix:///path`, one per line. */
export function addresses(name: string, text: string | undefined): Parsed<readonly HostAddress[]> {
  const parsed = lines(text).map(line => address(name, line))
  return { value: parsed.flatMap(({ value }) => value), problems: parsed.flatMap(({ problems }) => problems) }
}

function address(name: string, line: string): Parsed<readonly HostAddress[]> {
  if (line.startsWith('unix:///')) {
    return { value: [{ text: line, kind: 'unix', socket: line.slice('unix://'.length) }], problems: [] }
  }
  const groups = hostPattern.exec(line)?.groups
  const port = groups?.['port'] === undefined ? undefined : Number(groups['port'])
  const six = groups?.['six']
  const host = six === undefined ? groups?.['host'] : canonicalHost(six)
  if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) {
    return {
      value: [],
      problems: [
        {
          message: `\`${name}\` has a line that is not an SSH address: ${JSON.stringify(line)}.`,
          remedy: 'Write `user@host`, `user@host:2222`, `user@[2001:db8::1]:22` or `unix:///var/run/docker.sock`.'
        }
      ]
    }
  }
  const user = groups?.['user']
  const path = groups?.['path']
  return {
    value: [
      {
        text: line,
        kind: 'ssh',
        host,
        socket: path === undefined || path === '/' ? defaultSocket : path,
        ...(user === undefined ? {} : { user }),
        ...(port === undefined ? {} : { port })
      }
    ],
    problems: []
  }
}
