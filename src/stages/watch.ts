import type { Service, Task } from '../engine-types.js'
import { EngineError, type Engine, type Ports } from '../ports.js'
import { concludingLines } from '../errors/rollout.js'
import { culprit, worthALook, type TaskRecords } from '../rollout/diagnose.js'
import { judge, wantsSecondLook, type Judgement } from '../rollout/judge.js'
import { observe, startObservation, type Observation, type TaskSeen } from '../rollout/observe.js'
import { conclude } from '../rollout/outcome.js'
import { progress } from '../rollout/progress.js'
import { timeOf } from '../rollout/tasks.js'
import type { Rollout, Snapshot, Target } from '../rollout/types.js'
import { duration, oneLine } from '../text.js'

export interface WatchOptions {
  /** The stack that all targets are of; null looks through the whole swarm. */
  readonly stack: string | null
  /** The watch ends at the latest after this many milliseconds. */
  readonly timeoutMs: number
  /** How long each task must have been up, from its own start, in milliseconds. */
  readonly stableForMs: number
  /** Ends the watch with the verdict `cancelled`. */
  readonly signal?: AbortSignal
  /** Whether a rollback that the swarm has begun is waited for. Default true. */
  readonly waitForRollback?: boolean
}

/** How often to look, in milliseconds: after an event, while something moves, while nothing does, when there is no connection; and when an answer is late. */
const pace = { woken: 200, moving: 500, still: 1_000, lost: 1_000, again: 30, late: 5_000 }
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
    const snapshot = await Promise.race([looking, deadline.reached])
    if (snapshot) {
      if (seen.snapshots === 0) observation = startObservation(targets, clock.of(startedAt))
      const next = observe(observation, snapshot)
      const lines = progress(observation, next)
      for (const line of lines) ports.log.info(line)
      if (lines.length > 0) movedAt = ports.clock.now()
      observation = next
      await fetchRecords(ports, engine, worthALook(observation, records), { records, signal })
    }
    const waitForRollback = options.waitForRollback ?? true
    // until the first look there is no telling what the manager's clock says: the watch began by the runner's
    const now = observation.snapshots === 0 ? ports.clock.now() : clock.now()
    judgement = judge(observation, { ...options, now, waitForRollback }, judgement)
    const verdict = signal.aborted ? 'cancelled' : judgement.verdict
    if (verdict !== 'pending') return await end(ports, engine, { observation, judgement, verdict, records })
    const rest = ports.clock.now() - movedAt < 3_000 ? pace.moving : pace.still
    await bell.wait(!snapshot ? pace.lost : wantsSecondLook(judgement) ? pace.again : rest)
  }
}

/**
 * One look: the tasks first, then the services, so that a service that is unchanged since the look before has the tasks read in between. Where
 * that is not to be had, since there was no look before or an event told of a change, the services are read before the tasks as well.
 */
async function look(
  engine: Engine,
  clock: EngineClock,
  seen: Observation,
  {
    stack,
    withNodes,
    changed
  }: { readonly stack: string | null; readonly withNodes: boolean; readonly changed: boolean }
): Promise<Snapshot> {
  const targets = async () => (await engine.services(stack)).filter(({ Spec }) => seen.services.has(Spec.Name))
  const known = [...seen.services.values()].flatMap(({ service }) => service ?? [])
  const isComplete = known.length === seen.services.size
  const [before, nodes] = await Promise.all([
    isComplete && !changed ? null : targets(),
    withNodes ? engine.nodes() : null,
    seen.snapshots === 0 ? clock.set(engine) : null
  ])
  const read = async (those: readonly Service[]): Promise<Pick<Snapshot, 'tasks' | 'current'>> => {
    const ids = those.map(({ ID }) => ID)
    const [tasks, current] =
      ids.length === 0 ? [[], []] : await Promise.all([engine.tasks(ids), currentTasks(engine, ids)])
    return { tasks, current: current.map(({ ID }) => ID) }
  }
  const tasks = await read(before ?? known).catch(async (thrown: unknown) => {
    // the engine refuses to list the tasks of a service that has just been removed
    if (!(thrown instanceof EngineError) || thrown.status !== 404) throw thrown
    return await read(await targets())
  })
  const services = await targets()
  return { at: clock.now(), services, ...tasks, ...(before && { before }), ...(nodes && { nodes }) }
}

/**
 * The tasks of these services' current versions. Only the engine can tell: a change of ports is not in a task's spec, and one of placement
 * constraints leaves tasks that still fit (swarmkit, orchestrator/task.go, IsTaskDirty). The filter is what the Docker CLI uses.
 */
function currentTasks(engine: Engine, services: readonly string[]): Promise<readonly Task[]> {
  const filters = JSON.stringify({ service: services, '_up-to-date': ['true'] })
  return engine.call<readonly Task[]>('GET', '/tasks', { query: { filters } })
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

/** The manager's clock, estimated once: times of tasks are compared with it, never with the runner's. */
class EngineClock {
  private aheadMs = 0
  constructor(private readonly ports: Ports) {}

  now(): number {
    return this.of(this.ports.clock.now())
  }

  /** A time of the runner's clock as the manager's. */
  of(time: number): number {
    return time + this.aheadMs
  }

  async set(engine: Engine): Promise<void> {
    const before = this.ports.clock.now()
    const time = timeOf((await engine.info()).SystemTime)
    if (time !== null) this.aheadMs = time - (before + this.ports.clock.now()) / 2
  }
}

/** Tries requests; says once that the engine does not answer, and once that it does again. */
class Connection {
  private lost = false
  constructor(private readonly ports: Ports) {}

  /** null when there was no answer, or the swarm has no leader just now. */
  async tryTo<T>(request: () => Promise<T>): Promise<T | null> {
    const answered = new AbortController()
    void this.sayWhenLate(answered.signal)
    try {
      const answer = await request()
      if (this.lost) this.ports.log.info('The engine answers again.')
      this.lost = false
      return answer
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || (thrown.status !== 0 && thrown.status < 500)) throw thrown
      this.sayLost(oneLine(thrown.message))
      return null
    } finally {
      answered.abort()
    }
  }

  /** A request may itself wait for a lost connection: the reader of the log should not have to guess. */
  private async sayWhenLate(answered: AbortSignal): Promise<void> {
    await this.ports.clock.sleep(pace.late, answered)
    if (!answered.aborted) this.sayLost(`nothing for ${duration(pace.late)}`)
  }

  private sayLost(why: string): void {
    if (!this.lost) this.ports.log.info(`The engine does not answer, trying again: ${why}`)
    this.lost = true
  }
}

/** `reached` becomes null when the signal fires or the time is over. */
function endingWait(ports: Ports, signal: AbortSignal, ms: number): Disposable & { readonly reached: Promise<null> } {
  const over = new AbortController()
  const reached = ports.clock.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => null)
  return { reached, [Symbol.dispose]: () => over.abort() }
}

interface Bell extends Disposable {
  /** Waits this many milliseconds, less when an event comes. */
  wait(ms: number): Promise<void>
  /** What kinds of object events told of since this was last asked. */
  rang(): ReadonlySet<string>
}

/** Listens to the engine's events of services and nodes, again and again when the connection drops. There are none of tasks. */
function listenForEvents(ports: Ports, engine: Engine, signal: AbortSignal): Bell {
  const over = new AbortController()
  const until = AbortSignal.any([over.signal, signal])
  let rung = new AbortController()
  let kinds = new Set<string>()
  const listen = async () => {
    while (!until.aborted) {
      try {
        for await (const event of engine.events({ types: ['service', 'node'] }, until)) {
          kinds.add(event.Type)
          rung.abort()
        }
      } catch (thrown) {
        ports.log.debug(`events: ${String(thrown)}`)
      }
      await ports.clock.sleep(pace.lost, until)
    }
  }
  void listen()
  return {
    async wait(ms) {
      await ports.clock.sleep(Math.min(ms, pace.woken), until)
      await ports.clock.sleep(Math.max(0, ms - pace.woken), AbortSignal.any([rung.signal, until]))
      rung = new AbortController()
    },
    rang() {
      const rang = kinds
      kinds = new Set()
      return rang
    },
    [Symbol.dispose]: () => over.abort()
  }
}
