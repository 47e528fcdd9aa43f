import type { Stack } from '../model.js'
import { objectOf } from '../json.js'
import { mountSources, objectSources, pick } from './stamp.js'

/** The part of a stack that holds these services, and only the networks, volumes, secrets and configs they use. */
export function onlyServices(stack: Stack, keys: readonly string[]): Stack {
  const wanted = new Set(keys)
  const services = Object.fromEntries(Object.entries(stack.services).filter(([key]) => wanted.has(key)))
  const all = Object.values(services)
  const networks = all.flatMap(service => Object.keys(objectOf(service['networks'])))
  return {
    services,
    networks: pick(stack.networks, networks) as NonNullable<Stack['networks']>,
    volumes: pick(stack.volumes, all.flatMap(mountSources)) as NonNullable<Stack['volumes']>,
    secrets: pick(
      stack.secrets,
      all.flatMap(service => objectSources(service.secrets))
    ) as NonNullable<Stack['secrets']>,
    configs: pick(
      stack.configs,
      all.flatMap(service => objectSources(service.configs))
    ) as NonNullable<Stack['configs']>
  }
}
