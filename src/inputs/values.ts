import type { Problem } from '../errors.js'
import type { Parsed } from './parse.js'

/**
 * `NAME=value` lines, or a JSON object such as `toJSON(secrets)` gives. A value may go on over several lines when it is
 * quoted (`KEY="line 1` to a closing quote), as the usual dotenv dialect has it, or when it is a key in PEM form; in the
 * JSON form it is taken as it is.
 */
export function namedValues(name: string, text: string | undefined): Parsed<ReadonlyMap<string, string>> {
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
    if (quote === undefined) {
      values.set(key, first.replace(/\r$/, ''))
      continue
    }
    const { value, lines, wrong } = quoted(quote, first, rest)
    if (wrong !== undefined) problems.push(wrongQuote(name, { key, number, wrong }))
    values.set(key, value)
    rest.splice(0, lines)
    number += lines
  }
  return { value: values, problems }
}

interface Quoted {
  readonly value: string
  /** How many of the lines after the first belong to it. */
  readonly lines: number
  readonly wrong?: 'open' | 'more behind it'
}

/**
 * A value in quotes. It ends with the first quote that nothing follows but a comment; or, where there is text right behind that one, as in
 * `"{"a":"b"}"`, with the quote at the end of a line. What follows it otherwise must not be taken into the value: with it would go the lines
 * below, and nobody would miss what they set. `first` begins with blanks or with the quote.
 */
function quoted(quote: string, first: string, rest: readonly string[]): Quoted {
  const opened = first.trimStart().slice(1)
  const at = opened.indexOf(quote)
  if (at >= 0) {
    const behind = opened.slice(at + 1)
    if (isNothing(behind)) return { value: opened.slice(0, at), lines: 0 }
    const whole = opened.trimEnd()
    if (!whole.endsWith(quote) || /^\s/.test(behind)) return { value: '', lines: 0, wrong: 'more behind it' }
    return { value: whole.slice(0, -1), lines: 0 }
  }
  const own = new RegExp(`^\\s*(?:export\\s+)?[A-Za-z_][A-Za-z0-9_.-]*\\s*=\\s*${quote}`)
  for (const [index, line] of rest.entries()) {
    // One that opens a value of its own does not end another.
    if (own.test(line)) return { value: '', lines: index, wrong: 'open' }
    const end = line.indexOf(quote)
    if (end < 0) continue
    const before = [opened, ...rest.slice(0, index)].map(each => `${each}\n`).join('')
    if (isNothing(line.slice(end + 1))) return { value: before + line.slice(0, end), lines: index + 1 }
    const whole = line.trimEnd()
    if (whole.endsWith(quote)) return { value: before + whole.slice(0, -1), lines: index + 1 }
  }
  return { value: '', lines: rest.length, wrong: 'open' }
}

/** Whether there is nothing behind a quote but blanks and a comment. */
function isNothing(behind: string): boolean {
  return /^\s*$|^\s+#/.test(behind)
}

/** Names the line, never what is in it. */
function wrongQuote(
  name: string,
  { key, number, wrong }: { readonly key: string; readonly number: number; readonly wrong: 'open' | 'more behind it' }
): Problem {
  return wrong === 'open'
    ? {
        message: `\`${name}\`: the quote that opens ${key} in line ${number} is never closed.`,
        remedy: 'Close it, or use the JSON form.'
      }
    : {
        message: `\`${name}\`: line ${number} goes on behind the quote that closes ${key}.`,
        remedy:
          'Only a comment (` # …`) may follow it. For a value that holds such quotes use the other kind, or the JSON form.'
      }
}
