import type { ServiceContext } from '../../context.js'
import { publishedNumber, publishedPorts } from '../../published.js'
import type { Note } from '../../translated.js'

/** Labels that reverse proxies read from the service in Swarm mode. */
const proxyLabel = /^(?:traefik\.|caddy(?:_\d+)?(?:\.|$))/

/** Ports in host mode, and proxy labels where the proxy does not look. */
export function exposure(context: ServiceContext): readonly Note[] {
  return [...hostPorts(context), ...proxyLabels(context)]
}

function hostPorts({ name, service }: ServiceContext): readonly Note[] {
  const ports = publishedPorts(service).filter(({ mode }) => mode === 'host')
  return ports.map(port => ({
    rule: 'host-port',
    service: name,
    at: ['services', name, 'ports', { item: port.target }],
    message: `Port ${port.published ?? port.target} of ${name} is bound on its node only (\`mode: host\`), so every update has a gap.`
  }))
}

function proxyLabels({ name, service }: ServiceContext): readonly Note[] {
  const label = Object.keys(service.labels ?? {}).find(key => proxyLabel.test(key))
  const onService = Object.keys(service.deploy?.labels ?? {}).some(key => proxyLabel.test(key))
  if (label === undefined || onService) return []
  const message = `${name} has its proxy labels (${label}, …) under \`labels\`; in Swarm mode they belong under \`deploy.labels\`.`
  return [{ rule: 'proxy-labels', service: name, at: ['services', name, 'labels', label], message }]
}

/**
 * Ports that are wanted twice, in the order of the file. Two services may have one port in host mode, on different nodes
 * (swarmkit manager/controlapi/service.go, `checkPortConflicts`).
 */
export function portConflicts(contexts: readonly ServiceContext[]): readonly Note[] {
  const owners = new Map<string, { readonly owner: string; readonly host: boolean }>()
  const notes: Note[] = []
  for (const { name, service } of contexts) {
    for (const port of publishedPorts(service)) {
      const number = publishedNumber(port)
      if (number === undefined) continue
      const key = `${number}/${port.protocol ?? 'tcp'}`
      const host = port.mode === 'host'
      const other = owners.get(key)
      if (other === undefined) owners.set(key, { owner: name, host })
      else notes.push(conflict(name, port.target, key, other.owner, host && other.host))
    }
  }
  return notes
}

function conflict(service: string, target: number, port: string, owner: string, onNodes: boolean): Note {
  const note = { rule: 'port-conflict', service, at: ['services', service, 'ports', { item: target }] } as const
  if (owner === service) return { ...note, message: `${service} publishes port ${port} twice.` }
  if (!onNodes) return { ...note, message: `${service} and ${owner} both publish port ${port}.` }
  const message = `${service} and ${owner} both bind port ${port} of their node: no node can run both.`
  return {
    ...note,
    level: 'warning',
    message,
    remedy: 'Bind one under another number, or keep them on different nodes.'
  }
}
