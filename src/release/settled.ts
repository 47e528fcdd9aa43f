import { label } from '../model.js'
import { deployLabels, isTouched, type Change } from './compare.js'
import type { ReleaseEntry } from './record.js'

/**
 * Whether what a deploy leaves alone is what the live release recorded. It is not when an earlier run was killed, or
 * failed and was left as it was: then this run has to see that it runs, and to make a release of it.
 */
export function isSettled(changes: readonly Change[], last: Pick<ReleaseEntry, 'release'> | null): boolean {
  const recorded = last?.release?.rendered
  return changes.every(
    change =>
      change.kind !== 'unchanged' ||
      (recorded !== undefined && deployLabels(recorded, change.key)[label.release] === change.release)
  )
}

/** Whether a deploy does anything to the stack's services. */
export function changesAnything(changes: readonly Change[]): boolean {
  return changes.some(change => isTouched(change) || change.kind === 'remove')
}
