import { createHash } from 'node:crypto'
import type { Node } from '../engine-types.js'
import { objectOf, textsOf } from '../json.js'
import type { Build, StackService } from '../model.js'
import { parseReference } from './reference.js'

/**
 * How built images get to the nodes. `auto` is the registry where one is given, or where every image has a name that can
 * be pushed; else they are carried over the connection.
 */
export function transferFor(
  wanted: 'auto' | 'registry' | 'direct',
  registry: string | undefined,
  builds: readonly Build[]
): 'registry' | 'direct' {
  if (wanted !== 'auto') return wanted
  if (registry !== undefined || builds.length === 0) return 'registry'
  // A name alone is nobody's repository on Docker Hub.
  const pushable = builds.every(build =>
    parseReference(build.image?.replace(/@.*$/, '') ?? '')?.repository.includes('/')
  )
  return pushable ? 'registry' : 'direct'
}

/** Ports that neither a service is likely to have nor Linux gives to outgoing connections (ip_local_port_range ends at 60999). */
const firstPort = 61_000
const ports = 4_000

/** Whether an image is named after such a port: it came over a run's connection, and no registry has it. */
export function isCarried(image: string): boolean {
  const port = Number(/^127\.0\.0\.1:(\d+)\//.exec(image)?.[1] ?? 0)
  return port >= firstPort && port < firstPort + ports
}

/**
 * The ports of the server's loopback that a stack's images are fetched through, the best first. It is part of the name
 * that a service has its image by, so it is the one that the running services have, or else always the same one.
 */
export function directPorts(stack: string, running: readonly string[] = []): readonly number[] {
  const start = createHash('sha256').update(stack).digest().readUInt32BE(0)
  const own = [0, 1, 2, 3].map(step => firstPort + ((start + step * 997) % ports))
  const used = running.map(image => Number(/^127\.0\.0\.1:(\d+)\//.exec(image)?.[1] ?? 0))
  return [...own.filter(port => used.includes(port)), ...own.filter(port => !used.includes(port))]
}

/** Nodes other than this one that a service's tasks may be put on; those that are down may come back. */
export function otherNodes(
  nodes: readonly Node[],
  own: string | undefined,
  service: StackService | undefined
): readonly string[] {
  const wanted = textsOf(objectOf(service?.deploy?.['placement'])['constraints'])
  return nodes
    .filter(node => node.ID !== own && node.Spec.Availability !== 'drain')
    .filter(node => wanted.every(constraint => mayMeet(node, constraint)))
    .map(node => node.Description?.Hostname ?? node.ID)
}

/** A constraint that we cannot judge counts as met: better to refuse than to leave a node without the image. */
function mayMeet(node: Node, constraint: string): boolean {
  const match = /^\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint)
  if (match === null) return true
  const [, key = '', operator, value = ''] = match
  const actual = attribute(node, key)
  if (actual === undefined) return true
  return (actual.toLowerCase() === value.toLowerCase()) === (operator === '==')
}

function attribute(node: Node, key: string): string | undefined {
  if (key === 'node.id') return node.ID
  if (key === 'node.hostname') return node.Description?.Hostname
  if (key === 'node.role') return node.Spec.Role
  if (key.startsWith('node.labels.')) return node.Spec.Labels?.[key.slice('node.labels.'.length)] ?? ''
  return undefined
}
