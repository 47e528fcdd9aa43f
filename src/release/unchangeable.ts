import type { Network, Service } from '../engine-types.js'
import type { Place, Problem } from '../errors.js'
import { objectOf } from '../json.js'
import { label, type JsonObject, type Stack } from '../model.js'
import { keyOf } from './record.js'
import { modeInFile, modeOf } from './target.js'

export interface Present {
  /** The stack's name. */
  readonly name: string
  readonly services: readonly Service[]
  /** Those of its namespace. */
  readonly networks: readonly Network[]
  /** Where the services stand in the compose files. */
  readonly places?: Readonly<Record<string, Place>>
}

/**
 * What the stack wants of services and networks that are there, and that Swarm never changes: it refuses another mode of a service
 * (moby/swarmkit manager/controlapi/service.go, errModeChangeNotAllowed), and `docker stack deploy` passes over a network that exists
 * (docker/cli cli/command/stack/swarm/deploy_composefile.go, createNetworks).
 */
export function unchangeable(stack: Stack, present: Present): readonly Problem[] {
  return [...otherModes(stack, present), ...otherNetworks(stack, present)]
}

function otherModes(stack: Stack, { name, services, places }: Present): readonly Problem[] {
  return services.flatMap(service => {
    const key = keyOf(name, service)
    if (stack.services[key] === undefined) return []
    const [is, wanted] = [modeOf(service), modeInFile(stack, key)]
    if (is === wanted) return []
    const at = places?.[key]
    return {
      message: `${key} is \`${is}\` in the swarm and is to be \`${wanted}\`: Swarm cannot change the mode of a service.`,
      remedy:
        service.Spec.Labels?.[label.release] === undefined
          ? `Give it another name in the compose file, and remove the old one on a manager: \`docker service rm ${service.Spec.Name}\`.`
          : `Give it another name in the compose file. The service ${key} is then removed once the rest is live.`,
      ...(at !== undefined && { at })
    }
  })
}

function otherNetworks(stack: Stack, { name, networks }: Present): readonly Problem[] {
  return Object.entries(stack.networks ?? {}).flatMap(([key, wanted]) => {
    if (wanted['external'] !== undefined && wanted['external'] !== false) return []
    const own = typeof wanted['name'] === 'string' ? wanted['name'] : `${name}_${key}`
    const present = networks.find(network => network.Name === own)
    const differs = present === undefined ? [] : differences(wanted, present)
    if (differs.length === 0) return []
    return {
      message: `The network ${key} is there, but not as the compose file wants it (${differs.join(', ')}): Swarm never changes a network.`,
      remedy: `Give it another name in the compose file, so that a new one is made and the services move to it; or remove the stack and deploy it again.`
    }
  })
}

function differences(wanted: JsonObject, present: Network): readonly string[] {
  const isEncrypted = (options: object): boolean => 'encrypted' in options
  const flags: readonly (readonly [string, boolean, boolean])[] = [
    ['internal', wanted['internal'] === true, present.Internal === true],
    ['attachable', wanted['attachable'] === true, present.Attachable === true],
    ['encrypted', isEncrypted(objectOf(wanted['driver_opts'])), isEncrypted(present.Options ?? {})]
  ]
  const config = objectOf(wanted['ipam'])['config']
  const subnets = (Array.isArray(config) ? config : []).map(pool => objectOf(pool)['subnet'])
  const has = (present.IPAM?.Config ?? []).map(({ Subnet }) => Subnet?.toLowerCase())
  return [
    ...flags.flatMap(([what, wants, is]) => (wants === is ? [] : `${what}: ${wants ? 'wanted' : 'not wanted'}`)),
    ...(typeof wanted['driver'] === 'string' && wanted['driver'] !== present.Driver
      ? [`driver: ${wanted['driver']}`]
      : []),
    ...subnets.flatMap(subnet =>
      typeof subnet === 'string' && !has.includes(subnet.toLowerCase()) ? [`subnet: ${subnet}`] : []
    )
  ]
}
