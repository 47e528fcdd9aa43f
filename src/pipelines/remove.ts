import { assertOwnPreview } from '../stages/preview.js'
import { removeStack } from '../stages/remove.js'
import { openHost } from './site/host.js'
import { lockStack } from './site/lock.js'
import { reportNow, skipped, type Outcome, type Run, type StackTarget } from './run/run.js'

/** Takes a stack down and waits until it is gone. A deploy of it that is under way is asked to stop first. */
export async function remove(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports, inputs } = run
  await using host = await openHost(run)
  // By its name, somebody may remove a preview by hand.
  if (target.preview !== undefined) assertOwnPreview(await host.engine.services(target.stack), target)
  await using _lock = await lockStack(
    run,
    host,
    target.stack,
    target.preview === undefined ? 'The stack is being removed.' : `Pull request #${target.preview.number} was closed.`
  )
  const unwanted = await target.preview?.stillWanted()
  if (unwanted != null) return skipped(run, target, unwanted)
  run.progress.changing = true
  const { existed, removed, left } = await ports.log.group('Remove', () =>
    removeStack(ports, host.engine, {
      stack: target.stack,
      volumes: inputs.removeVolumes ?? target.preview !== undefined,
      timeoutMs: inputs.timeoutMs
    })
  )
  const counts = Object.entries(removed).filter(([, count]) => count > 0)
  return {
    report: {
      ...reportNow(run, { command: 'remove', status: 'removed', stack: target.stack }),
      ...(target.preview && { preview: { number: target.preview.number, removed: true } }),
      reason: existed ? `The stack ${target.stack} is gone.` : `There was no stack ${target.stack}.`,
      removed: counts.map(([what, count]) => `${count} ${what}`),
      notes: left
    }
  }
}
