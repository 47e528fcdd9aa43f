import { stampRelease } from '../compose/stamp.js'
import type { Service } from '../engine-types.js'
import type { Host } from '../ports.js'
import { compare, isTouched, keptLabels, type Change } from '../release/compare.js'
import { liveRelease, type ReadableEntry, type Release, type ReleaseEntry } from '../release/record.js'
import { blame, reportRollOut, statusOf, type Attempt } from '../report/roll-out.js'
import { removeDropped } from '../stages/apply.js'
import { collectGarbage } from '../stages/collect.js'
import type { Lock } from '../stages/lock.js'
import { markRelease, readReleases, saveRelease } from '../stages/releases.js'
import { tryApply } from './apply-and-watch.js'
import { goBack } from './go-back.js'
import { annotateProblem, type Outcome, type Run } from './run.js'
import type { Wanted } from './wanted.js'

/** Applies what changed, phase by phase, watches it, and goes back to the release before when it does not hold. */
export async function rollOut(run: Run, host: Host, lock: Lock, wanted: Wanted): Promise<Outcome> {
  const { ports } = run
  const { engine } = host
  const { stack } = wanted.target
  const [before, entries] = await Promise.all([engine.services(stack), readReleases(engine, stack)])
  const last = liveRelease(entries)
  const changes = compareWith(wanted, before, last)
  const entry = isWorthRelease(changes)
    ? await saveRelease(engine, {
        stack,
        entries,
        live: before,
        labels: wanted.labels,
        build: id => describeRelease(run, wanted, id, changes, entries)
      })
    : null
  const applied = await ports.log.group(entry === null ? 'Rollout' : `Rollout of release ${entry.id}`, () =>
    tryApply(run, host, lock, wanted, { entry, changes, before })
  )
  const good = applied.rollout.verdict === 'deployed' && applied.problems.length === 0
  const restored =
    good || entry === null ? null : await goBack(run, host, lock, wanted, { ...applied, entry, before, last })
  const attempt: Attempt = { stack, changes, release: entry?.id ?? null, before, last, ...applied, restored }
  if (entry !== null) await settle(run, host, entry, attempt)
  return await conclude(run, host, wanted, attempt)
}

/** What applying this stack would change, as a deploy sees it and a plan shows it. */
export function compareWith(
  wanted: Pick<Wanted, 'target' | 'stack' | 'openReplicas' | 'labels' | 'rollbackOf'>,
  live: readonly Service[],
  last: ReleaseEntry | null
): readonly Change[] {
  return compare(stampRelease(wanted.stack, { release: 'r0', labels: wanted.labels }), live, last, {
    stack: wanted.target.stack,
    jobs: wanted.rollbackOf === undefined ? 'run' : 'skip',
    openReplicas: [...wanted.openReplicas]
  })
}

function isWorthRelease(changes: readonly Change[]): boolean {
  return changes.some(change => isTouched(change) || change.kind === 'remove')
}

/** What is applied is of the commit that is checked out, or of the release that a rollback goes back to. */
function describeRelease(
  run: Run,
  wanted: Wanted,
  id: string,
  changes: readonly Change[],
  entries: readonly ReleaseEntry[]
): Release {
  const { job, startedAt } = run
  const origin = entries.find(entry => entry.id === wanted.rollbackOf) ?? job
  return {
    version: 1,
    id,
    stack: wanted.target.stack,
    commit: origin.commit,
    ref: origin.ref,
    actor: job.actor,
    runUrl: job.runUrl,
    at: new Date(startedAt).toISOString(),
    rendered: stampRelease(wanted.stack, { release: id, labels: wanted.labels, keep: keptLabels(changes) }),
    phases: wanted.phases.map(phase => [...phase]),
    jobs: [...wanted.jobs],
    openReplicas: [...wanted.openReplicas],
    images: wanted.brought,
    ...(wanted.rollbackOf !== undefined && { rollbackOf: wanted.rollbackOf })
  }
}

/** Writes the verdict into the release, and tidies up after a good one. */
async function settle(run: Run, host: Host, entry: ReadableEntry, attempt: Attempt): Promise<void> {
  const { ports, inputs } = run
  const { engine } = host
  const status = statusOf(attempt)
  if (status !== 'deployed') {
    const verdict = status === 'rolled-back' ? status : attempt.problems.length > 0 ? 'failed' : attempt.rollout.verdict
    // Whoever overtook this run may have removed the record with the stack.
    await markRelease(engine, entry, { verdict }).catch((error: unknown) => {
      if (status !== 'overtaken') throw error
    })
    return
  }
  await removeDropped(ports, engine, [...attempt.changes])
  await markRelease(engine, entry, { verdict: 'deployed', live: [...(await engine.services(attempt.stack))] })
  const collected = await collectGarbage(ports, engine, { stack: attempt.stack, keep: inputs.keepReleases })
  const names = [...collected.releases, ...collected.secrets, ...collected.configs, ...collected.images]
  if (names.length > 0) ports.log.info(`Removed, as no kept release needs them: ${names.join(', ')}`)
}

/** Says how it ended: in the log, as annotations on the compose file, and as the report. */
async function conclude(run: Run, host: Host, wanted: Wanted, attempt: Attempt): Promise<Outcome> {
  const { ports, inputs, startedAt } = run
  for (const problem of [...blame(attempt, wanted.places), ...attempt.problems]) annotateProblem(ports.log, problem)
  const report = reportRollOut(attempt, {
    command: inputs.command,
    startedAt,
    endedAt: ports.clock.now(),
    findings: wanted.findings,
    rotated: wanted.rotated,
    releases: await readReleases(host.engine, attempt.stack),
    jobs: wanted.jobs,
    ...(wanted.rollbackOf !== undefined && { rollbackOf: wanted.rollbackOf })
  })
  return { report }
}
