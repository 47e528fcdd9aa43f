import { ambiguousRelease, noReleases, releaseNotFound, releaseNotLive, releaseUnreadable } from '../errors/release.js'
import type { Service } from '../engine-types.js'
import { isStillThere, type ReadableEntry, type ReleaseEntry } from './record.js'

/**
 * The release that is there now, where there is one: the newest that was neither rolled back nor is only remembered, even if it failed and was
 * left. `live` are the stack's services: with them a run that was cancelled or killed, and whose release is gone from all of them, does not
 * count as what is there.
 */
export function presentRelease(entries: readonly ReleaseEntry[], live?: readonly Service[]): ReleaseEntry | undefined {
  return entries.find(
    ({ id, verdict }) =>
      verdict === 'deployed' ||
      (verdict !== 'rolled-back' && verdict !== 'retired' && (live === undefined || isStillThere(id, live)))
  )
}

/** The releases that one can go back to, newest first: those that were deployed, except what is there now. */
export function rollbackTargets(entries: readonly ReleaseEntry[], live?: readonly Service[]): readonly ReleaseEntry[] {
  const present = presentRelease(entries, live)
  return entries.filter(entry => entry.verdict === 'deployed' && entry !== present)
}

/**
 * The release that a rollback shall go back to. `previous` is the one that was live before what is there now: after
 * a failed deploy that was left as it is, the last that was deployed; after a rollback from r3 to r2, r3 again. A
 * commit is at least its first 7 characters. `entries` come newest first, `live` are the stack's services. Throws
 * UserError when there is none.
 */
export function findRelease(
  entries: readonly ReleaseEntry[],
  wanted: string,
  live?: readonly Service[]
): ReadableEntry {
  const targets = rollbackTargets(entries, live)
  if (entries.every(entry => entry.verdict !== 'deployed')) throw noReleases()
  return readable(wanted === 'previous' ? previous(targets) : byName(entries, targets, wanted.trim()))
}

function previous(targets: readonly ReleaseEntry[]): ReleaseEntry {
  const [newest] = targets
  if (newest === undefined) throw releaseNotFound('previous', targets)
  return newest
}

function byName(entries: readonly ReleaseEntry[], targets: readonly ReleaseEntry[], wanted: string): ReleaseEntry {
  if (/^r\d+$/i.test(wanted)) {
    const entry = entries.find(({ id }) => id === wanted.toLowerCase())
    if (entry === undefined) throw releaseNotFound(wanted, targets)
    if (entry.verdict !== 'deployed') throw releaseNotLive(entry, targets)
    return entry
  }
  const commit = wanted.toLowerCase()
  const found = /^[0-9a-f]{7,64}$/.test(commit)
    ? entries.filter(entry => entry.verdict === 'deployed' && entry.commit.toLowerCase().startsWith(commit))
    : []
  if (new Set(found.map(entry => entry.commit)).size > 1) throw ambiguousRelease(wanted, found)
  const [newest] = found
  if (newest === undefined) throw releaseNotFound(wanted, targets)
  return newest
}

function readable(entry: ReleaseEntry): ReadableEntry {
  if (entry.release === null) throw releaseUnreadable(entry)
  return { ...entry, release: entry.release }
}
