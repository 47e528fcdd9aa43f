import { sha256 } from '../hash.js'
import { label, type Json, type JsonObject, type Stack, type StackService } from '../model.js'
import { canonicalJson, isObject, objectOf, sortKeys, textOf } from '../json.js'
import { dollar } from './model.js'

export interface Stamp {
  /** Id of the release that is being made, such as `r42`. */
  readonly release: string
  /** Further labels of ours, on every service. */
  readonly labels?: Readonly<Record<string, string>>
  /** By service key: the release label to keep, for a service that does not change. */
  readonly keep?: Readonly<Record<string, string>>
}

/**
 * Writes our labels on every service: the hash of its definition, and the release that changed it last. The release
 * label reverts when the swarm rolls the service back, which is how a rollback is recognised.
 */
export function stampRelease(stack: Stack, { release, labels = {}, keep = {} }: Stamp): Stack {
  const escaped = Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, dollar(value)]))
  return mapServices(stack, (service, key) => {
    const deploy = service.deploy ?? {}
    const own = {
      ...labelsOf(deploy),
      ...escaped,
      [label.content]: contentHash(stack, key),
      [label.release]: keep[key] ?? release
    }
    return { ...service, deploy: { ...deploy, labels: sortKeys(own) } }
  })
}

/**
 * Hash of a service's definition as rendered, with the definitions of what it refers to (networks, volumes, the names
 * of secrets and configs), and without any label of ours: two releases with equal hashes need no update.
 */
export function contentHash(stack: Stack, key: string): string {
  const service = stack.services[key] ?? { image: '' }
  const deploy = service.deploy ?? {}
  const labels = Object.fromEntries(Object.entries(labelsOf(deploy)).filter(([name]) => !ours.has(name)))
  const definition = {
    service: { ...service, deploy: { ...deploy, labels } },
    networks: pick(stack.networks, Object.keys(objectOf(service['networks']))),
    volumes: pick(stack.volumes, mountSources(service)),
    secrets: pick(stack.secrets, objectSources(service.secrets)),
    configs: pick(stack.configs, objectSources(service.configs))
  }
  return sha256(canonicalJson(definition))
}

const ours: ReadonlySet<string> = new Set(Object.values(label).filter(name => name !== label.namespace))

function labelsOf(deploy: JsonObject): JsonObject {
  return objectOf(deploy['labels'])
}

export function mapServices(stack: Stack, change: (service: StackService, key: string) => StackService): Stack {
  const services = Object.entries(stack.services).map(([key, service]) => [key, change(service, key)] as const)
  return { ...stack, services: Object.fromEntries(services) }
}

export function pick(section: Readonly<Record<string, JsonObject>> | undefined, keys: readonly string[]): JsonObject {
  const found = [...new Set(keys)].flatMap((key): [string, JsonObject][] => {
    const value = section !== undefined && Object.hasOwn(section, key) ? section[key] : undefined
    return value === undefined ? [] : [[key, value]]
  })
  return Object.fromEntries(found)
}

/** The keys of the secrets or configs that a service's list mounts. */
export function objectSources(mounts: readonly Json[] | undefined): readonly string[] {
  return (mounts ?? []).flatMap(mount => (isObject(mount) ? [textOf(mount['source'])] : []))
}

/** The keys of the named volumes that a service mounts. */
export function mountSources(service: StackService): readonly string[] {
  const mounts = (service['volumes'] ?? []) as readonly Json[]
  return mounts.flatMap(mount => (isObject(mount) && typeof mount['source'] === 'string' ? [mount['source']] : []))
}
