import { unwell } from '../report/checks.js'
import type { Service } from '../engine-types.js'
import { isCarried } from '../images/direct.js'
import { label } from '../model.js'
import { UserError } from '../errors.js'
import { findRelease } from '../release/find.js'
import type { Release } from '../release/record.js'
import { unchangeable } from '../release/unchangeable.js'
import { assertRestorable } from '../stages/releases.js'
import { openHost } from './site/host.js'
import { lockAndLook, seenUnder } from './site/lock.js'
import { asDeployment, openGithub } from './run/on-github.js'
import { assertHealthy } from './site/ready.js'
import { rollOut } from './rollout/roll-out.js'
import type { Outcome, Run, StackTarget } from './run/run.js'
import { openSession } from './site/site.js'
import type { Wanted } from './rollout/wanted.js'

/** Back to an earlier release, whole: its images, secrets and configs, watched like a deploy. */
export async function rollback(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports, inputs } = run
  await using host = await openHost(run)
  const checks = await assertHealthy(run, host)
  await using lock = await lockAndLook(run, host, target.stack)
  const { services: live, entries } = await seenUnder(lock, host.engine, target.stack)
  const { release } = findRelease(entries, inputs.release, live)
  // Networks are as they were when that release ran.
  const fixed = unchangeable(release.rendered, { name: target.stack, services: live, networks: [] })
  if (fixed.length > 0) throw new UserError(fixed)
  // No earlier: it is the release that says which registry the logins are for.
  await using session = await openSession(run, { ...imagesOf(release), verify: false })
  await assertRestorable(ports, host.engine, release, { auth: reference => session.authFor(reference) })
  const { commit, ref } = release
  const wanted: Wanted = {
    target,
    stack: release.rendered,
    phases: release.phases,
    jobs: release.jobs,
    openReplicas: release.openReplicas,
    places: {},
    findings: [],
    brought: release.images,
    rotated: [],
    session,
    labels: previewOf(live),
    rollbackOf: release.id
  }
  const work = async () => {
    const { report, ...rest } = await rollOut(run, host, lock, wanted, null)
    return {
      ...rest,
      images: imagesByKey(release),
      report: { ...report, checks: unwell(checks), commit, refName: ref, rollbackOf: release.id }
    }
  }
  return await asDeployment(run, openGithub(run), target, work, commit)
}

/** What its services pull from registries, and what of that it had built. */
function imagesOf({ rendered, images }: Release): {
  readonly images: readonly string[]
  readonly built: readonly string[]
} {
  const pulled = Object.entries(rendered.services).filter(([, { image }]) => !isCarried(image))
  const own = pulled.filter(([key]) => images[key] !== undefined)
  return { images: pulled.map(([, { image }]) => image), built: own.map(([, { image }]) => image) }
}

/** What its services run. */
function imagesByKey({ rendered }: Release): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(rendered.services).map(([key, { image }]) => [key, image]))
}

/** A preview that goes back by hand is a preview still. */
function previewOf(live: readonly Service[]): Readonly<Record<string, string>> {
  const preview = live.flatMap(({ Spec }) => Spec.Labels?.[label.preview] ?? []).find(owner => owner !== '')
  return preview === undefined ? {} : { [label.preview]: preview }
}
