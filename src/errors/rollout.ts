import type { Rollout, ServiceOutcome } from '../rollout/types.js'

const verdicts: Readonly<Record<ServiceOutcome['verdict'], string>> = {
  deployed: 'deployed',
  'rolled-back': 'rolled back',
  failed: 'failed',
  overtaken: 'overtaken',
  unfinished: 'not finished'
}

/** What the log says when the watch is over: a line for each service, and what the failed task of one said last. */
export function concludingLines({ services }: Rollout): readonly string[] {
  const width = Math.max(0, ...services.map(({ key }) => key.length))
  return services.flatMap(outcome => {
    const { key, verdict, reason, diagnosis } = outcome
    const first = `${key.padEnd(width)}  ${verdicts[verdict]}: ${reason}`
    if (!diagnosis) return [first]
    const { history, logs, task } = diagnosis
    return [
      first,
      ...history.map(line => `  ${line}`),
      ...(logs.length > 0 ? [`  Last lines of ${task ?? key}:`, ...logs.map(line => `  | ${line}`)] : [])
    ]
  })
}

/** As much as fits an annotation at a glance; GitHub folds a longer one, and cuts it at some length. */
const tail = { lines: 5, characters: 3000 }

/**
 * What a task said last, for an annotation; undefined when it said nothing. Lines that are too many are left out whole: half a
 * secret is not known to be one, and would be shown.
 */
export function lastLines(task: string, logs: readonly string[]): string | undefined {
  const said = logs.filter(line => line.trim() !== '').slice(-tail.lines)
  while (said.length > 1 && said.join('\n').length > tail.characters) said.shift()
  return said.length === 0 ? undefined : [`Last lines of ${task}:`, ...said.map(line => `| ${line}`)].join('\n')
}
