import type { Json, JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import { bareRecord, compact, compactOrNone, textOf } from '../json.js'
import { undollar, type ComposeModel, type ComposeNetwork } from './model.js'
import { fixedName, stackKeys } from './names.js'
import { notesOfAttachment, notesOfNetwork } from './network-losses.js'
import type { Note, Translated } from './translated.js'

/** Networks that every engine has, and that are no part of a swarm. */
const predefined: ReadonlySet<string> = new Set(['host', 'none', 'bridge'])

/** A service's attachments, with the names under which compose would have let the others find it. */
export function translateAttachments(context: ServiceContext): Translated<JsonObject | undefined> {
  const { service, name } = context
  const mode = service.network_mode
  if (mode === 'host') return { value: { host: null }, notes: [modeNote(name, mode)] }
  if (mode === 'none') return { value: { [aloneKey(context.key)]: null }, notes: [modeNote(name, mode)] }
  if (isNamed(mode)) {
    const key = namedKey(context.model, mode)
    return { value: { [context.networkKeys[key] ?? key]: null }, notes: [] }
  }
  const extra = context.aliases[name] ?? []
  // Compose attaches nothing to a network of the stack for `bridge` and for what a swarm cannot; the CLI takes `default`.
  const attachments = Object.entries(service.networks ?? (extra.length > 0 ? { default: null } : {}))
  const value = attachments.map(([network, attachment]): [string, Json] => {
    const external = predefined.has(context.model.networks[network]?.name ?? '')
    const aliases = [...new Set([...(attachment?.aliases ?? []), ...(external ? [] : extra)])]
    const own = compact({ aliases: aliases.length > 0 ? aliases : undefined, driver_opts: attachment?.driver_opts })
    return [context.networkKeys[network] ?? network, Object.keys(own).length > 0 ? own : null]
  })
  return {
    value: value.length > 0 ? Object.fromEntries(value) : undefined,
    notes: attachments.flatMap(([network, attachment]) => notesOfAttachment(name, network, attachment ?? {}))
  }
}

/** Names that other services may use for a service: its container_name, links to it, its own name where it was renamed. */
export function aliasesOf(
  model: ComposeModel,
  keys: Readonly<Record<string, string>>
): Readonly<Record<string, readonly string[]>> {
  const aliases = bareRecord<string[]>()
  const add = (service: string, alias: string): void => {
    const list = (aliases[service] ??= [])
    if (alias !== keys[service] && !list.includes(alias)) list.push(alias)
  }
  for (const [name, service] of Object.entries(model.services)) {
    if (keys[name] !== name) add(name, name)
    if (service.container_name !== undefined) add(name, service.container_name)
    for (const link of service.links ?? []) {
      const [target = '', alias = target] = link.split(':')
      if (target in model.services && alias !== target) add(target, alias)
    }
  }
  return aliases
}

/** The stack's networks: overlays of its own, and external ones, which have to exist in the swarm. */
export function translateNetworks(
  model: ComposeModel,
  keys: Readonly<Record<string, string>>,
  stack: string
): Translated<Readonly<Record<string, JsonObject>>> {
  const networkKeys = stackKeys(Object.keys(model.networks), stack)
  const parts = Object.entries(model.networks).map(([name, network]) => {
    const key = networkKeys[name] ?? name
    return {
      key,
      value: stackNetwork(name, network, model.name),
      notes: notesOfNetwork({ name, key, network, project: model.name, stack })
    }
  })
  return {
    value: {
      ...Object.fromEntries(parts.map(({ key, value }) => [key, value])),
      ...modeNetworks(model, keys)
    },
    notes: parts.flatMap(({ notes }) => notes)
  }
}

function stackNetwork(key: string, network: ComposeNetwork, project: string): JsonObject {
  if (network.external === true) return { external: true, name: network.name ?? key }
  const driver = network.driver === 'bridge' || network.driver === '' ? undefined : network.driver
  return compact({
    name: fixedName(network.name, key, project),
    driver,
    driver_opts: driverOptions(network),
    ipam: addressPlan(network),
    internal: network.internal,
    attachable: network.attachable,
    labels: network.labels
  })
}

/** The options of an overlay; those of the bridge driver mean nothing to it. */
function driverOptions({ driver_opts }: ComposeNetwork): JsonObject | undefined {
  const options = Object.entries(driver_opts ?? {}).filter(
    ([option]) => !option.startsWith('com.docker.network.bridge.')
  )
  return options.length > 0 ? Object.fromEntries(options) : undefined
}

/** Subnets are all that a stack file knows of address management. */
function addressPlan({ ipam }: ComposeNetwork): JsonObject | undefined {
  const subnets = (ipam?.config ?? []).flatMap(pool =>
    pool['subnet'] === undefined ? [] : [{ subnet: pool['subnet'] }]
  )
  const driver = ipam?.driver === '' || ipam?.driver === 'default' ? undefined : ipam?.driver
  return compactOrNone({ driver, config: subnets.length > 0 ? subnets : undefined })
}

/** External networks by the name they have in the swarm, without those every engine has. */
export function externalNetworks(networks: Readonly<Record<string, JsonObject>>): readonly string[] {
  const external = Object.values(networks).filter(network => network['external'] === true)
  return [...new Set(external.map(network => undollar(textOf(network['name']))))].filter(name => !predefined.has(name))
}

/** Networks that `network_mode` asks for. The swarm knows the network `host` of every node, but no `none`: that is a network with nobody else and no way out. */
function modeNetworks(
  model: ComposeModel,
  keys: Readonly<Record<string, string>>
): Readonly<Record<string, JsonObject>> {
  const modes = Object.entries(model.services).map(([name, { network_mode }]) => [name, network_mode] as const)
  const alone = modes.filter(([, mode]) => mode === 'none').map(([name]) => aloneKey(keys[name] ?? name))
  const named = modes.flatMap(([, mode]) => (isNamed(mode) ? [mode] : []))
  const missing = named.filter(mode => !(namedKey(model, mode) in model.networks))
  return {
    ...(modes.some(([, mode]) => mode === 'host') ? { host: { external: true, name: 'host' } } : {}),
    ...Object.fromEntries(missing.map(name => [name, { external: true, name }])),
    ...Object.fromEntries(alone.map(key => [key, { internal: true }]))
  }
}

/** `network_mode: front` is the network that Docker knows by that name: one of this file, or an external one. */
function isNamed(mode: string | undefined): mode is string {
  return mode !== undefined && mode !== '' && !predefined.has(mode) && mode !== 'default' && !mode.includes(':')
}

function namedKey({ networks }: ComposeModel, name: string): string {
  return Object.keys(networks).find(key => (networks[key]?.name ?? key) === name) ?? name
}

function aloneKey(service: string): string {
  return `none-${service}`
}

function modeNote(service: string, mode: string): Note {
  const note = { rule: 'node-network', service, at: ['services', service, 'network_mode'] } as const
  if (mode === 'none') {
    const message = `${service} is to have no network; a swarm gives it one of its own, with nobody else on it and no way out.`
    return { ...note, message, remedy: 'Nothing to do where that is what you want; silence this finding then.' }
  }
  const message = `${service} runs on the ${mode} network of its node; the other services do not reach it by its name, and what it listens on is open there, whatever \`ports\` says.`
  return { ...note, message }
}
