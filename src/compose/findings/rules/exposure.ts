import type { ServiceContext } from '../../context.js'
import { publishedNumber } from '../../published.js'
import type { Note } from '../../translated.js'

/** Labels that reverse proxies read from the service in Swarm mode. */
const proxyLabel = /^(?:traefik\.|caddy(?:_\d+)?(?:\.|$))/

/** Ports in host mode, and proxy labels where the proxy does not look. */
export function exposure(context: ServiceContext): readonly Note[] {
  return [...hostPorts(context), ...proxyLabels(context)]
}

function hostPorts({ name, service }: ServiceContext): readonly Note[] {
  const ports = (service.ports ?? []).filter(({ mode }) => mode === 'host')
  return ports.map(port => ({
    rule: 'host-port',
    service: name,
    at: ['services', name, 'ports', { item: port.target }],
    message: `Port ${port.published ?? port.target} of ${name} is bound on its node only (\`mode: host\`).`
  }))
}

function proxyLabels({ name, service }: ServiceContext): readonly Note[] {
  const label = Object.keys(service.labels ?? {}).find(key => proxyLabel.test(key))
  const onService = Object.keys(service.deploy?.labels ?? {}).some(key => proxyLabel.test(key))
  if (label === undefined || onService) return []
  const message = `${name} has its proxy labels (${label}, …) under \`labels\`; in Swarm mode they belong under \`deploy.labels\`.`
  return [{ rule: 'proxy-labels', service: name, at: ['services', name, 'labels', label], message }]
}

/** Ports that two services want, in the order of the file. */
export function portConflicts(contexts: readonly ServiceContext[]): readonly Note[] {
  const owners = new Map<string, string>()
  const notes: Note[] = []
  for (const { name, service } of contexts) {
    for (const port of service.ports ?? []) {
      const number = publishedNumber(port)
      const key = `${number ?? ''}/${port.protocol ?? 'tcp'}`
      if (number === undefined) continue
      const owner = owners.get(key)
      if (owner === undefined) owners.set(key, name)
      else if (owner !== name) {
        const at = ['services', name, 'ports', { item: port.target }]
        const message = `${name} and ${owner} both publish port ${key}.`
        notes.push({ rule: 'port-conflict', service: name, at, message })
      }
    }
  }
  return notes
}
