import { stampRelease } from '../../compose/stamp.js'
import { onlyServices } from '../../compose/subset.js'
import { UserError, type Problem } from '../../errors.js'
import type { Service } from '../../engine-types.js'
import type { Stack } from '../../model.js'
import type { Host } from '../../ports.js'
import { describeChange, isTouched, keptLabels, type Change } from '../../release/compare.js'
import type { Attempt } from '../../report/roll-out.js'
import type { Rollout, Target } from '../../rollout/types.js'
import { applyStack } from '../../stages/apply.js'
import { startCli, type StackCli } from '../../stages/applying/cli.js'
import type { Lock } from '../../stages/lock.js'
import type { SavedRelease } from '../../stages/releases.js'
import { verifyUrls } from '../../stages/verify.js'
import { problemsOf } from '../run/problems.js'
import type { Run } from '../run/run.js'
import { seeThrough } from './see-through.js'
import type { Wanted } from './wanted.js'

export interface Applied {
  readonly rollout: Rollout
  /** What is wrong besides the tasks: the engine refused something, a URL does not answer, the lock is another's. */
  readonly problems: readonly Problem[]
}

/** What is to be applied, and over what. */
export interface Doing extends Pick<Attempt, 'changes' | 'before'> {
  /** null when nothing has changed. */
  readonly entry: SavedRelease | null
  /** What is there was applied by a run that never came to a good end, so its tasks have to prove themselves. */
  readonly unsettled: boolean
  /** That the lock is ours, as far as that was asked a moment ago; rejects when it is not. */
  readonly held: () => Promise<void>
  /** For what comes first, see {@link startEarly}. */
  readonly early: StackCli | null
}

/**
 * How long a task of an unsettled release must have been up. Its old failures do not count any more, and a crash loop
 * may look well for a while.
 */
const doubtMs = 60_000

/** What stops half-way is a failed rollout like any other: what was applied until then has to go back. */
export async function tryApply(run: Run, host: Host, lock: Lock, wanted: Wanted, of: Doing): Promise<Applied> {
  try {
    const applied = await applyAndWatch(run, host, lock, wanted, of)
    return lock.lost.aborted ? overtaken(lock, applied.rollout) : applied
  } catch (error) {
    if (lock.lost.aborted) return overtaken(lock, null)
    return { rollout: unseen(run, run.ports.cancelled.aborted ? 'cancelled' : 'failed'), problems: problemsOf(error) }
  }
}

/** Another run took the stack over, or asked this one to stop: its version is the one that counts. */
function overtaken(lock: Lock, rollout: Rollout | null): Applied {
  const reason: unknown = lock.lost.reason
  const seen = rollout ?? { services: [], timeline: [], startedAt: 0, endedAt: 0 }
  return { rollout: { ...seen, verdict: 'overtaken' }, problems: reason instanceof UserError ? reason.problems : [] }
}

/** A rollout of which nothing was watched. */
function unseen(run: Run, verdict: Rollout['verdict']): Rollout {
  const now = run.ports.clock.now()
  return { verdict, services: [], timeline: [], startedAt: now, endedAt: now }
}

/** Phase by phase, so that a job that fails keeps the services that wait for it as they are. */
async function applyAndWatch(run: Run, host: Host, lock: Lock, wanted: Wanted, of: Doing): Promise<Applied> {
  const { ports, inputs } = run
  const signal = AbortSignal.any([ports.cancelled, lock.lost])
  const until = ports.clock.now() + inputs.timeoutMs
  const rendered =
    of.entry?.release.rendered ?? stampRelease(wanted.stack, { release: 'r0', keep: keptLabels(of.changes) })
  for (const change of of.changes) ports.log.info(describeChange(change))
  const targets: Target[] = []
  let rollout: Rollout | undefined
  for (const [index, phase] of wanted.phases.entries()) {
    const changesSomething = of.changes.some(change => isTouched(change) && phase.includes(change.key))
    if (index === 0) await of.held()
    else if (changesSomething) await lock.assertHeld()
    if (signal.aborted)
      return { rollout: { ...(rollout ?? unseen(run, 'cancelled')), verdict: 'cancelled' }, problems: [] }
    const isLast = index === wanted.phases.length - 1
    const applied = await apply(run, host, lock, wanted, {
      rendered,
      changes: of.changes,
      services: phase,
      live: of.before,
      early: targets.some(({ touched }) => touched) ? null : of.early
    })
    targets.push(...applied)
    rollout = await seeThrough(ports, host, isLast ? targets : applied, {
      stack: wanted.target.stack,
      timeoutMs: Math.max(1_000, until - ports.clock.now()),
      // Only the whole stack has to stay up; what merely gates the next phase has to be there.
      stableForMs: isLast ? Math.max(inputs.stableForMs, of.unsettled ? doubtMs : 0) : 0,
      signal
    })
    if (rollout.verdict !== 'deployed') return { rollout, problems: [] }
  }
  if (rollout === undefined)
    throw new UserError({ message: 'The compose files hold no service.', remedy: 'Add one, or check `profiles`.' })
  const problems = await verifyUrls(ports, inputs.verifyUrls, Math.min(60_000, until - ports.clock.now()), signal)
  if (ports.cancelled.aborted) return { rollout: { ...rollout, verdict: 'cancelled' }, problems: [] }
  return { rollout, problems }
}

interface Application {
  readonly rendered: Stack
  readonly changes: readonly Change[]
  readonly services: readonly string[]
  readonly live: readonly Service[]
  readonly early?: StackCli | null
}

/** The services whose registry there is a login for, and the others. */
function byLogin(
  { session }: Wanted,
  stack: Stack,
  services: readonly string[]
): readonly (readonly [services: readonly string[], withRegistryAuth: boolean])[] {
  const covered = services.filter(key => session.covers(stack.services[key]?.image ?? ''))
  const bare = services.filter(key => !covered.includes(key))
  return (
    [
      [covered, true],
      [bare, false]
    ] as const
  ).filter(([some]) => some.length > 0)
}

/** A CLI for what {@link apply} will run it for first; to start, it takes as long as to write the release record. */
export function startEarly(run: Run, host: Host, wanted: Wanted, changes: readonly Change[]): StackCli | null {
  const touched = changes.filter(isTouched).map(({ key }) => key)
  // a later phase may have to wait for long
  const phase = wanted.phases[0] ?? []
  const first = byLogin(
    wanted,
    wanted.stack,
    phase.filter(key => touched.includes(key))
  )[0]
  if (first === undefined) return null
  const [services, withRegistryAuth] = first
  return startCli(run.ports, host, {
    stack: wanted.target.stack,
    dockerConfig: wanted.session.pullConfig,
    withRegistryAuth,
    about: onlyServices(wanted.stack, services)
  })
}

/**
 * Services whose registry there is no login for are deployed without `--with-registry-auth`: with it the CLI would
 * send empty credentials over good ones.
 */
export async function apply(
  run: Run,
  host: Host,
  lock: Lock,
  wanted: Wanted,
  what: Application
): Promise<readonly Target[]> {
  const targets: Target[] = []
  for (const [services, withRegistryAuth] of byLogin(wanted, what.rendered, what.services)) {
    const isFirst = !targets.some(({ touched }) => touched)
    const early = isFirst && what.early?.withRegistryAuth === withRegistryAuth ? what.early : undefined
    targets.push(
      ...(await applyStack(run.ports, host, {
        stack: wanted.target.stack,
        rendered: what.rendered,
        changes: [...what.changes],
        services: [...services],
        live: what.live,
        dockerConfig: wanted.session.pullConfig,
        withRegistryAuth,
        ...(early && { early }),
        stillOurs: () => lock.assertHeld()
      }))
    )
  }
  return targets
}
