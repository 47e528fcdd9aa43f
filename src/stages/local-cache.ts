import { sha256 } from '../hash.js'
import type { Target } from '../images/plan.js'
import type { Ports } from '../ports.js'

/** The folders of a `local` cache in one run, and the key under which it was found. */
export interface LocalCache {
  readonly restored: string
  readonly next: string
  readonly key: string | undefined
}

/** Fetches the cache of the last run for this stack; an empty one the first time. */
export async function restoreLocalCache(ports: Ports, stack: string): Promise<LocalCache> {
  const { folder, key } = await ports.cache.restore(prefixOf(ports, stack))
  ports.log.info(key === undefined ? 'No build cache of an earlier run.' : `Build cache ${key}.`)
  return { restored: folder, next: await ports.files.tempFolder('cache'), key }
}

/** Saves what the build left, unless it is what it found: a key names a content, and is never written twice. */
export async function saveLocalCache(
  ports: Ports,
  stack: string,
  targets: readonly Target[],
  cache: LocalCache
): Promise<void> {
  const indexes = await Promise.all(targets.map(({ name }) => ports.files.text(`${cache.next}/${name}/index.json`)))
  if (indexes.every(index => index === null)) return
  const hash = sha256(JSON.stringify(indexes), 16)
  const key = `${prefixOf(ports, stack)}-${hash}`
  if (key === cache.key) return
  if (await ports.cache.save(cache.next, key)) ports.log.info(`Saved the build cache as ${key}.`)
}

/** Of one kind of runner: layers of another architecture would be of no use. */
function prefixOf(ports: Ports, stack: string): string {
  const { RUNNER_OS: os = 'Linux', RUNNER_ARCH: architecture = 'X64' } = ports.env
  return `swarm-rollout-${os}-${architecture}-${stack}`
}
