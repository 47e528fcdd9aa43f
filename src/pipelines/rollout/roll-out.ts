import { stampRelease } from '../../compose/stamp.js'
import type { Service } from '../../engine-types.js'
import type { Problem } from '../../errors.js'
import type { Engine, Host } from '../../ports.js'
import { compare, keptLabels, type Change } from '../../release/compare.js'
import type { Inventory } from '../../release/garbage.js'
import { liveRelease, parseEntries, type Release, type ReleaseEntry } from '../../release/record.js'
import { changesAnything, isSettled } from '../../release/settled.js'
import type { RunStatus } from '../../report/model.js'
import { blame, reportRollOut, statusOf, type Attempt } from '../../report/roll-out.js'
import { removeDropped } from '../../stages/apply.js'
import { collectGarbage, takeInventory, type Collected } from '../../stages/collect.js'
import type { Lock } from '../../stages/lock.js'
import { markRelease, readReleases, saveRelease, type SavedRelease, type Seen } from '../../stages/releases.js'
import { startEarly, tryApply, type Applied } from './apply-and-watch.js'
import { goBack } from './go-back.js'
import { askWhetherHeld, lookAt, type StackSeen } from '../site/lock.js'
import { problemsOf } from '../run/problems.js'
import { annotateProblem, type Outcome, type Run } from '../run/run.js'
import type { Wanted } from './wanted.js'

/**
 * Applies what changed, phase by phase, watches it, and goes back to the release before when it does not hold. `seen` is what there is of the
 * stack, read a moment ago under the lock; null reads it.
 */
export async function rollOut(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  seen: Promise<StackSeen> | null
): Promise<Outcome> {
  const { engine } = host
  const { stack } = wanted.target
  const { services: before, entries } = await (seen ?? lookAt(engine, stack))
  const last = liveRelease(entries)
  const changes = compareWith(wanted, before, last)
  const unsettled = !isSettled(changes, last)
  const changesSomething = changesAnything(changes) || unsettled
  // the record changes nothing that runs
  const held = changesSomething ? askWhetherHeld(run.ports.clock, lock) : () => Promise.resolve()
  await using early = changesSomething ? startEarly(run, host, wanted, changes) : null
  const entry = changesSomething
    ? await saveRelease(engine, {
        stack,
        entries,
        live: before,
        labels: wanted.labels,
        build: id => describeRelease(run, wanted, id, changes, entries)
      })
    : null
  run.progress.changing = true
  const title = entry === null ? 'Rollout' : `Rollout of release ${entry.release.id}`
  const applied = await run.ports.log.group(title, () =>
    tryApply(run, host, lock, wanted, { entry, changes, before, unsettled, held, early })
  )
  const { restored, problems } = await tryGoBack(run, host, lock, wanted, { ...applied, entry, before, last })
  const attempt: Attempt = {
    stack,
    changes,
    release: entry?.release.id ?? null,
    before,
    last,
    rollout: applied.rollout,
    problems: [...applied.problems, ...problems],
    restored
  }
  const settled =
    entry === null
      ? { notes: [], left: { services: before, releases: entries } }
      : await settle(run, host, lock, entry, attempt)
  return await conclude(run, host, wanted, attempt, settled)
}

interface WayBack {
  readonly restored: Attempt['restored']
  /** Why there is none, where there should be. */
  readonly problems: readonly Problem[]
}

/** What keeps the stack from going back is told beside what made it necessary, never instead of it. */
async function tryGoBack(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  of: Applied & { readonly entry: SavedRelease | null } & Pick<Attempt, 'before' | 'last'>
): Promise<WayBack> {
  const { entry, rollout, problems } = of
  if (entry === null || (rollout.verdict === 'deployed' && problems.length === 0))
    return { restored: null, problems: [] }
  try {
    return { restored: await goBack(run, host, lock, wanted, { ...of, entry }), problems: [] }
  } catch (error) {
    return { restored: null, problems: problemsOf(error) }
  }
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

interface Settled {
  /** What could not be tidied, one sentence each. */
  readonly notes: readonly string[]
  /** What there is of the stack now, where that was seen. */
  readonly left?: Collected['left']
}

/** Writes the verdict into the release, and tidies up after a good one. The version runs by then: what cannot be tidied is a note. */
async function settle(run: Run, host: Host, lock: Lock, entry: SavedRelease, attempt: Attempt): Promise<Settled> {
  const { ports, inputs } = run
  const { engine } = host
  const notes: string[] = []
  const tryTo = async <T>(what: string, act: () => Promise<T>): Promise<T | null> => {
    try {
      return await act()
    } catch (error) {
      notes.push(
        `${what}: ${problemsOf(error)
          .map(({ message }) => message)
          .join(' ')}`
      )
      return null
    }
  }
  const status = statusOf(attempt)
  const isGood = status === 'deployed'
  const drops = attempt.changes.some(({ kind }) => kind === 'remove')
  const [labels, found] = await Promise.all([
    tryTo(`Release ${entry.release.id} could not be marked as ${status}`, () =>
      markRelease(engine, entry, verdictOf(status, attempt), isGood ? seenOf(entry, attempt) : undefined)
    ),
    // What is still to be removed needs nothing any more: then it is looked at afterwards.
    isGood && !drops ? takeInventory(engine, attempt.stack).catch(() => null) : null
  ])
  const inventory = found && labels ? withLabels(found, entry.config, labels) : found
  // Whoever overtook this run may have removed the record with the stack.
  if (status === 'overtaken') return { notes: [] }
  if (status !== 'deployed') return { notes }
  let left: Settled['left']
  await tryTo('What left the compose file could not be removed', async () => {
    if (!drops) return
    await lock.assertHeld()
    await removeDropped(ports, engine, attempt.changes)
  })
  await tryTo('What no release needs any more could not be removed', async () => {
    const gone = await collectGarbage(ports, engine, {
      stack: attempt.stack,
      keep: inputs.keepReleases,
      ...(inventory && { inventory }),
      beforeRemoval: () => lock.assertHeld()
    })
    const names = [...gone.releases, ...gone.secrets, ...gone.configs, ...gone.images]
    left = gone.left
    if (names.length > 0) ports.log.info(`Removed, as no kept release needs them: ${names.join(', ')}`)
  })
  for (const note of notes) ports.log.warning(note)
  return { notes, ...(left && { left }) }
}

/** What the verdict's own look saw of the services, and of the others what was there before. */
function seenOf({ record }: SavedRelease, { before, rollout: { seen } }: Attempt): Seen | undefined {
  if (record === null || seen === undefined) return undefined
  const names = new Set(seen.map(({ Spec }) => Spec.Name))
  return { record, live: [...seen, ...before.filter(({ Spec }) => !names.has(Spec.Name))] }
}

/** The inventory with a record that has got its verdict, whether or not that was read before it did. */
function withLabels<I extends Pick<Inventory, 'entries'>>(
  inventory: I,
  config: string,
  labels: Readonly<Record<string, string>>
): I {
  const objects = inventory.entries.map(({ object }) => object)
  const marked = objects.map(object =>
    object.ID === config ? { ...object, Spec: { ...object.Spec, Labels: labels } } : object
  )
  return { ...inventory, entries: parseEntries(marked) }
}

/** Empty where that cannot be asked any more: the verdict stands. */
async function whatIsThere(engine: Engine, stack: string): Promise<Collected['left']> {
  const [services, releases] = await Promise.all([
    engine.services(stack).catch(() => []),
    readReleases(engine, stack).catch(() => [])
  ])
  return { services, releases }
}

function verdictOf(status: RunStatus, attempt: Attempt): ReleaseEntry['verdict'] {
  if (status === 'deployed' || status === 'rolled-back') return status
  return attempt.problems.length > 0 && attempt.rollout.verdict === 'deployed' ? 'failed' : attempt.rollout.verdict
}

/** Says how it ended: in the log, as annotations on the compose file, and as the report. */
async function conclude(run: Run, host: Host, wanted: Wanted, attempt: Attempt, settled: Settled): Promise<Outcome> {
  const { ports, inputs, startedAt } = run
  const { engine } = host
  for (const problem of [...blame(attempt, wanted.places), ...attempt.problems]) annotateProblem(ports.log, problem)
  const { services, releases } = settled.left ?? (await whatIsThere(engine, attempt.stack))
  const report = reportRollOut(attempt, {
    command: inputs.command,
    startedAt,
    endedAt: ports.clock.now(),
    findings: wanted.findings,
    rotated: wanted.rotated,
    now: services,
    releases,
    jobs: wanted.jobs,
    ...(wanted.rollbackOf !== undefined && { rollbackOf: wanted.rollbackOf })
  })
  return { report: { ...report, notes: [...report.notes, ...settled.notes] } }
}
