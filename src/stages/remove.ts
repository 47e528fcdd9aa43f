import { messageOf } from '../errors.js'
import { stillRunning } from '../errors/release.js'
import { parseReference } from '../images/reference.js'
import { label } from '../model.js'
import { EngineError, type Engine, type Ports } from '../ports.js'
import { chooseImages } from '../release/garbage.js'
import { parseEntries } from '../release/record.js'

export interface Removal {
  readonly stack: string
  /** Also the volumes of the stack, as far as they are on the connected node. */
  readonly volumes: boolean
  readonly timeoutMs: number
}

export interface Removed {
  /** false when there was nothing of the stack. */
  readonly existed: boolean
  /** How many of each. */
  readonly removed: {
    readonly services: number
    readonly networks: number
    readonly secrets: number
    readonly configs: number
    readonly volumes: number
    readonly images: number
  }
  /** What stays, one sentence each. */
  readonly left: readonly string[]
}

/** How often is looked whether something is gone. */
const pollMs = 1_000
/** How long containers that have ended may hold an image. */
const containersMs = 20_000

/**
 * Takes a stack down and waits until it is gone: `docker stack rm` does not wait for the tasks, and a deploy right
 * after it meets the old networks (moby/moby#29293). What is already gone counts as removed. The stack's lock is not
 * touched: whoever calls this holds it. Throws UserError naming what is still there when the time is over.
 */
export async function removeStack(ports: Ports, engine: Engine, removal: Removal): Promise<Removed> {
  const { stack } = removal
  const until = ports.clock.now() + removal.timeoutMs
  const wait = new Wait(ports, stack, removal.timeoutMs, until)
  const images = await imagesOf(engine, stack)
  const services = await removeServices(ports, engine, stack)
  await wait.for(async () => (await runningTasks(engine, stack)).reachable.map(task => `task ${task}`))
  const lost = (await runningTasks(engine, stack)).lost.map(
    node => `What runs on ${node} stays until that node is back: it is down.`
  )
  const networks = await wait.removed(
    () => networksOf(engine, stack),
    id => tryRemoveNetwork(engine, id)
  )
  // The records say which images there are, so they go after those.
  const gone = await removeImages(ports, engine, images, until)
  const secrets = await removeObjects(engine, 'secret', stack)
  const configs = await removeObjects(engine, 'config', stack)
  const { volumes, left } = await removeVolumes(ports, engine, removal, until)
  const removed = {
    services,
    networks: networks.count,
    secrets: secrets.count,
    configs: configs.count,
    volumes,
    images: gone
  }
  const existed = Object.values(removed).some(count => count > 0)
  return { existed, removed, left: [...lost, ...networks.left, ...secrets.left, ...configs.left, ...left] }
}

interface Thing {
  readonly id: string
  readonly name: string
  /** A service of another stack. */
  readonly usedBy?: string
}

interface Gone {
  readonly count: number
  readonly left: readonly string[]
}

/** Waits until there is nothing left, or says what is when the time is over. */
class Wait {
  constructor(
    private readonly ports: Ports,
    private readonly stack: string,
    private readonly timeoutMs: number,
    private readonly until: number
  ) {}

  async for(left: () => Promise<readonly string[]>): Promise<void> {
    for (;;) {
      const names = await left()
      if (names.length === 0) return
      const { clock, cancelled } = this.ports
      if (clock.now() >= this.until || cancelled.aborted) throw stillRunning(this.stack, names, this.timeoutMs)
      await clock.sleep(pollMs, cancelled)
    }
  }

  /** Removes until there is nothing left but what other stacks use. */
  async removed(list: () => Promise<readonly Thing[]>, remove: (id: string) => Promise<boolean>): Promise<Gone> {
    const seen = new Set<string>()
    const left = new Set<string>()
    await this.for(async () => {
      const mine = (await list()).filter(thing => thing.usedBy === undefined)
      for (const { id } of mine) {
        seen.add(id)
        await remove(id)
      }
      const still = await list()
      for (const { name, usedBy } of still)
        if (usedBy !== undefined) left.add(`Network ${name} is in use by ${usedBy}.`)
      return still.filter(thing => thing.usedBy === undefined).map(({ name }) => `network ${name}`)
    })
    return { count: seen.size, left: [...left] }
  }
}

async function removeServices(ports: Ports, engine: Engine, stack: string): Promise<number> {
  const services = await engine.services(stack)
  for (const service of services) {
    await engine.removeService(service.ID)
    ports.log.info(`Removed service ${service.Spec.Name}`)
  }
  return services.length
}

const over = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'])

/**
 * The tasks that still run. Those of a removed service go when their containers have stopped; on a node that is down
 * nobody stops them, and the swarm only orphans them after a day.
 */
async function runningTasks(
  engine: Engine,
  stack: string
): Promise<{ readonly reachable: readonly string[]; readonly lost: readonly string[] }> {
  const tasks = (await engine.tasksOfStack(stack)).filter(task => !over.has(task.Status.State))
  if (tasks.length === 0) return { reachable: [], lost: [] }
  const down = new Map(
    (await engine.nodes())
      .filter(node => node.Status.State === 'down')
      .map(node => [node.ID, node.Description?.Hostname ?? node.ID])
  )
  return {
    reachable: tasks.filter(task => !down.has(task.NodeID ?? '')).map(task => task.ID),
    lost: [...new Set(tasks.flatMap(task => down.get(task.NodeID ?? '') ?? []))]
  }
}

async function networksOf(engine: Engine, stack: string): Promise<readonly Thing[]> {
  const [networks, services] = await Promise.all([engine.networks({ stack }), engine.services(null)])
  return networks.map(({ Id, Name }) => {
    const user = services.find(({ Spec }) => (Spec.TaskTemplate.Networks ?? []).some(({ Target }) => Target === Id))
    return { id: Id, name: Name, ...(user !== undefined && { usedBy: user.Spec.Name }) }
  })
}

/** What is in use once the stack's own services are gone, another stack uses. */
async function removeObjects(engine: Engine, kind: 'secret' | 'config', stack: string): Promise<Gone> {
  const objects = await engine.objects(kind, { stack })
  const left: string[] = []
  let count = 0
  for (const { ID, Spec } of objects) {
    if (Spec.Labels?.[label.kind] === 'lock') continue
    if (await engine.removeObject(kind, ID)) count++
    else left.push(`${kind === 'secret' ? 'Secret' : 'Config'} ${Spec.Name} is in use by another stack.`)
  }
  return { count, left }
}

/** A network is in use until the last of its tasks is gone, which the tasks' list is a little ahead of. */
async function tryRemoveNetwork(engine: Engine, id: string): Promise<boolean> {
  try {
    await engine.removeNetwork(id)
    return true
  } catch (error) {
    if (error instanceof EngineError && error.status !== 0) return false
    throw error
  }
}

async function removeVolumes(
  ports: Ports,
  engine: Engine,
  { stack, volumes }: Removal,
  until: number
): Promise<{ readonly volumes: number; readonly left: readonly string[] }> {
  const names = await engine.volumes(stack)
  if (!volumes) {
    const left = names.map(name => `Volume ${name} keeps its data; \`remove-volumes: true\` removes it too.`)
    return { volumes: 0, left }
  }
  let remaining = names
  for (;;) {
    const kept: string[] = []
    for (const name of remaining) if (!(await engine.removeVolume(name))) kept.push(name)
    remaining = kept
    if (remaining.length === 0 || ports.clock.now() >= until || ports.cancelled.aborted) break
    await ports.clock.sleep(pollMs, ports.cancelled)
  }
  const inUse = remaining.map(name => `Volume ${name} is still in use.`)
  const others = (await engine.nodes()).length > 1
  const away = others ? [`Volumes of ${stack} on other nodes are out of reach: \`docker volume ls\` there.`] : []
  return { volumes: names.length - remaining.length, left: [...inUse, ...away] }
}

/** The images that only this stack's releases had brought here. */
async function imagesOf(engine: Engine, stack: string): Promise<readonly string[]> {
  const [services, records] = await Promise.all([
    engine.services(null),
    engine.objects('config', { labels: [`${label.kind}=release`] })
  ])
  return chooseImages({ stack, services, entries: parseEntries(records) })
}

/**
 * Images on the connected node. The engine removes containers a little after their tasks have ended, so an image in use
 * is tried again for a while; what is held even then stays, and a full disk is the only harm.
 */
async function removeImages(ports: Ports, engine: Engine, images: readonly string[], until: number): Promise<number> {
  const patience = Math.min(until, ports.clock.now() + containersMs)
  let removed = 0
  let waiting = images
  for (;;) {
    const results = await Promise.all(waiting.map(image => tryRemoveImage(ports, engine, image)))
    removed += results.filter(result => result === 'removed').length
    waiting = waiting.filter((_, index) => results[index] === 'in use')
    if (waiting.length === 0 || ports.clock.now() >= patience || ports.cancelled.aborted) return removed
    await ports.clock.sleep(pollMs, ports.cancelled)
  }
}

async function tryRemoveImage(ports: Ports, engine: Engine, image: string): Promise<'removed' | 'in use' | 'failed'> {
  const { repository, digest } = parseReference(image) ?? {}
  const name = repository === undefined || digest === undefined ? image : `${repository}@${digest}`
  try {
    return (await engine.removeImage(name)) ? 'removed' : 'in use'
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    ports.log.debug(`Image ${name} was not removed: ${messageOf(error)}`)
    return 'failed'
  }
}
