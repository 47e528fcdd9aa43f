import { clockAhead } from '../../engine-clock.js'
import type { Service, Task } from '../../engine-types.js'
import { EngineError, type Engine, type Ports } from '../../ports.js'
import type { Observation } from '../../rollout/observe.js'
import type { Snapshot } from '../../rollout/types.js'

/**
 * One look: the tasks first, then the services, so that a service that is unchanged since the look before has the tasks read in between. Where
 * that is not to be had, since there was no look before or an event told of a change, the services are read before the tasks as well.
 */
export async function look(
  engine: Engine,
  clock: EngineClock,
  seen: Observation,
  { stack, withNodes, changed }: { readonly stack: string; readonly withNodes: boolean; readonly changed: boolean }
): Promise<Snapshot> {
  const targets = async (from: Engine) =>
    (await from.services(stack)).filter(({ Spec }) => seen.services.has(Spec.Name))
  const known = [...seen.services.values()].flatMap(({ service }) => service ?? [])
  const isComplete = known.length === seen.services.size
  const [found, nodes] = await Promise.all([
    isComplete ? readAll(engine, targets, known, changed) : readAfresh(engine, targets),
    withNodes ? engine.nodes() : null,
    seen.snapshots === 0 ? clock.set(engine) : null
  ])
  return { at: clock.now(), ...found, ...(nodes && { nodes }) }
}

type Found = Pick<Snapshot, 'services' | 'tasks' | 'current' | 'before'>
type Targets = (from: Engine) => Promise<readonly Service[]>

/** All at once, as it is known whose tasks to ask for; afresh where that turns out to be different by now. */
async function readAll(engine: Engine, targets: Targets, known: readonly Service[], changed: boolean): Promise<Found> {
  const ids = known.map(({ ID }) => ID)
  const inOrder = engine.inOrder()
  const reading = [
    changed ? targets(inOrder) : Promise.resolve(null),
    readTasks(inOrder, ids),
    targets(inOrder)
  ] as const
  try {
    const [before, tasks, services] = await Promise.all(reading)
    const isSame = services.length === ids.length && services.every(({ ID }) => ids.includes(ID))
    if (isSame) return { services, ...tasks, ...(before && { before }) }
  } catch (thrown) {
    // the engine refuses to list the tasks of a service that has just been removed
    if (!(thrown instanceof EngineError) || thrown.status !== 404) throw thrown
  }
  return await readAfresh(engine, targets)
}

async function readAfresh(engine: Engine, targets: Targets): Promise<Found> {
  const before = await targets(engine)
  const inOrder = engine.inOrder()
  const ids = before.map(({ ID }) => ID)
  const [tasks, services] = await Promise.all([readTasks(inOrder, ids), targets(inOrder)])
  return { services, ...tasks, before }
}

async function readTasks(engine: Engine, ids: readonly string[]): Promise<Pick<Snapshot, 'tasks' | 'current'>> {
  if (ids.length === 0) return { tasks: [], current: [] }
  const [tasks, current] = await Promise.all([engine.tasks(ids), currentTasks(engine, ids)])
  return { tasks, current: current.map(({ ID }) => ID) }
}

/**
 * The tasks of these services' current versions. Only the engine can tell: a change of ports is not in a task's spec, and one of placement
 * constraints leaves tasks that still fit (swarmkit, orchestrator/task.go, IsTaskDirty). The filter is what the Docker CLI uses.
 */
function currentTasks(engine: Engine, services: readonly string[]): Promise<readonly Task[]> {
  const filters = JSON.stringify({ service: services, '_up-to-date': ['true'] })
  return engine.call<readonly Task[]>('GET', '/tasks', { query: { filters } })
}

/** The manager's clock, estimated once: times of tasks are compared with it, never with the runner's. */
export class EngineClock {
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
    const info = await engine.info()
    this.aheadMs = clockAhead(info, before, this.ports.clock.now()) ?? this.aheadMs
  }
}
