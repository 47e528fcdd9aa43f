import type { RunReport } from './model.js'

/** Words of ours, which hold no secret, and which a page is built by. */
const ours = new Set(['command', 'status', 'stack', 'kind', 'level', 'state', 'verdict'])

/**
 * A report without the secrets that `redact` knows. Before it is rendered: afterwards a secret's own characters may be
 * escaped, and nobody would find it.
 */
export function redacted(report: RunReport, redact: (text: string) => string): RunReport {
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return ours.has(key) ? value : redact(value)
    if (Array.isArray(value)) return value.map(item => walk(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]))
  }
  return walk(report, '') as RunReport
}
