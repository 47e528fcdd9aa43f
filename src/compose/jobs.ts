import type { ComposeModel, ComposeService } from './model.js'

export type ServiceMode = 'replicated' | 'global' | 'replicated-job' | 'global-job'

/** Services that others wait for to complete: they run once and end. */
export function awaitedServices(model: ComposeModel): ReadonlySet<string> {
  const dependencies = Object.values(model.services).flatMap(service => Object.entries(service.depends_on ?? {}))
  const awaited = dependencies.filter(([, { condition }]) => condition === 'service_completed_successfully')
  return new Set(awaited.map(([name]) => name).filter(name => name in model.services))
}

/** How the swarm runs a service: what the file says, made a job where another service waits for its end. */
export function modeOf(service: ComposeService, awaited: boolean): ServiceMode {
  const mode = service.deploy?.mode ?? 'replicated'
  if (mode === 'replicated-job' || mode === 'global-job') return mode
  if (mode === 'global') return awaited ? 'global-job' : 'global'
  return awaited ? 'replicated-job' : 'replicated'
}

export function isJob(mode: ServiceMode): boolean {
  return mode === 'replicated-job' || mode === 'global-job'
}

/**
 * The order of a deploy: each phase waits for the one before. A service comes one phase after those that it waits for
 * to complete or to be healthy, and not before those that it only wants started. Services of one phase start together.
 */
export function phasesOf(model: ComposeModel): readonly (readonly string[])[] {
  const levels = new Map<string, number>()
  const levelOf = (name: string): number => {
    const known = levels.get(name)
    if (known !== undefined) return known
    levels.set(name, 0)
    const waits = Object.entries(model.services[name]?.depends_on ?? {}).filter(([other]) => other in model.services)
    const level = Math.max(
      0,
      ...waits.map(([other, { condition }]) => levelOf(other) + (condition === 'service_started' ? 0 : 1))
    )
    levels.set(name, level)
    return level
  }
  const phases: string[][] = []
  for (const name of Object.keys(model.services)) (phases[levelOf(name)] ??= []).push(name)
  return phases.filter(phase => phase.length > 0)
}
