import type { Check } from '../server/checks.js'
import { code, sentence, table } from './markdown.js'

const icons: Readonly<Record<Check['state'], string>> = { ok: '✅', warning: '⚠️', problem: '❌' }

/** What was looked at on the server, as lines of a log: state, name and finding in columns, remedies below their line. */
export function checkLines(checks: readonly Check[]): readonly string[] {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.flatMap(({ state, name, detail, remedy }) => {
    const line = `${state.padEnd(7)}  ${name.padEnd(width)}  ${detail}`
    return [line, ...(remedy?.split('\n') ?? []).map(text => `${' '.repeat(width + 11)}${text}`)]
  })
}

/** The same as a table of the summary. */
export function checksTable(checks: readonly Check[]): string {
  if (checks.length === 0) return ''
  const rows = checks.map(({ state, name, detail, remedy }) => [
    `${icons[state]} ${state}`,
    code(name),
    remedy === undefined ? sentence(detail) : `${sentence(detail)} ${sentence(remedy)}`
  ])
  return table(['State', 'Server', 'What was found'], rows)
}

/** Those that are worth a word where the table is not what was asked for. */
export function unwell(checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ state }) => state !== 'ok')
}
