import { nameObjects, pinImages } from '../compose/pin.js'
import { presentRelease } from '../release/find.js'
import { liveRelease } from '../release/record.js'
import { describeChange } from '../release/compare.js'
import { planRows } from '../report/plan.js'
import { labelsOf } from './rollout/wanted.js'
import { foreseeObjects } from '../stages/objects.js'
import { readReleases } from '../stages/releases.js'
import { comment, openGithub, orCommentWhy } from './run/on-github.js'
import { prepare, writeStackFile } from './site/prepare.js'
import { provideImages } from './images/provide-images.js'
import { compareWith } from './rollout/roll-out.js'
import { reportNow, type Outcome, type Run, type StackTarget } from './run/run.js'
import { openSite } from './site/site.js'

/** What a deploy of these files would change on the swarm, by the same comparison that a deploy makes. Changes nothing. */
export async function plan(run: Run, target: StackTarget): Promise<Outcome> {
  const github = openGithub(run)
  const outcome = await orCommentWhy(run, github, target.stack, () => foresee(run, target))
  await comment(run, github, outcome.report)
  return outcome
}

async function foresee(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  const prepared = await prepare(run, target)
  await using site = await openSite(run, target, prepared)
  const { ready } = site
  const { engine } = site.host
  const images = await provideImages(run, site, target, prepared, 'foresee')
  const { names, made } = await foreseeObjects(engine, { stack: target.stack, plan: prepared.objects })
  const [live, releases] = await Promise.all([engine.services(target.stack), readReleases(engine, target.stack)])
  const { translation } = prepared
  const stack = nameObjects(pinImages(translation.stack, images.references), names)
  const present = presentRelease(releases, live)
  const wanted = { target, stack, openReplicas: translation.openReplicas, labels: labelsOf(target) }
  const changes = compareWith(wanted, live, liveRelease(releases))
  for (const change of changes) ports.log.info(describeChange(change))
  const report = {
    ...reportNow(run, { command: 'plan', status: 'planned', stack: target.stack }),
    ...(present && { previousRelease: present.id }),
    plan: planRows(changes),
    findings: [...translation.findings, ...images.findings],
    checks: ready.checks,
    rotated: made
  }
  return { report, images: images.references, stackFile: await writeStackFile(run, stack) }
}
