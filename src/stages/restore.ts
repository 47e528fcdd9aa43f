import type { Service } from '../engine-types.js'
import { messageOf } from '../errors.js'
import type { Stack } from '../model.js'
import { EngineError, type Engine, type Host, type Ports } from '../ports.js'
import type { Change } from '../release/compare.js'
import { planRecovery, type Accident, type Recovery } from '../release/recovery.js'
import { modeOf } from '../release/target.js'
import type { Target } from '../rollout/types.js'
import { label } from '../model.js'

export interface RestoreRequest extends Omit<Accident, 'now'> {
  /** Makes these changes of an earlier release; gives what to watch. */
  readonly redeploy: (
    rendered: Stack,
    changes: readonly Change[],
    live: readonly Service[]
  ) => Promise<readonly Target[]>
}

export interface Restoration {
  /** What must be seen for the stack to count as restored. */
  readonly targets: readonly Target[]
  /** The release gone back to; null when there was none. */
  readonly release: string | null
  readonly actions: readonly Pick<Recovery, 'service' | 'key' | 'action' | 'why'>[]
  /** What could not be put back or was left on purpose, one sentence each. */
  readonly left: readonly string[]
  /** Whether everything that had to be put back was. */
  readonly complete: boolean
  /** Whether nothing was ever changed, so that there is nothing to put back. */
  readonly untouched: boolean
}

/**
 * Brings a stack back to the release before, service by service, whatever the swarm has already taken back itself.
 * One service that cannot be put back does not keep the others from it: it is told in `left`.
 */
export async function restore(ports: Ports, host: Host, request: RestoreRequest): Promise<Restoration> {
  const now = await host.engine.services(request.stack)
  const plan = planRecovery({ ...request, now })
  const targets: Target[] = []
  const left = plan.flatMap(step => (step.action === 'leave' ? [leftAs(step)] : []))
  const carryOut = async (step: Recovery): Promise<void> => {
    if (step.action === 'wait') targets.push(targetOf(step, step.live, step.release, false))
    if (step.action === 'respec') targets.push(await putBack(ports, host.engine, request.release, step))
    if (step.action === 'remove') await takeAway(ports, host.engine, step.live)
  }
  for (const { key, action, why } of plan) if (action !== 'leave' && action !== 'wait') ports.log.info(`${key}: ${why}`)
  const failed = await eachOf(inOrderOfRemoval(plan), carryOut)
  const anew = plan.flatMap(step => (step.action === 'redeploy' ? [step.change] : []))
  const record = request.last?.release?.rendered
  const lost: string[] = []
  if (anew.length > 0 && record !== undefined) {
    try {
      targets.push(...(await request.redeploy(record, anew, now)))
    } catch (error) {
      lost.push(`${anew.map(({ key }) => key).join(', ')} could not be put back: ${messageOf(error)}`)
    }
  }
  const stuck = await onceMore(ports, failed, carryOut)
  lost.push(...[...stuck].map(([{ key }, error]) => `${key} could not be put back: ${messageOf(error)}`))
  return {
    targets,
    release: request.last?.id ?? null,
    actions: plan.map(({ service, key, action, why }) => ({ service, key, action, why })),
    left: [...left, ...lost],
    complete: lost.length === 0,
    untouched: plan.every(step => 'untouched' in step && step.untouched)
  }
}

function leftAs({ key, untouched, why }: Recovery & { readonly action: 'leave' }): string {
  return untouched ? `${key} ${why}.` : `${key} was left as it is: ${why}.`
}

function inOrderOfRemoval(steps: readonly Recovery[]): readonly Recovery[] {
  const isRemoval = ({ action }: Recovery): boolean => action === 'remove'
  return [...steps.filter(isRemoval), ...steps.filter(step => !isRemoval(step))]
}

type Failed = ReadonlyMap<Recovery, unknown>

/** Does it to each, whatever becomes of the others; gives those of which it failed, and how. */
async function eachOf(steps: Iterable<Recovery>, act: (step: Recovery) => Promise<void>): Promise<Failed> {
  const failed = new Map<Recovery, unknown>()
  for (const step of steps) await act(step).catch((error: unknown) => failed.set(step, error))
  return failed
}

/**
 * What the engine refused once more, when all others are back: one may have held a port that another needs. As long as it is for a port, again and
 * again for a moment, since a port that was given up is the old one's until the swarm's allocator has seen to it.
 */
async function onceMore(ports: Ports, failed: Failed, act: (step: Recovery) => Promise<void>): Promise<Failed> {
  const isRefused = (error: unknown): boolean => error instanceof EngineError && isRefusal(error)
  const final = new Map([...failed].filter(([, error]) => !isRefused(error)))
  let refused: Failed = new Map([...failed].filter(([, error]) => isRefused(error)))
  for (let pass = 1; refused.size > 0; pass++) {
    refused = await eachOf(refused.keys(), act)
    if (pass === mostPasses || ![...refused.values()].some(error => /already in use/.test(messageOf(error)))) break
    await ports.clock.sleep(500, ports.cancelled)
  }
  return new Map([...final, ...refused])
}

/** How often what was refused for a port is tried. */
const mostPasses = 5

/** How often it is tried, and how long to wait in between, in milliseconds: an election of a leader takes some ten seconds. */
const patience = { tries: 10, pauseMs: 2_000 }

/**
 * Gives a service the Spec that was captured before, which fits whatever deployed it. The login that its nodes pull
 * with stays the newest one. When the swarm takes the service back itself in the same moment, that is as good. What got no answer may have been
 * carried out or not: the service's version tells, and as the update names the one that it is of, it can be repeated without harm.
 */
async function putBack(
  ports: Ports,
  engine: Engine,
  failed: string,
  step: Recovery & { action: 'respec' }
): Promise<Target> {
  let live = step.live
  for (let attempt = 1; ; attempt++) {
    if (live.Spec.Labels?.[label.release] !== failed) return targetOf(step, live, step.release, false)
    try {
      await engine.updateService(live.ID, live.Version.Index, step.spec, { registryAuthFrom: 'spec' })
      return targetOf(step, live, step.release, true)
    } catch (error) {
      if (!(error instanceof EngineError) || attempt >= patience.tries) throw error
      const present = await presentOf(engine, live)
      if (present === null) throw error
      if (present.Version.Index === live.Version.Index) {
        if (isRefusal(error)) throw error
        await ports.clock.sleep(patience.pauseMs, ports.cancelled)
      }
      live = present
    }
  }
}

/** The service as it is now, or as it was where the swarm does not say; null when it is gone. */
async function presentOf(engine: Engine, live: Service): Promise<Service | null> {
  try {
    return await engine.service(live.ID)
  } catch (error) {
    if (error instanceof EngineError && error.status >= 500) return live
    throw error
  }
}

/** Whether the engine said no, rather than nothing or that the swarm cannot just now, as without a leader. */
function isRefusal({ status }: EngineError): boolean {
  return status > 0 && status < 500
}

async function takeAway(ports: Ports, engine: Engine, live: Service): Promise<null> {
  for (let attempt = 1; ; attempt++) {
    try {
      await engine.removeService(live.ID)
      return null
    } catch (error) {
      if (!(error instanceof EngineError) || error.status < 500 || attempt >= patience.tries) throw error
      await ports.clock.sleep(patience.pauseMs, ports.cancelled)
    }
  }
}

function targetOf(step: Recovery, live: Service, release: string | null, touched: boolean): Target {
  return {
    service: step.service,
    key: step.key,
    release,
    mode: modeOf(live),
    touched,
    versionBefore: live.Version.Index
  }
}
