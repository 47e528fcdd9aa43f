import type { Json } from '../model.js'
import { compact } from '../json.js'
import type { ComposePort, ComposeService } from './model.js'
import type { Note, Translated } from './translated.js'

/** What a preview does with ports that the file publishes under a fixed number. */
export type PreviewPorts = 'drop' | 'random' | 'refuse'

/** Ports in the long form that the stack file knows; `host_ip` has no equivalent in a swarm. */
export function translatePorts(
  name: string,
  service: ComposeService,
  preview: PreviewPorts | undefined
): Translated<readonly Json[] | undefined> {
  const ports = publishedPorts(service)
  const notes = ports.flatMap(port => [...addressNotes(name, port), ...rangeNotes(name, port)])
  if (preview === undefined)
    return {
      value: listOrNone(ports.map(port => stackPort(port, true))),
      notes: [...notes, ...withoutMesh(name, service, ports)]
    }
  const fixed = ports.filter(port => publishedNumber(port) !== undefined)
  const kept = preview === 'drop' ? ports.filter(port => !fixed.includes(port)) : ports
  return {
    value: listOrNone(kept.map(port => stackPort(port, preview === 'refuse'))),
    notes: [...notes, ...fixed.map(port => previewNote(name, port, preview)), ...withoutMesh(name, service, kept)]
  }
}

/**
 * The ports that mean something. With the network of the node, or none, compose publishes nothing; a swarm would attach
 * the task to the ingress network as well, and its container could not start.
 */
export function publishedPorts({ network_mode, ports = [] }: ComposeService): readonly ComposePort[] {
  return network_mode === 'host' || network_mode === 'none' ? [] : ports
}

/** The routing mesh needs a virtual address, which `endpoint_mode: dnsrr` does not have: the engine refuses both. */
function withoutMesh(service: string, { deploy }: ComposeService, ports: readonly ComposePort[]): readonly Note[] {
  const port = ports.find(({ mode }) => mode !== 'host')
  if (deploy?.endpoint_mode !== 'dnsrr' || port === undefined) return []
  const at = ['services', service, 'ports', { item: port.target }]
  const message = `${service} publishes port ${port.published ?? port.target} in the routing mesh, which it cannot with \`endpoint_mode: dnsrr\`.`
  return [{ rule: 'dnsrr-port', service, at, message }]
}

/** The number a port is published under, when the file fixes one; the first of a range. */
export function publishedNumber(port: ComposePort): number | undefined {
  const first = String(port.published ?? '').split('-')[0]
  return first === undefined || first === '' || first === '0' ? undefined : Number(first)
}

function stackPort(port: ComposePort, publish: boolean): Json {
  return compact({
    target: port.target,
    published: publish ? publishedNumber(port) : undefined,
    protocol: port.protocol ?? 'tcp',
    mode: port.mode ?? 'ingress'
  })
}

function listOrNone(list: readonly Json[]): readonly Json[] | undefined {
  return list.length > 0 ? list : undefined
}

function addressNotes(service: string, port: ComposePort): readonly Note[] {
  if (port.host_ip === undefined || port.host_ip === '' || port.host_ip === '0.0.0.0' || port.host_ip === '::')
    return []
  const at = ['services', service, 'ports', { item: port.target }]
  const message = `Port ${port.target} of ${service} is published on ${port.host_ip} only; Swarm publishes on every address of every node.`
  return [{ rule: 'host-ip', service, at, message }]
}

function rangeNotes(service: string, port: ComposePort): readonly Note[] {
  const published = String(port.published ?? '')
  if (!published.includes('-')) return []
  const at = ['services', service, 'ports', { item: port.target }]
  const message = `Port ${port.target} of ${service} asks for any port of ${published}; Swarm takes one number, so it is ${publishedNumber(port) ?? ''}.`
  return [{ rule: 'port-range', service, at, message }]
}

function previewNote(service: string, port: ComposePort, preview: PreviewPorts): Note {
  const at = ['services', service, 'ports', { item: port.target }]
  const what = `Port ${port.published ?? ''} of ${service} can belong to one stack only, so a second preview could not have it`
  if (preview === 'refuse') return { rule: 'preview-port', level: 'error', service, at, message: `${what}.` }
  const instead = preview === 'drop' ? 'it is not published in previews' : 'Swarm picks a free port in previews'
  return { rule: 'preview-port', service, at, message: `${what}: ${instead}.` }
}
