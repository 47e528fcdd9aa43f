import { messageOf } from '../../errors.js'
import { previewUrlUnknown } from '../../errors/report.js'
import type { Host } from '../../ports.js'
import { overLimit, previewsOf } from '../../release/previews.js'
import { findPreviewPort } from '../../stages/preview.js'
import { findPreviews } from '../../stages/prune.js'
import type { Run, StackTarget } from '../run/run.js'

/** What the swarm is asked once it is decided how a deploy ended. */
export interface Afterwards {
  /** Where it is to be seen; null when nobody said, or nothing is published. */
  readonly url: string | null
  /** What is worth a word, one sentence each. */
  readonly notes: readonly string[]
}

/** Never throws: a connection that is lost now must not replace the verdict, and with it all that the report has to tell. */
export async function lookAround(run: Run, host: Host, target: StackTarget): Promise<Afterwards> {
  const { url, unknown } = await tryUrlOf(host, target)
  const notes = [...unknown, ...(await previewsOverLimit(run, host, target))]
  for (const note of notes) run.ports.log.warning(note)
  return { url, notes }
}

async function tryUrlOf(
  host: Host,
  { url, preview, stack }: StackTarget
): Promise<{ readonly url: string | null; readonly unknown: readonly string[] }> {
  if (url !== undefined || preview?.urlAt === undefined) return { url: url ?? null, unknown: [] }
  try {
    const port = await findPreviewPort(host.engine, stack)
    return { url: port === null ? null : preview.urlAt(port), unknown: [] }
  } catch (error) {
    const { message, remedy } = previewUrlUnknown(stack, messageOf(error))
    return { url: null, unknown: [[message, remedy].join(' ')] }
  }
}

/** A deploy removes no preview of others, and says where `prune` will. */
async function previewsOverLimit({ inputs, job }: Run, host: Host, { preview }: StackTarget): Promise<string[]> {
  if (preview === undefined || inputs.previewLimit === 0) return []
  const live = await findPreviews(host.engine).catch(() => [])
  const note = overLimit(previewsOf(job.repository, live), inputs.previewLimit)
  return note === null ? [] : [note]
}
