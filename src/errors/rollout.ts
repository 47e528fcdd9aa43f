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
