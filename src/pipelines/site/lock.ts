import type { Service } from '../../engine-types.js'
import type { Clock, Engine, Host } from '../../ports.js'
import type { ReleaseEntry } from '../../release/record.js'
import { acquireLock, type Lock, type LockRequest } from '../../stages/lock.js'
import { readReleases } from '../../stages/releases.js'
import type { Run } from '../run/run.js'

/** What there is of a stack. */
export interface StackSeen {
  readonly services: readonly Service[]
  readonly entries: readonly ReleaseEntry[]
}

/** The stack's lock for this run. `ask` tells a run that holds it to stop, and why. The post step frees a killed run's. */
export function lockStack(run: Run, host: Host, stack: string, ask?: string): Promise<Lock> {
  return acquireLock(run.ports, host.engine, { ...requestOf(run, stack), ...(ask !== undefined && { ask }) })
}

/** The same, for a run that goes on from what there is of the stack: it is looked at in one go. */
export function lockAndLook(run: Run, host: Host, stack: string): Promise<Lock<StackSeen>> {
  return acquireLock(run.ports, host.engine, { ...requestOf(run, stack), behind: engine => lookAt(engine, stack) })
}

/** What there was of the stack when its lock was had: nobody else has changed it since. */
export function seenUnder(lock: Lock<StackSeen>, engine: Engine, stack: string): Promise<StackSeen> {
  return lock.behind ?? lookAt(engine, stack)
}

/** What there is of a stack now. */
export async function lookAt(engine: Engine, stack: string): Promise<StackSeen> {
  const [services, entries] = await Promise.all([engine.services(stack), readReleases(engine, stack)])
  return { services, entries }
}

/** How long an answer that the lock is ours holds, in milliseconds: it takes much longer until another run may take it. */
const certainMs = 5_000

/**
 * Asks at once whether the lock still is ours, for a change that something else is to come before. Gives the answer when that is over, and
 * asks again where it took long; rejects when the lock is another's.
 */
export function askWhetherHeld(clock: Clock, lock: Pick<Lock, 'assertHeld'>): () => Promise<void> {
  const askedAt = clock.now()
  const asked = lock.assertHeld()
  asked.catch(() => undefined)
  return async () => {
    await asked
    if (clock.now() - askedAt > certainMs) await lock.assertHeld()
  }
}

function requestOf({ ports, inputs, job }: Run, stack: string): LockRequest<never> {
  return {
    stack,
    owner: { runUrl: job.runUrl, actor: job.actor, command: inputs.command },
    timeoutMs: inputs.lockTimeoutMs,
    remember: id => ports.outputs.remember('lock', id)
  }
}
