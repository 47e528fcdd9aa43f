import { stampRelease } from '../compose/stamp.js'
import { UserError, type Place, type Problem } from '../errors.js'
import type { Service } from '../engine-types.js'
import type { Finding, Stack } from '../model.js'
import type { Host } from '../ports.js'
import { blame, reportRollOut, statusOf, type Attempt } from '../report/roll-out.js'
import { compare, describeChange, isTouched, keptLabels, type Change } from '../release/compare.js'
import { liveRelease, type ReadableEntry, type Release, type ReleaseEntry } from '../release/record.js'
import type { Rollout, Target } from '../rollout/types.js'
import { applyStack, removeDropped } from '../stages/apply.js'
import { collectGarbage } from '../stages/collect.js'
import type { Lock } from '../stages/lock.js'
import type { RegistrySession } from '../stages/login.js'
import { markRelease, readReleases, saveRelease } from '../stages/releases.js'
import { restore } from '../stages/restore.js'
import { verifyUrls } from '../stages/verify.js'
import { watch } from '../stages/watch.js'
import type { Outcome, Run, StackTarget } from './run.js'

/** A stack that is ready to be applied: images pinned, objects named. */
export interface Wanted {
  readonly target: StackTarget
  readonly stack: Stack
  readonly phases: readonly (readonly string[])[]
  readonly jobs: readonly string[]
  readonly openReplicas: readonly string[]
  readonly places: Readonly<Record<string, Place>>
  readonly findings: readonly Finding[]
  /** Images that this run built, which garbage collection may remove one day. */
  readonly brought: Readonly<Record<string, string>>
  /** Names of the secrets and configs that are new. */
  readonly rotated: readonly string[]
  readonly session: RegistrySession
  readonly labels: Readonly<Record<string, string>>
  readonly rollbackOf?: string
}

type Pending = ReadableEntry

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
        build: id => describeRelease(run, wanted, id, changes)
      })
    : null
  const applied = await ports.log.group(entry === null ? 'Rollout' : `Rollout of release ${entry.id}`, () =>
    applyAndWatch(run, host, lock, wanted, { entry, changes, before })
  )
  const good = applied.rollout.verdict === 'deployed' && applied.unverified.length === 0
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

function describeRelease(run: Run, wanted: Wanted, id: string, changes: readonly Change[]): Release {
  const { job, startedAt } = run
  return {
    version: 1,
    id,
    stack: wanted.target.stack,
    commit: job.commit,
    ref: job.ref,
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

interface Applied {
  readonly rollout: Rollout
  readonly unverified: readonly Problem[]
}

/** Phase by phase, so that a job that fails keeps the services that wait for it as they are. */
async function applyAndWatch(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  of: { readonly entry: Pending | null } & Pick<Attempt, 'changes' | 'before'>
): Promise<Applied> {
  const { ports, inputs } = run
  const signal = AbortSignal.any([ports.cancelled, lock.lost])
  const until = ports.clock.now() + inputs.timeoutMs
  const rendered =
    of.entry?.release.rendered ?? stampRelease(wanted.stack, { release: 'r0', keep: keptLabels(of.changes) })
  for (const change of of.changes) ports.log.info(describeChange(change))
  const targets: Target[] = []
  let rollout: Rollout | undefined
  for (const [index, phase] of wanted.phases.entries()) {
    await lock.assertHeld()
    const isLast = index === wanted.phases.length - 1
    const applied = await apply(run, host, wanted, { rendered, changes: of.changes, services: phase, live: of.before })
    targets.push(...applied)
    rollout = await watch(ports, host.engine, isLast ? targets : applied, {
      stack: wanted.target.stack,
      timeoutMs: Math.max(1_000, until - ports.clock.now()),
      // Only the whole stack has to stay up; what merely gates the next phase has to be there.
      stableForMs: isLast ? inputs.stableForMs : 0,
      signal,
      waitForRollback: true
    })
    if (rollout.verdict !== 'deployed') return { rollout, unverified: [] }
  }
  if (rollout === undefined)
    throw new UserError({ message: 'The compose files hold no service.', remedy: 'Add one, or check `profiles`.' })
  const unverified = await verifyUrls(ports, inputs.verifyUrls, Math.min(60_000, until - ports.clock.now()), signal)
  return { rollout, unverified }
}

interface Application {
  readonly rendered: Stack
  readonly changes: readonly Change[]
  readonly services: readonly string[]
  readonly live: readonly Service[]
}

/**
 * Services whose registry there is no login for are deployed without `--with-registry-auth`: with it the CLI would
 * send empty credentials over good ones.
 */
async function apply(run: Run, host: Host, wanted: Wanted, what: Application): Promise<readonly Target[]> {
  const covered = what.services.filter(key => wanted.session.covers(what.rendered.services[key]?.image ?? ''))
  const bare = what.services.filter(key => !covered.includes(key))
  const targets: Target[] = []
  for (const [services, withRegistryAuth] of [
    [covered, true],
    [bare, false]
  ] as const) {
    if (services.length === 0) continue
    targets.push(
      ...(await applyStack(run.ports, host, {
        stack: wanted.target.stack,
        rendered: what.rendered,
        changes: [...what.changes],
        services: [...services],
        live: what.live,
        dockerConfig: wanted.session.pullConfig,
        withRegistryAuth
      }))
    )
  }
  return targets
}

/** The whole stack back to the release before, watched like any rollout; not watched when the job was cancelled. */
async function goBack(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  of: { readonly entry: Pending } & Pick<Attempt, 'before' | 'last' | 'rollout'>
): Promise<Attempt['restored']> {
  const { ports, inputs } = run
  if (inputs.onFailure === 'leave' || of.rollout.verdict === 'overtaken' || lock.lost.aborted) return null
  const restoration = await ports.log.group('Back to the release before', () =>
    restore(ports, host, {
      stack: wanted.target.stack,
      release: of.entry.id,
      rendered: of.entry.release.rendered,
      jobs: [...wanted.jobs],
      before: of.before,
      last: of.last,
      redeploy: async (rendered, services, live) => [
        ...(await apply(run, host, wanted, {
          rendered,
          changes: everyServiceAgain(rendered, services, wanted),
          services,
          live
        }))
      ]
    })
  )
  if (restoration.targets.length === 0 || ports.cancelled.aborted) return { ...restoration, rollout: null }
  const rollout = await watch(ports, host.engine, restoration.targets, {
    stack: wanted.target.stack,
    timeoutMs: inputs.timeoutMs,
    stableForMs: inputs.stableForMs,
    signal: AbortSignal.any([ports.cancelled, lock.lost]),
    waitForRollback: true
  })
  return { ...restoration, rollout }
}

function everyServiceAgain(rendered: Stack, services: readonly string[], wanted: Wanted): Change[] {
  return services.map(key => ({
    kind: 'update',
    service: `${wanted.target.stack}_${key}`,
    key,
    job: wanted.jobs.includes(key),
    why: 'changed',
    fields: [],
    drift: [],
    image: rendered.services[key]?.image ?? ''
  }))
}

/** Writes the verdict into the release, and tidies up after a good one. */
async function settle(run: Run, host: Host, entry: Pending, attempt: Attempt): Promise<void> {
  const { ports, inputs } = run
  const { engine } = host
  const status = statusOf(attempt)
  if (status !== 'deployed') {
    const verdict =
      status === 'rolled-back' ? status : attempt.unverified.length > 0 ? 'failed' : attempt.rollout.verdict
    await markRelease(engine, entry, { verdict })
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
  for (const { message, remedy, at } of blame(attempt, wanted.places)) {
    ports.log.error(remedy === undefined ? message : `${message}\n${remedy}`, at)
  }
  for (const { message, remedy } of attempt.unverified) ports.log.error(`${message}\n${remedy ?? ''}`)
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
