import { nameObjects, pinImages } from '../compose/pin.js'
import { ensureObjects } from '../stages/objects.js'
import { lookAround } from './rollout/afterwards.js'
import { lockAndLook } from './site/lock.js'
import { prepare, writeStackFile } from './site/prepare.js'
import { provideImages } from './images/provide-images.js'
import { rollOut } from './rollout/roll-out.js'
import { openSite } from './site/site.js'
import { labelsOf } from './rollout/wanted.js'
import { skipped, type Outcome, type Run, type StackTarget } from './run/run.js'

/** From the compose files to a verdict: the whole way of a push to main. */
export async function deploy(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  const prepared = await prepare(run, target)
  await using site = await openSite(run, target, prepared)
  const { host, ready, session } = site
  const images = await provideImages(run, site, target, prepared)
  await using lock = await lockAndLook(run, host, target.stack)
  const unwanted = await target.preview?.stillWanted()
  if (unwanted != null) return skipped(run, target, unwanted)
  const { names, made } = await ensureObjects(ports, host.engine, { stack: target.stack, plan: prepared.objects })
  const { translation } = prepared
  const stack = nameObjects(pinImages(translation.stack, images.references), names)
  // Before anything is changed: a disk that is full must not turn up after the verdict.
  const stackFile = await writeStackFile(run, stack)
  const outcome = await rollOut(
    run,
    host,
    lock,
    {
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
    },
    lock.behind
  )
  const { url, notes } = await lookAround(run, host, target)
  return {
    ...outcome,
    report: {
      ...outcome.report,
      checks: ready.checks,
      ...(url !== null && { url }),
      ...(target.preview && { preview: { number: target.preview.number } }),
      notes: [...outcome.report.notes, ...notes]
    },
    images: images.references,
    stackFile
  }
}
