import type { Service } from '../engine-types.js'
import { label } from '../model.js'
import { EngineError, type Engine, type Ports } from '../ports.js'
import { parseReference } from '../images/reference.js'
import { chooseGarbage, type Inventory } from '../release/garbage.js'
import { parseEntries, verdictLabels, type ReleaseEntry } from '../release/record.js'
import { messageOf } from '../errors.js'

/** The names of what was removed. */
export interface Collected {
  readonly secrets: readonly string[]
  readonly configs: readonly string[]
  readonly releases: readonly string[]
  /** On the connected node; what lies on others is out of reach. */
  readonly images: readonly string[]
  /** What there is of the stack now: its services, and the releases that one can go back to. */
  readonly left: { readonly services: readonly Service[]; readonly releases: readonly ReleaseEntry[] }
}

/** All that garbage is chosen from, as it is in the swarm now. */
export async function takeInventory(engine: Engine, stack: string): Promise<Omit<Inventory, 'keep'>> {
  const inOrder = engine.inOrder()
  const [services, records, secrets, configs] = await Promise.all([
    inOrder.services(null),
    inOrder.objects('config', { labels: [`${label.kind}=release`] }),
    inOrder.objects('secret', { stack, labels: [`${label.kind}=secret`] }),
    inOrder.objects('config', { stack, labels: [`${label.kind}=config`] })
  ])
  return { stack, services, entries: parseEntries(records), secrets, configs }
}

/**
 * Removes what no service and no kept release of any stack needs: versions of secrets and configs, records of old
 * releases, and the images that those had brought. Only to be called after a success and under the stack's lock.
 * Nothing here fails a deploy: what cannot be removed is left for the next time.
 */
export async function collectGarbage(
  ports: Ports,
  engine: Engine,
  options: {
    readonly stack: string
    readonly keep: number
    /** What was seen a moment ago, under the same lock; without it, it is looked at here. */
    readonly inventory?: Omit<Inventory, 'keep'>
    /** Called once before the first removal, if there is any; what it throws keeps everything as it is. */
    readonly beforeRemoval?: () => Promise<void>
  }
): Promise<Collected> {
  const { stack, keep } = options
  const inventory = options.inventory ?? (await takeInventory(engine, stack))
  const garbage = chooseGarbage({ ...inventory, keep })
  const { releases, secrets: oldSecrets, configs: oldConfigs } = garbage
  if (releases.length + oldSecrets.length + oldConfigs.length > 0) await options.beforeRemoval?.()
  const attempt = async (name: string, remove: () => Promise<boolean>): Promise<readonly string[]> => {
    try {
      return (await remove()) ? [name] : []
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      ports.log.debug(`${name} was not removed: ${messageOf(error)}`)
      return []
    }
  }
  // From here on nobody takes them for releases that one can go back to.
  for (const { entry } of garbage.releases) await attempt(entry.id, () => retire(engine, entry))
  const removed = { secrets: [] as string[], configs: [] as string[], releases: [] as string[], images: [] as string[] }
  for (const kind of ['secret', 'config'] as const) {
    for (const { ID, Spec } of garbage[`${kind}s`]) {
      removed[`${kind}s`].push(...(await attempt(Spec.Name, () => engine.removeObject(kind, ID))))
    }
  }
  for (const { entry, images, waits } of garbage.releases) {
    const gone = await Promise.all(images.map(image => attempt(image, () => removeImage(engine, image))))
    removed.images.push(...gone.flat())
    if (waits || gone.some(names => names.length === 0)) continue
    removed.releases.push(...(await attempt(entry.id, () => engine.removeObject('config', entry.object.ID))))
  }
  const old = new Set(garbage.releases.map(({ entry }) => entry))
  return {
    ...removed,
    left: {
      services: inventory.services.filter(({ Spec }) => Spec.Labels?.[label.namespace] === stack),
      releases: inventory.entries.filter(entry => entry.stack === stack && !old.has(entry))
    }
  }
}

async function retire(engine: Engine, entry: ReleaseEntry): Promise<boolean> {
  if (entry.verdict !== 'retired') {
    await engine.labelObject('config', entry.object, verdictLabels(entry.object.Spec.Labels ?? {}, 'retired'))
  }
  return true
}

/** An image that was pulled by its digest has no tag on the node; stopped containers of the task history hold it. */
async function removeImage(engine: Engine, image: string): Promise<boolean> {
  const reference = parseReference(image)
  const { repository, digest } = reference ?? {}
  return engine.removeImage(repository === undefined || digest === undefined ? image : `${repository}@${digest}`)
}
