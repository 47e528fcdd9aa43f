import type { Problem } from '../errors.js'
import { canonicalHost } from '../commands/known-hosts.js'
import type { HostAddress } from '../ports.js'

/** A value and what was wrong with its text; with problems, the value is a stand-in that nobody uses. */
export interface Parsed<T> {
  readonly value: T
  readonly problems: readonly Problem[]
}

/** The lines of a list input, trimmed, without empty ones. */
export function lines(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
}

/** One of a fixed set of words. */
export function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
  fallback: T
): Parsed<T> {
  if (text === undefined) return { value: fallback, problems: [] }
  const word = words.find(candidate => candidate === text.toLowerCase())
  if (word !== undefined) return { value: word, problems: [] }
  return {
    value: fallback,
    problems: [
      {
        message: `\`${name}\` does not know ${JSON.stringify(text)}.`,
        remedy: `Use one of ${words.map(w => `\`${w}\``).join(', ')}.`
      }
    ]
  }
}

/** `true` or `false`, as YAML spells them. */
export function boolean(name: string, text: string | undefined, fallback: boolean): Parsed<boolean> {
  const { value, problems } = oneOf(name, text, ['true', 'false'] as const, fallback ? 'true' : 'false')
  return { value: value === 'true', problems }
}

/** A whole number of at least `least`. */
export function count(name: string, text: string | undefined, fallback: number, least: number): Parsed<number> {
  if (text === undefined) return { value: fallback, problems: [] }
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return { value: Number(text), problems: [] }
  return {
    value: fallback,
    problems: [
      {
        message: `\`${name}\` is not a whole number of at least ${least}: ${JSON.stringify(text)}.`,
        remedy: `For example \`${name}: ${Math.max(least, fallback)}\`.`
      }
    ]
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as `30s`, `10m`, `1h30m` or `7d`, in milliseconds. */
export function duration(name: string, text: string | undefined, fallback: string): Parsed<number> {
  const parts = [...(text ?? fallback).matchAll(/(\d+)(ms|[smhd])/g)]
  if (parts.length > 0 && parts.map(([part]) => part).join('') === (text ?? fallback)) {
    return {
      value: parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0),
      problems: []
    }
  }
  return {
    value: 0,
    problems: [
      {
        message: `\`${name}\` is not a duration: ${JSON.stringify(text)}.`,
        remedy: `Write a number and a unit: \`30s\`, \`10m\`, \`2h\` or \`7d\`, for example \`${name}: ${fallback}\`.`
      }
    ]
  }
}

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

/**
 * `NAME=value` lines, or a JSON object such as `toJSON(secrets)` gives. A value may go on over several lines when it is
 * quoted (`KEY="line 1` to a closing quote), as the usual dotenv dialect has it, or when it is a key in PEM form; in the
 * JSON form it is taken as it is.
 */
export function names(name: string, text: string | undefined): Parsed<ReadonlyMap<string, string>> {
  const source = text?.trim() ?? ''
  if (source === '' || source === 'null') return { value: new Map(), problems: [] }
  return source.startsWith('{') ? fromJson(name, source) : fromLines(name, text ?? '')
}

function fromJson(name: string, source: string): Parsed<ReadonlyMap<string, string>> {
  let object: unknown
  try {
    object = JSON.parse(source)
  } catch {
    return {
      value: new Map(),
      problems: [
        {
          message: `\`${name}\` begins like a JSON object but is not one.`,
          remedy: 'Use `${{ toJSON(secrets) }}`, or one `NAME=value` per line.'
        }
      ]
    }
  }
  const entries = Object.entries(object as Record<string, unknown>)
  const wrong = entries.filter(([, value]) => typeof value !== 'string').map(([key]) => key)
  return {
    value: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    problems: wrong.map(key => ({
      message: `\`${name}\`: the value of ${key} is not a text.`,
      remedy: 'Put it in quotes.'
    }))
  }
}

function fromLines(name: string, text: string): Parsed<ReadonlyMap<string, string>> {
  const values = new Map<string, string>()
  const problems: Problem[] = []
  const rest = text.split('\n')
  for (let number = 1; rest.length > 0; number++) {
    const line = rest.shift() ?? ''
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=(.*)$/s.exec(line)
    if (match === null) {
      // The line itself may be half of a secret, so it is named by its number only.
      problems.push({
        message: `\`${name}\`: line ${number} is not \`NAME=value\`.`,
        remedy: 'For a value of several lines put it in double quotes, or use the JSON form.'
      })
      continue
    }
    const [, key = '', first = ''] = match
    const quote = /^\s*(["'])/.exec(first)?.[1]
    // A key goes on to its end as `NAME=${{ secrets.KEY }}` leaves it, without quotes.
    const pem = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s*$/.exec(first)?.[1]
    if (pem !== undefined) {
      const end = rest.findIndex(each => each.trim() === `-----END ${pem}-----`)
      number += end + 1
      values.set(key, [first.trimStart(), ...rest.splice(0, end + 1)].join('\n').trimEnd())
      continue
    }
    const closed = (value: string): boolean =>
      quote === undefined || (value.trim().length > 1 && value.trimEnd().endsWith(quote))
    let value = first
    while (!closed(value) && rest.length > 0) {
      value += `\n${rest.shift() ?? ''}`
      number++
    }
    if (quote !== undefined && !closed(value))
      problems.push({
        message: `\`${name}\`: the quote that opens ${key} is never closed.`,
        remedy: 'Close it, or use the JSON form.'
      })
    values.set(key, quote === undefined ? value.replace(/\r$/, '') : value.trim().slice(1, -1))
  }
  return { value: values, problems }
}
