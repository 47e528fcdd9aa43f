import type { ServiceContext } from '../../context.js'
import { isJob } from '../../jobs.js'
import { monitorNeeded, startFirstHazard } from '../../policy.js'
import type { Note } from '../../translated.js'
import { millisecondsOf, secondsText } from '../../units.js'

/** What the file says about updates and should not; or does not say, where nothing is added for it. */
export function updateHazards(context: ServiceContext): readonly Note[] {
  if (isJob(context.mode)) return []
  return [...noRollback(context), ...rollbackLoop(context), ...shortMonitor(context), ...order(context)]
}

function noRollback({ name, service, options }: ServiceContext): readonly Note[] {
  const action = service.deploy?.update_config?.failure_action
  if (action === 'rollback' || (action === undefined && options.policy === 'auto')) return []
  const what = action === undefined ? 'pauses, which is the default of Swarm' : `ends with \`${action}\``
  const message = `An update of ${name} that fails ${what}, so that the new version stays half-way.`
  return [{ rule: 'no-rollback', service: name, at: [...updateConfig(name), 'failure_action'], message }]
}

function rollbackLoop({ name, service }: ServiceContext): readonly Note[] {
  if (service.deploy?.rollback_config?.failure_action !== 'rollback') return []
  const at = ['services', name, 'deploy', 'rollback_config', 'failure_action']
  const message = `A rollback of ${name} that fails would be rolled back again, and end as completed with nothing running.`
  return [{ rule: 'rollback-loop', service: name, at, message }]
}

/** The window that the file sets, or Swarm's five seconds where nothing is added. */
function shortMonitor({ name, service, options }: ServiceContext): readonly Note[] {
  const given = service.deploy?.update_config?.monitor
  const check = service.healthcheck
  if (check === undefined || check.disable === true || (given === undefined && options.policy === 'auto')) return []
  const monitor = millisecondsOf(given) ?? 5000
  const needed = monitorNeeded(check)
  if (monitor >= needed) return []
  const message = `The update of ${name} watches each task for ${secondsText(monitor)}, but its healthcheck needs ${secondsText(needed)} to fail.`
  return [{ rule: 'short-monitor', service: name, at: [...updateConfig(name), 'monitor'], message }]
}

function order(context: ServiceContext): readonly Note[] {
  const { name, service, mode, options } = context
  const given = service.deploy?.update_config?.order
  const hazard = startFirstHazard(context)
  const at = [...updateConfig(name), 'order']
  if (given === 'start-first' && hazard !== undefined) {
    const message = `${name} is to be updated start-first, but ${hazard}.`
    return [{ rule: 'start-first-hazard', service: name, at, message }]
  }
  const stops = given === 'stop-first' || (given === undefined && options.policy === 'none')
  const replicas = service.deploy?.replicas ?? service.scale ?? 1
  if (!stops || hazard !== undefined || mode !== 'replicated' || replicas !== 1) return []
  const message = `${name} has one replica and is updated stop-first: it is down during every update.`
  return [{ rule: 'stop-first', service: name, at, message }]
}

function updateConfig(name: string): readonly string[] {
  return ['services', name, 'deploy', 'update_config']
}
