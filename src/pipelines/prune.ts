import { emptyReport } from '../report/model.js'
import { parsePreviewLabel } from '../preview/name.js'
import { expiredPreviews, type Expired, type Preview } from '../release/previews.js'
import { findPreviews } from '../stages/prune.js'
import { removeStack } from '../stages/remove.js'
import type { Github, Host } from '../ports.js'
import { openHost } from './host.js'
import { lockStack } from './lock.js'
import { openGithub, retire } from './on-github.js'
import type { Outcome, Run, StackTarget } from './run.js'

/** Removes the previews of this repository that are past their time, too many, or whose pull request is closed. */
export async function prune(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports, inputs, job } = run
  await using host = await openHost(run)
  const github = openGithub(run)
  const ours = (await findPreviews(host.engine)).filter(
    ({ preview }) => parsePreviewLabel(preview)?.repository.toLowerCase() === job.repository.toLowerCase()
  )
  const closed = await findClosed(github, ours)
  const expired = expiredPreviews(ours, {
    now: ports.clock.now(),
    ttlMs: inputs.previewTtlMs,
    closed: preview => closed.has(preview.preview),
    ...(inputs.previewLimit > 0 && { limit: inputs.previewLimit })
  })
  const removed: string[] = []
  const notes: string[] = []
  for (const each of expired) {
    const left = await removePreviewStack(run, host, github, each)
    removed.push(`${each.preview.stack}: ${each.why}`)
    notes.push(...left)
  }
  const head = { command: 'prune', status: 'pruned', stack: target.stack, startedAt: run.startedAt } as const
  const kept = ours.length - expired.length
  return {
    report: {
      ...emptyReport({ ...head, endedAt: ports.clock.now() }),
      reason: `${expired.length} of ${ours.length} previews removed, ${kept} kept.`,
      removed,
      notes
    }
  }
}

/** The previews whose pull request GitHub says is closed or gone; none where it cannot be asked. */
async function findClosed(github: Github | null, previews: readonly Preview[]): Promise<ReadonlySet<string>> {
  if (github === null) return new Set()
  const closed = new Set<string>()
  for (const { preview } of previews) {
    const number = parsePreviewLabel(preview)?.number
    if (number === undefined) continue
    const state = await github.pullRequest(number).catch(() => undefined)
    if (state === null || state?.state === 'closed') closed.add(preview)
  }
  return closed
}

async function removePreviewStack(
  run: Run,
  host: Host,
  github: Github | null,
  { preview, why }: Expired
): Promise<readonly string[]> {
  const { ports, inputs } = run
  ports.log.info(`${preview.stack}: removed, as ${why}`)
  await using _lock = await lockStack(run, host, preview.stack, `The preview is removed, as ${why}.`)
  const { left } = await removeStack(ports, host.engine, {
    stack: preview.stack,
    volumes: inputs.removeVolumes ?? true,
    timeoutMs: inputs.timeoutMs
  })
  const number = parsePreviewLabel(preview.preview)?.number ?? 0
  await retire(run, github, {
    stack: preview.stack,
    preview: { label: preview.preview, number, variables: {}, stillWanted: () => Promise.resolve(null) }
  })
  return left
}
