import type { Host } from '../ports.js'
import { acquireLock, type Lock } from '../stages/lock.js'
import type { Run } from './run.js'

/** The stack's lock for this run. `ask` tells a run that holds it to stop, and why. The post step frees a killed run's. */
export function lockStack(run: Run, host: Host, stack: string, ask?: string): Promise<Lock> {
  const { ports, inputs, job } = run
  return acquireLock(ports, host.engine, {
    stack,
    owner: { runUrl: job.runUrl, actor: job.actor, command: inputs.command },
    timeoutMs: inputs.lockTimeoutMs,
    remember: id => ports.outputs.remember('lock', id),
    ...(ask !== undefined && { ask })
  })
}
