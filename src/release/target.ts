import type { Service } from '../engine-types.js'
import type { Stack } from '../model.js'
import type { ServiceMode } from '../rollout/types.js'

/** The mode that a stack file gives a service. */
export function modeInFile(stack: Stack, key: string): ServiceMode {
  const mode = stack.services[key]?.deploy?.['mode']
  return mode === 'global' || mode === 'replicated-job' || mode === 'global-job' ? mode : 'replicated'
}

/** The mode that a service of the swarm has. */
export function modeOf(service: Service): ServiceMode {
  const mode = service.Spec.Mode
  if (mode?.Global !== undefined) return 'global'
  if (mode?.ReplicatedJob !== undefined) return 'replicated-job'
  return mode?.GlobalJob === undefined ? 'replicated' : 'global-job'
}
