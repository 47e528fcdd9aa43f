import type { Json } from '../model.js'
import { isObject } from '../json.js'
import { undollar, type ComposeAttachment, type ComposeNetwork } from './model.js'
import { fixedName, isSwarmName } from './names.js'
import type { KeyPath, Note } from './translated.js'

/** Drivers whose networks live on one node (docker/cli `stack deploy` makes one, and services cannot use it). */
const localDrivers: ReadonlySet<string> = new Set(['macvlan', 'ipvlan', 'host', 'none', 'null'])

const bridgeOption = 'com.docker.network.bridge.'

interface NamedNetwork {
  /** As the user named it. */
  readonly name: string
  /** Its key in the stack. */
  readonly key: string
  readonly network: ComposeNetwork
  readonly project: string
  readonly stack: string
}

/** What a network of the file has and an overlay has not, and what the swarm refuses. */
export function notesOfNetwork(named: NamedNetwork): readonly Note[] {
  const { name, network, project } = named
  if (network.external === true) return []
  const lost = lostOptions(network).map(([option, path]): Note => {
    const message = `${option} of the network ${name} is lost: an overlay network of a stack does not have it.`
    return { rule: 'lost-network-option', at: ['networks', name, ...path], message }
  })
  return [...lost, ...fixedSubnet(name, network), ...refused(name, network, project), ...renamed(named)]
}

/** Each option by its name and its way from the network's key. */
function lostOptions({ driver_opts, ipam, ...network }: ComposeNetwork): readonly (readonly [string, KeyPath])[] {
  const pools = ipam?.config ?? []
  const parts = pools.flatMap((pool, index) =>
    Object.keys(pool).map(part => [part, ['ipam', 'config', { index }, part]] as const)
  )
  const once = new Map(parts.filter(([part]) => part !== 'subnet').reverse())
  return [
    ...(network['enable_ipv6'] === true ? [['enable_ipv6', ['enable_ipv6']] as const] : []),
    ...(network['enable_ipv4'] === false ? [['enable_ipv4: false', ['enable_ipv4']] as const] : []),
    ...Object.keys(driver_opts ?? {})
      .filter(option => option.startsWith(bridgeOption))
      .map(option => [option, ['driver_opts', option]] as const),
    ...[...once].reverse().map(([part, path]) => [`ipam ${part}`, path] as const),
    ...(given(ipam?.options) ? [['ipam options', ['ipam', 'options']] as const] : [])
  ]
}

function fixedSubnet(name: string, { ipam }: ComposeNetwork): readonly Note[] {
  if (!(ipam?.config ?? []).some(pool => pool['subnet'] !== undefined)) return []
  const message = `The network ${name} has a fixed subnet, which a second stack or preview on the same swarm cannot have.`
  return [{ rule: 'fixed-subnet', at: ['networks', name, 'ipam'], message }]
}

function refused(name: string, network: ComposeNetwork, project: string): readonly Note[] {
  const at = ['networks', name]
  const { driver = '' } = network
  if (localDrivers.has(driver)) {
    const message = `The network ${name} has the driver ${driver}, which makes a network of one node; a service of a swarm cannot use it.`
    const remedy =
      driver === 'host' || driver === 'none'
        ? `Leave the network out and write \`network_mode: ${driver}\`.`
        : 'Leave `driver` out for an overlay; or make a swarm network of this driver on the managers (`docker network create --scope swarm --config-from …`) and declare it `external: true`.'
    return [{ rule: 'network-refused', at: [...at, 'driver'], message, remedy }]
  }
  const fixed = undollar(fixedName(network.name, name, project) ?? '')
  if (fixed === '' || isSwarmName(fixed)) return []
  const message = `The network ${name} is to be named ${fixed}, which a swarm refuses.`
  return [{ rule: 'network-refused', at: [...at, 'name'], message }]
}

function renamed({ name, key, network, project, stack }: NamedNetwork): readonly Note[] {
  if (key === name || fixedName(network.name, name, project) !== undefined) return []
  const message = `The network ${name} becomes ${stack}_${key}, a name which the swarm accepts.`
  return [{ rule: 'renamed-service', at: ['networks', name], message, remedy: 'Nothing to do, or rename it.' }]
}

const keptOfAttachment: ReadonlySet<string> = new Set(['aliases', 'driver_opts'])

/** What a service says about its place on a network, and a swarm cannot give. */
export function notesOfAttachment(service: string, network: string, attachment: ComposeAttachment): readonly Note[] {
  const lost = Object.entries(attachment).filter(([key, value]) => !keptOfAttachment.has(key) && given(value))
  return lost.map(([key]) => ({
    rule: 'lost-network-option',
    service,
    at: ['services', service, 'networks', network, key],
    message: `${key} of ${service} on the network ${network} is lost: Swarm gives the addresses.`
  }))
}

function given(value: Json | undefined): boolean {
  return !(
    value === undefined ||
    value === null ||
    value === 0 ||
    value === '' ||
    (isObject(value) && Object.keys(value).length === 0)
  )
}
