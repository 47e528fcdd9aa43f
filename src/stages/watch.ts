import type { Engine, Ports } from '../ports.js'
import { unlessEnded } from '../promises.js'
import { concludingLines } from '../errors/rollout.js'
import { culprit, worthALook, type TaskRecords } from '../rollout/diagnose.js'
import { dueAt, judge, type Judgement } from '../rollout/judge.js'
import { observe, startObservation, type TaskSeen } from '../rollout/observe.js'
import { conclude } from '../rollout/outcome.js'
import { progress } from '../rollout/progress.js'
import type { Rollout, Target } from '../rollout/types.js'
import { Connection } from './watching/connection.js'
import { EngineClock, look } from './watching/look.js'
import { endingWait, listenForEvents } from './watching/waiting.js'

export interface WatchOptions {
  /** The stack that all targets are of. */
  readonly stack: string
  /** The watch ends at the latest after this many milliseconds. */
  readonly timeoutMs: number
  /** How long each task must have been up, from its own start, in milliseconds. */
  readonly stableForMs: number
  /** Ends the watch with the verdict `cancelled`. */
  readonly signal?: AbortSignal
}

/** How long to wait for the next look, in milliseconds: while something moves, while nothing does, without an answer, and at least where only time is missing. */
const pace = { moving: 500, still: 1_000, lost: 1_000, soonest: 30 }
/** Nodes are asked for with every so manieth look, and when an event tells of one. */
const nodesEvery = 10
/** What is fetched of a failed task: lines of its log, and how long that may take in milliseconds. */
const closer = { lines: 60, timeoutMs: 5_000 }

/**
 * Watches a rollout until it is decided, or the time is over, or the job is cancelled, and says how it ended and why. It decides nothing itself:
 * events of the engine wake it up, what the engine answers goes through `observe` and `judge`. A lost connection is waited out: nothing is
 * concluded from what was not seen. Throws EngineError only for a request that the engine refuses.
 */
export async function watch(
  ports: Ports,
  engine: Engine,
  targets: readonly Target[],
  options: WatchOptions
): Promise<Rollout> {
  const signal = options.signal ? AbortSignal.any([options.signal, ports.cancelled]) : ports.cancelled
  using deadline = endingWait(ports, signal, options.timeoutMs)
  using bell = listenForEvents(ports, engine, signal)
  const connection = new Connection(ports)
  const clock = new EngineClock(ports)
  const records = new Map<string, TaskRecords>()
  const startedAt = ports.clock.now()
  let observation = startObservation(targets, startedAt)
  let judgement: Judgement | undefined
  let movedAt = startedAt
  for (;;) {
    const seen = observation
    const rang = bell.rang()
    const withNodes = seen.snapshots % nodesEvery === 0 || rang.has('node')
    const how = { stack: options.stack, withNodes, changed: rang.has('service') }
    const looking = connection.tryTo(() => look(engine, clock, seen, how))
    looking.catch(() => undefined) // when it comes too late to be waited for
    const snapshot = await unlessEnded(looking, deadline.reached)
    if (snapshot) {
      if (seen.snapshots === 0) observation = startObservation(targets, clock.of(startedAt))
      const next = observe(observation, snapshot)
      const lines = progress(observation, next)
      for (const line of lines) ports.log.info(line)
      if (lines.length > 0) movedAt = ports.clock.now()
      observation = next
      await fetchRecords(ports, engine, worthALook(observation, records), { records, signal })
    }
    // until the first look there is no telling what the manager's clock says: the watch began by the runner's
    const now = observation.snapshots === 0 ? ports.clock.now() : clock.now()
    judgement = judge(observation, { ...options, now }, judgement)
    const verdict = signal.aborted ? 'cancelled' : judgement.verdict
    if (verdict !== 'pending') return await end(ports, engine, { observation, judgement, verdict, records })
    const rest = ports.clock.now() - movedAt < 3_000 ? pace.moving : pace.still
    const due = dueAt(judgement) ?? Infinity
    await bell.wait(snapshot ? Math.min(rest, Math.max(due - clock.now(), pace.soonest)) : pace.lost)
  }
}

/**
 * Fetches the logs and containers of tasks while they are there: the swarm keeps only the last few of a slot. Never throws, and is over at once
 * when the signal fires: a cancelled job has only seconds, and needs them for its tidying.
 */
async function fetchRecords(
  ports: Ports,
  engine: Engine,
  tasks: readonly TaskSeen[],
  { records, signal }: { readonly records: Map<string, TaskRecords>; readonly signal: AbortSignal }
): Promise<void> {
  await Promise.all(
    tasks.map(async ({ task }) => {
      const container = task.Status.ContainerStatus?.ContainerID
      // without a container there is nothing to fetch; on a node that is gone the answer never comes
      const none: TaskRecords = { logs: [], container: null }
      const fetched = async (): Promise<TaskRecords> => ({
        logs: await engine.taskLogs(task.ID, closer.lines).catch(() => []),
        container: container ? await engine.container(container).catch(() => null) : null
      })
      const over = new AbortController()
      const late = ports.clock.sleep(closer.timeoutMs, AbortSignal.any([over.signal, signal])).then(() => none)
      records.set(task.ID, container ? await Promise.race([fetched(), late]) : none)
      over.abort()
    })
  )
}

async function end(
  ports: Ports,
  engine: Engine,
  last: Parameters<typeof conclude>[0] & { readonly records: Map<string, TaskRecords> }
): Promise<Rollout> {
  const { observation, judgement, records } = last
  const blamed = [...observation.services].flatMap(([name, seen]) => {
    const state = judgement.services.get(name)
    const task = state?.is === 'deployed' ? null : culprit(observation, seen, state)
    return task && !records.has(task.task.ID) ? [task] : []
  })
  if (!ports.cancelled.aborted) await fetchRecords(ports, engine, blamed, { records, signal: ports.cancelled })
  const rollout = conclude(last)
  for (const line of concludingLines(rollout)) ports.log.info(line)
  return rollout
}
