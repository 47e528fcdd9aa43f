import type { Place, Problem } from '../errors.js'
import type { Rollout, ServiceOutcome } from '../rollout/types.js'
import { duration } from '../text.js'

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

/** A service that did not make it, as an annotation. `at` is where the compose file defines it. */
export function serviceProblem(outcome: ServiceOutcome, at?: Place): Problem {
  const { key, verdict, reason, diagnosis } = outcome
  const logs = diagnosis?.logs ?? []
  return {
    message: `Service ${key} ${verb[verdict]}: ${reason}.`,
    ...(diagnosis?.remedy === undefined ? {} : { remedy: diagnosis.remedy }),
    ...(at === undefined ? {} : { at }),
    ...(logs.length > 0 ? { details: logs.join('\n') } : {})
  }
}

const verb: Readonly<Record<ServiceOutcome['verdict'], string>> = {
  deployed: 'is deployed',
  'rolled-back': 'was rolled back',
  failed: 'failed',
  overtaken: 'was overtaken',
  unfinished: 'did not come to an end'
}

/** The whole rollout in one sentence. */
export function rolloutSentence({ verdict, services, startedAt, endedAt }: Rollout): string {
  const bad = services.filter(outcome => outcome.verdict !== 'deployed').map(({ key }) => key)
  const after = duration(endedAt - startedAt)
  switch (verdict) {
    case 'deployed':
      return `All services run, after ${after}.`
    case 'rolled-back':
      return `The swarm rolled back ${bad.join(', ')}.`
    case 'failed':
      return `${bad.join(', ')} did not make it.`
    case 'overtaken':
      return `Another deploy came in between: ${bad.join(', ')}.`
    case 'cancelled':
      return `Cancelled after ${after}; the swarm goes on by itself with ${bad.length === 0 ? 'nothing' : bad.join(', ')}.`
    case 'timeout':
      return `Not finished within the timeout, after ${after}: ${bad.join(', ')}.`
  }
}
