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
