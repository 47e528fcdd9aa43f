import type { PublishedPort, Service, Task } from '../engine-types.js'

/**
 * The port of the node that leads to a preview, as the swarm has chosen it: of all published TCP ports the one that
 * leads to a container's port 80, else to the lowest. null when nothing is published.
 */
export function previewPort(services: readonly Service[], tasks: readonly Task[]): number | null {
  const running = tasks.filter(task => task.Status.State === 'running' && task.DesiredState === 'running')
  const ports = [
    ...services.flatMap(service => service.Endpoint?.Ports ?? []),
    ...running.flatMap(task => task.Status.PortStatus?.Ports ?? [])
  ]
  const [best] = ports.filter(isReachable).sort((a, b) => rank(a) - rank(b) || a.PublishedPort - b.PublishedPort)
  return best?.PublishedPort ?? null
}

function isReachable(port: PublishedPort): port is PublishedPort & { readonly PublishedPort: number } {
  return (port.Protocol ?? 'tcp') === 'tcp' && port.PublishedPort !== undefined && port.PublishedPort > 0
}

function rank({ TargetPort = 65_536 }: PublishedPort): number {
  return TargetPort === 80 ? 0 : TargetPort
}
