import { judgeService, type ServiceRules } from './judge-service.js'
import type { Observation } from './observe.js'
import { upSince } from './slots.js'
import type { ServiceState, Verdict } from './types.js'

export interface Rules {
  /** Engine time, milliseconds since 1970; later than the newest snapshot when the connection is lost. */
  readonly now: number
  readonly timeoutMs: number
  /** How long each task must have been up, from its own start. */
  readonly stableForMs: number
}

export interface Judgement {
  readonly verdict: Verdict | 'pending'
  /** By the service's name, in the order of the targets. */
  readonly services: ReadonlyMap<string, ServiceState>
  /** Engine time at which the first service was found not deployed. */
  readonly brokenSince: number | null
}

/** How long the others get to come to an end once one service has not made it. */
export const settleMs = 5_000

/**
 * Says how the rollout stands. `pending` while it can still come out either way; `previous` is the judgement before, which a failure stays in.
 *
 * All services deployed is `deployed`. One that is not decides the whole, but what the swarm is rolling back is waited for, so that
 * what is said to run does run.
 */
export function judge(observation: Observation, rules: Rules, previous?: Judgement): Judgement {
  const services = judgeServices(observation, rules, previous)
  const states = [...services.values()]
  const broken = states.some(({ is }) => is === 'failed' || is === 'rolled-back' || is === 'overtaken')
  const brokenSince = broken ? (previous?.brokenSince ?? rules.now) : null
  const pending = states.filter(state => state.is === 'pending')
  const rollingBack = pending.some(state => state.rollingBack === true)
  const settled = brokenSince !== null && !rollingBack && rules.now - brokenSince >= settleMs
  const over = rules.now - observation.startedAt >= rules.timeoutMs
  return { verdict: whole(), services, brokenSince }

  function whole(): Verdict | 'pending' {
    if (observation.snapshots === 0) return over ? 'timeout' : 'pending'
    if (pending.length > 0 && !settled && !over) return 'pending'
    return worst(states) ?? (pending.length > 0 ? 'timeout' : 'deployed')
  }
}

/** The engine time from when on a look may decide, where nothing but time is missing; null where more is, or nothing. */
export function dueAt({ services }: Judgement): number | null {
  const pending = [...services.values()].flatMap(state => (state.is === 'pending' ? [state.until ?? null] : []))
  return pending.length === 0 ? null : latest(pending)
}

function judgeServices(observation: Observation, rules: Rules, previous?: Judgement): Map<string, ServiceState> {
  const up = new Map([...observation.services].map(([name, seen]) => [name, upSince(observation, seen)]))
  const states = new Map<string, ServiceState>()
  for (const [name, seen] of observation.services) {
    const before = previous?.services.get(name)
    const others = [...up].filter(([other]) => other !== name).map(([, since]) => since)
    const serviceRules: ServiceRules = { stableForMs: rules.stableForMs, othersUpSince: latest(others) }
    const now = observation.snapshots === 0 ? firstLook : judgeService(observation, seen, serviceRules)
    // a service that failed while the others went on stays failed, though it may try again; that it goes back tells more
    const triesAgain = now.is === 'deployed' || (now.is === 'pending' && now.rollingBack !== true)
    states.set(name, before?.is === 'failed' && triesAgain ? before : now)
  }
  return states
}

const firstLook: ServiceState = { is: 'pending', waitsFor: 'a first answer of the engine' }

/** The latest of these times; null when one of them is not known, 0 when there are none. */
function latest(times: readonly (number | null)[]): number | null {
  return times.reduce<number | null>((max, time) => (max === null || time === null ? null : Math.max(max, time)), 0)
}

/** What the worst service makes of the whole; null when none came out badly. */
function worst(states: readonly ServiceState[]): Verdict | null {
  for (const bad of ['overtaken', 'failed', 'rolled-back'] as const) {
    if (states.some(({ is }) => is === bad)) return bad
  }
  return null
}
