import { messageOf } from '../../errors.js'
import { EngineError, type Host, type Ports } from '../../ports.js'
import type { Rollout, Target } from '../../rollout/types.js'
import { takeSurplusAway } from '../../stages/surplus.js'
import { watch, type WatchOptions } from '../../stages/watch.js'

/**
 * Watches, and where all came out well but for a second task in one place, has the swarm put that right and watches again: it comes of a task
 * that crashes in the moment in which its place is updated, as it may when a fix is deployed, and stays for good. What runs is deployed even
 * if that does not help.
 */
export async function seeThrough(
  ports: Ports,
  host: Host,
  targets: readonly Target[],
  options: WatchOptions
): Promise<Rollout> {
  const until = ports.clock.now() + options.timeoutMs
  const first = await watch(ports, host.engine, targets, options)
  const crowded = first.services.filter(({ touched, surplus = 0 }) => touched && surplus > 0)
  if (first.verdict !== 'deployed' || crowded.length === 0) return first
  try {
    for (const { key, service } of crowded) {
      ports.log.info(`${key}: the swarm has left a task too many, and is asked to take it away`)
      await takeSurplusAway(host.engine, service)
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    ports.log.warning(`It could not be asked: ${messageOf(error)}`)
    return first
  }
  const timeoutMs = Math.max(1_000, until - ports.clock.now())
  const again = await watch(ports, host.engine, targets, { ...options, timeoutMs })
  if (again.verdict === 'timeout') return first
  return { ...again, startedAt: first.startedAt, timeline: [...first.timeline, ...again.timeline] }
}
