import type { Service } from '../engine-types.js'
import type { JsonObject, Stack } from '../model.js'
import { keyOf } from './record.js'

/** Such as `443/tcp`. One of the routing mesh is one service's of the whole swarm, one in mode host one task's of its node. */
type Port = string
type Mode = 'ingress' | 'host'

/** What a service of the swarm publishes in this mode. */
function portsOf(service: Service, wanted: Mode): readonly Port[] {
  return (service.Spec.EndpointSpec?.Ports ?? []).flatMap(({ PublishMode, PublishedPort, Protocol = 'tcp' }) =>
    (PublishMode === 'host' ? 'host' : 'ingress') === wanted && PublishedPort ? [`${PublishedPort}/${Protocol}`] : []
  )
}

/** What a stack file lets a service publish in this mode; `ports` are in the long form there. */
function portsInFile(stack: Stack, key: string, wanted: Mode): readonly Port[] {
  const ports = stack.services[key]?.['ports']
  return (Array.isArray(ports) ? ports : []).flatMap(port => {
    if (typeof port !== 'object' || port === null || Array.isArray(port)) return []
    const { published, protocol, mode } = port as JsonObject
    if ((mode === 'host' ? 'host' : 'ingress') !== wanted) return []
    if (typeof published !== 'number' && typeof published !== 'string') return []
    return [`${published}/${typeof protocol === 'string' ? protocol : 'tcp'}`]
  })
}

/**
 * These services in the order in which they have to be updated, as the engine refuses a port that another service still has: first those
 * that give one away to another of them. The CLI keeps no order of its own. One batch where none does.
 */
export function inOrderOfPorts(
  stack: Stack,
  keys: readonly string[],
  { name, live }: { readonly name: string; readonly live: readonly Service[] }
): readonly (readonly string[])[] {
  const givers = keys.filter(key => {
    const kept = portsInFile(stack, key, 'ingress')
    const given = portsOfKey(name, key, live).filter(port => !kept.includes(port))
    return given.some(port => keys.some(other => other !== key && portsInFile(stack, other, 'ingress').includes(port)))
  })
  return [givers, keys.filter(key => !givers.includes(key))].filter(batch => batch.length > 0)
}

function portsOfKey(stack: string, key: string, live: readonly Service[]): readonly Port[] {
  return live.filter(service => keyOf(stack, service) === key).flatMap(service => portsOf(service, 'ingress'))
}

/** The ports that these services are to have and that a service has which is to go only when they run; those of its nodes as well. */
export function portsInTheWay(stack: Stack, keys: readonly string[], leaving: Service): readonly Port[] {
  return (['ingress', 'host'] as const).flatMap(mode =>
    portsOf(leaving, mode).filter(port => keys.some(key => portsInFile(stack, key, mode).includes(port)))
  )
}

/** The service's Spec without these ports. */
export function withoutPorts({ Spec }: Service, ports: readonly Port[]): Service['Spec'] {
  const { Ports = [], ...endpoint } = Spec.EndpointSpec ?? {}
  const kept = Ports.filter(
    ({ PublishedPort, Protocol = 'tcp' }) => !ports.includes(`${PublishedPort ?? 0}/${Protocol}`)
  )
  return { ...Spec, EndpointSpec: { ...endpoint, Ports: kept } }
}
