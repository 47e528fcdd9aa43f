import type { Problem } from '../errors.js'
import { previewStays } from '../errors/preview.js'
import { parsePreviewLabel } from '../preview/name.js'
import {
  expiredPreviews,
  isKnownClosed,
  previewsOf,
  stillExpired,
  type ExpiryRule,
  type Preview
} from '../release/previews.js'
import { findPreviews } from '../stages/prune.js'
import { removeStack } from '../stages/remove.js'
import { EngineError, type Github, type Host } from '../ports.js'
import { openHost } from './site/host.js'
import { lockStack } from './site/lock.js'
import { askHowItStands, openGithub, retire } from './run/on-github.js'
import { problemsOf } from './run/problems.js'
import { annotateProblem, reportNow, type Outcome, type Run, type StackTarget } from './run/run.js'

/** Removes the previews of this repository that are past their time, too many, or whose pull request is closed. */
export async function prune(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  await using host = await openHost(run)
  const github = openGithub(run)
  const closed = new Set<string>()
  const isClosed = asksGithub(run, github)
  const ours = await ownPreviews(run, host)
  for (const { preview } of ours) if (await isClosed(preview)) closed.add(preview)
  const expired = expiredPreviews(ours, ruleOf(run, closed))
  const removed: string[] = []
  const notes: string[] = []
  const problems: Problem[] = []
  let stuck = 0
  for (const { preview, why } of expired) {
    try {
      // Nobody is asked to stop: a preview that is being deployed is not one that nobody wants.
      await using _lock = await lockStack(run, host, preview.stack)
      // Since the list was made, it may have been deployed again or its pull request reopened.
      if (await isClosed(preview.preview)) closed.add(preview.preview)
      else closed.delete(preview.preview)
      const due = stillExpired(preview, await ownPreviews(run, host), ruleOf(run, closed))
      if (due === null) {
        notes.push(`${preview.stack} was to be removed, as ${why}; that is no longer so: it stays.`)
        continue
      }
      ports.log.info(`${preview.stack}: removed, as ${due.why}`)
      notes.push(...(await removePreviewStack(run, host, github, preview)))
      removed.push(`${preview.stack}: ${due.why}`)
    } catch (error) {
      stuck++
      problems.push(...problemsOf(error).map(problem => previewStays(preview.stack, problem)))
      if (!othersMayGo(run, error)) break
    }
  }
  for (const problem of problems) annotateProblem(ports.log, problem)
  const status = ports.cancelled.aborted ? 'cancelled' : problems.length > 0 ? 'failed' : 'pruned'
  return {
    report: {
      ...reportNow(run, { command: 'prune', status, stack: target.stack }),
      reason: `${removed.length} of ${ours.length} previews removed, ${ours.length - removed.length - stuck} kept${stuck > 0 ? `, ${stuck} in trouble` : ''}.`,
      removed,
      notes,
      problems
    }
  }
}

/** Whether what keeps one preview need not keep the next: not when the job is over, or the engine has stopped answering. */
function othersMayGo({ ports }: Run, error: unknown): boolean {
  return !ports.cancelled.aborted && !(error instanceof EngineError && error.status === 0)
}

async function ownPreviews({ job }: Run, host: Host): Promise<readonly Preview[]> {
  return previewsOf(job.repository, await findPreviews(host.engine))
}

function ruleOf({ ports, inputs }: Run, closed: ReadonlySet<string>): ExpiryRule {
  return {
    now: ports.clock.now(),
    ttlMs: inputs.previewTtlMs,
    closed: ({ preview }) => closed.has(preview),
    ...(inputs.previewLimit > 0 && { limit: inputs.previewLimit })
  }
}

/**
 * Whether GitHub says that a preview's pull request is closed or gone; false where it cannot be asked. Once it has not
 * answered, it is not asked again: with many previews that would be many minutes of waiting.
 */
function asksGithub(run: Run, github: Github | null): (preview: string) => Promise<boolean> {
  let visible: Promise<boolean> | undefined
  let silent = false
  return async preview => {
    const number = parsePreviewLabel(preview)?.number
    if (github === null || number === undefined || silent) return false
    const state = await askHowItStands(run, github, number)
    silent = state === undefined
    if (state === null) visible ??= github.repositoryVisible().catch(() => false)
    return isKnownClosed(state, (await visible) ?? false)
  }
}

/** Under its lock. What stays, one sentence each. */
async function removePreviewStack(
  run: Run,
  host: Host,
  github: Github | null,
  { stack, preview: label }: Preview
): Promise<readonly string[]> {
  const { ports, inputs } = run
  const { left } = await removeStack(ports, host.engine, {
    stack,
    volumes: inputs.removeVolumes ?? true,
    timeoutMs: inputs.timeoutMs
  })
  const number = parsePreviewLabel(label)?.number ?? 0
  const preview = { label, number, variables: {}, stillWanted: () => Promise.resolve(null) }
  await retire(run, github, { stack, preview })
  return left
}
