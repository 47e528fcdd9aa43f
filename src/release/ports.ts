import type { Service, ServiceSpec } from '../engine-types.js'
import type { JsonObject, Stack } from '../model.js'
import { keyOf } from './record.js'

/** `port` such as `443/tcp`. One of the routing mesh is one service's of the whole swarm, one in mode host one task's of its node. */
interface Port {
  readonly port: string
  readonly mode: 'ingress' | 'host'
}

/** What a service of the swarm publishes. */
function held({ Spec }: Service): readonly Port[] {
  return (Spec.EndpointSpec?.Ports ?? []).flatMap(({ PublishMode, PublishedPort, Protocol = 'tcp' }) =>
    PublishedPort ? [{ port: `${PublishedPort}/${Protocol}`, mode: PublishMode === 'host' ? 'host' : 'ingress' }] : []
  )
}

/** What a stack file lets a service publish; `ports` are in the long form there. */
function wanted(stack: Stack, key: string): readonly Port[] {
  const ports = stack.services[key]?.['ports']
  return (Array.isArray(ports) ? ports : []).flatMap(port => {
    if (typeof port !== 'object' || port === null || Array.isArray(port)) return []
    const { published, protocol, mode } = port as JsonObject
    if (typeof published !== 'number' && typeof published !== 'string') return []
    const name = `${published}/${typeof protocol === 'string' ? protocol : 'tcp'}`
    return [{ port: name, mode: mode === 'host' ? ('host' as const) : ('ingress' as const) }]
  })
}

/** Whether the engine refuses the one while the other is there (moby/swarmkit manager/controlapi/service.go, checkPortConflicts). */
function clash(a: Port, b: Port): boolean {
  return a.port === b.port && (a.mode === 'ingress' || b.mode === 'ingress')
}

export interface Holders {
  /** The stack's name. */
  readonly name: string
  readonly live: readonly Service[]
}

/** The ports of `key` that it gives up and that others of `keys` are to have. */
function gives(stack: Stack, keys: readonly string[], key: string, { name, live }: Holders): readonly Port[] {
  const has = live.filter(service => keyOf(name, service) === key).flatMap(held)
  const given = has.filter(port => !wanted(stack, key).some(kept => kept.port === port.port && kept.mode === port.mode))
  return given.filter(port => keys.some(other => other !== key && wanted(stack, other).some(each => clash(each, port))))
}

/**
 * These services in the order in which they have to be updated, as the engine refuses a port that another service still has: first those
 * that only give one away to another of them. The CLI keeps no order of its own. One batch where none does.
 */
export function inOrderOfPorts(
  stack: Stack,
  keys: readonly string[],
  holders: Holders
): readonly (readonly string[])[] {
  const givers = keys.filter(key => gives(stack, keys, key, holders).length > 0)
  const takes = (key: string): boolean =>
    givers.some(giver => giver !== key && gives(stack, [giver, key], giver, holders).length > 0)
  const first = givers.filter(key => !takes(key))
  return [first, keys.filter(key => !first.includes(key))].filter(batch => batch.length > 0)
}

/**
 * The ports that stand in the way of these services, which are to be updated now, at a service that gives them up only later: one that goes when
 * the rest is live (`leaving`), one whose turn is later, or one that takes a port of theirs in exchange.
 */
export function portsInTheWay(
  stack: Stack,
  keys: readonly string[],
  holder: Service,
  { name, leaving }: { readonly name: string; readonly leaving: boolean }
): readonly string[] {
  const key = keyOf(name, holder)
  if (leaving) {
    const all = keys.flatMap(each => wanted(stack, each)).map(({ port }) => port)
    return held(holder).flatMap(({ port }) => (all.includes(port) ? [port] : []))
  }
  const given = gives(stack, [...new Set([key, ...keys])], key, { name, live: [holder] })
  return given.map(({ port }) => port)
}

/** The service's Spec without these ports. */
export function withoutPorts({ Spec }: Service, ports: readonly string[]): ServiceSpec {
  const { Ports = [], ...endpoint } = Spec.EndpointSpec ?? {}
  const kept = Ports.filter(
    ({ PublishedPort, Protocol = 'tcp' }) => !ports.includes(`${PublishedPort ?? 0}/${Protocol}`)
  )
  return { ...Spec, EndpointSpec: { ...endpoint, Ports: kept } }
}
