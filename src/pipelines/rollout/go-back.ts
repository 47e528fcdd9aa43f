import type { Host } from '../../ports.js'
import type { Attempt } from '../../report/roll-out.js'
import type { Lock } from '../../stages/lock.js'
import type { SavedRelease } from '../../stages/releases.js'
import { restore } from '../../stages/restore.js'
import { apply } from './apply-and-watch.js'
import type { Run } from '../run/run.js'
import { seeThrough } from './see-through.js'
import type { Wanted } from './wanted.js'

/** The whole stack back to the release before, watched like any rollout; not watched when the job was cancelled. */
export async function goBack(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  of: { readonly entry: SavedRelease } & Pick<Attempt, 'before' | 'last' | 'rollout'>
): Promise<Attempt['restored']> {
  const { ports, inputs } = run
  if (inputs.onFailure === 'leave' || of.rollout.verdict === 'overtaken' || lock.lost.aborted) return null
  await lock.assertHeld()
  const restoration = await ports.log.group('Back to the release before', () =>
    restore(ports, host, {
      stack: wanted.target.stack,
      release: of.entry.release.id,
      rendered: of.entry.release.rendered,
      jobs: [...wanted.jobs],
      before: of.before,
      last: of.last,
      redeploy: (rendered, changes, live) =>
        apply(run, host, lock, wanted, { rendered, changes, services: changes.map(({ key }) => key), live })
    })
  )
  if (restoration.untouched || restoration.targets.length === 0 || ports.cancelled.aborted)
    return { ...restoration, rollout: null }
  const rollout = await seeThrough(ports, host, restoration.targets, {
    stack: wanted.target.stack,
    timeoutMs: inputs.timeoutMs,
    stableForMs: inputs.stableForMs,
    signal: AbortSignal.any([ports.cancelled, lock.lost])
  })
  return { ...restoration, rollout }
}
