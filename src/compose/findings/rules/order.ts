import type { ServiceContext } from '../../context.js'
import { isJob } from '../../jobs.js'
import type { Note } from '../../translated.js'

/** Services that became jobs, and orders that hold for a deploy only. */
export function startOrder(context: ServiceContext): readonly Note[] {
  return [...becameJob(context), ...waits(context)]
}

function becameJob({ name, service, mode, model }: ServiceContext): readonly Note[] {
  if (!isJob(mode) || service.deploy?.mode === mode) return []
  const waiting = Object.entries(model.services).filter(
    ([, other]) => other.depends_on?.[name]?.condition === 'service_completed_successfully'
  )
  const message = `${name} runs as a job, once per change, before ${waiting.map(([other]) => other).join(', ')}.`
  return [{ rule: 'job', service: name, at: ['services', name], message }]
}

function waits({ name, service, model }: ServiceContext): readonly Note[] {
  const healthy = Object.entries(service.depends_on ?? {}).filter(
    ([other, { condition }]) => condition === 'service_healthy' && other in model.services
  )
  if (healthy.length === 0) return []
  const message = `${name} waits for ${healthy.map(([other]) => other).join(', ')} during a deploy; after a crash the swarm starts them in any order.`
  return [{ rule: 'depends-on', service: name, at: ['services', name, 'depends_on'], message }]
}
