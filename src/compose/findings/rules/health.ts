import type { ServiceContext } from '../../context.js'
import { isJob } from '../../jobs.js'
import type { Note } from '../../translated.js'

/** A service that serves, and whose readiness nobody checks. */
export function noHealthcheck({ name, service, mode, project }: ServiceContext): readonly Note[] {
  if (isJob(mode) || service.healthcheck !== undefined || project.imageHealthchecks.includes(name)) return []
  const message = `${name} has no healthcheck: the swarm takes it for ready as soon as its process starts.`
  return [{ rule: 'no-healthcheck', service: name, at: ['services', name], message }]
}
