import { nameObjects, pinImages } from '../compose/pin.js'
import type { Host } from '../ports.js'
import { ensureObjects } from '../stages/objects.js'
import { findPreviewPort } from '../stages/preview.js'
import { findPreviews } from '../stages/prune.js'
import { overLimit, previewsOf } from '../release/previews.js'
import { lockStack } from './lock.js'
import { prepare, writeStackFile } from './prepare.js'
import { provideImages } from './provide-images.js'
import { rollOut } from './roll-out.js'
import { openSite } from './site.js'
import { labelsOf } from './wanted.js'
import { skipped, type Outcome, type Run, type StackTarget } from './run.js'

/** From the compose files to a verdict: the whole way of a push to main. */
export async function deploy(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  const prepared = await prepare(run, target)
  await using site = await openSite(run, target, prepared)
  const { host, ready, session } = site
  const images = await provideImages(run, site, target, prepared)
  await using lock = await lockStack(run, host, target.stack)
  const unwanted = await target.preview?.stillWanted()
  if (unwanted != null) return skipped(run, target, unwanted)
  const { names, made } = await ensureObjects(ports, host.engine, { stack: target.stack, plan: prepared.objects })
  const { translation } = prepared
  const stack = nameObjects(pinImages(translation.stack, images.references), names)
  const outcome = await rollOut(run, host, lock, {
    target,
    stack,
    phases: translation.phases,
    jobs: translation.jobs,
    openReplicas: translation.openReplicas,
    places: translation.places,
    findings: [...translation.findings, ...images.findings],
    brought: images.brought,
    rotated: made,
    session,
    labels: labelsOf(target)
  })
  const url = await urlOf(host, target)
  const tooMany = await previewsOverLimit(run, host, target)
  return {
    ...outcome,
    report: {
      ...outcome.report,
      checks: ready.checks,
      ...(url !== null && { url }),
      ...(target.preview && { preview: { number: target.preview.number } }),
      notes: [...outcome.report.notes, ...tooMany]
    },
    images: images.references,
    stackFile: await writeStackFile(run, stack)
  }
}

/** Where it is to be seen; null when nobody said, or nothing is published. */
async function urlOf(host: Host, { url, preview, stack }: StackTarget): Promise<string | null> {
  if (url !== undefined || preview?.urlAt === undefined) return url ?? null
  const port = await findPreviewPort(host.engine, stack)
  return port === null ? null : preview.urlAt(port)
}

/** A deploy removes no preview of others, and says where `prune` will. */
async function previewsOverLimit({ ports, inputs, job }: Run, host: Host, { preview }: StackTarget): Promise<string[]> {
  if (preview === undefined || inputs.previewLimit === 0) return []
  const live = await findPreviews(host.engine).catch(() => [])
  const note = overLimit(previewsOf(job.repository, live), inputs.previewLimit)
  if (note === null) return []
  ports.log.warning(note)
  return [note]
}
