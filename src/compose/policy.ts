import type { JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import { isJob } from './jobs.js'
import { compact, textOf } from '../json.js'
import { undollar, type ComposeHealthcheck, type ComposeService } from './model.js'
import type { ComposeProject, PathInfo } from './project.js'
import { publishedPorts } from './published.js'
import type { Note, Translated } from './translated.js'
import { millisecondsOf, secondsText } from './units.js'
import { volumesOf } from './volumes.js'

export interface Policy {
  readonly update: JsonObject | undefined
  readonly rollback: JsonObject | undefined
}

/**
 * How the service is updated. With `policy: auto`, what the file does not say becomes a policy that rolls back when the
 * new tasks fail; what the file says always wins. Jobs have none: the engine refuses one.
 */
export function updatePolicy(context: ServiceContext): Translated<Policy> {
  const { service, mode, options } = context
  if (isJob(mode)) return { value: { update: undefined, rollback: undefined }, notes: jobNotes(context) }
  const given = { update: configOf(service.deploy?.update_config), rollback: configOf(service.deploy?.rollback_config) }
  if (options.policy === 'none') return { value: given, notes: [] }
  const hazard = startFirstHazard(context)
  const update = { ...safeUpdate(service.healthcheck, hazard), ...given.update }
  const rollback = { ...safeRollback(textOf(update.order)), ...given.rollback }
  return { value: { update, rollback }, notes: addedNotes(context, hazard, update, given.update) }
}

/** A job's `update_config` is left out: the engine refuses it. */
function jobNotes({ name, service }: ServiceContext): readonly Note[] {
  return (['update_config', 'rollback_config'] as const).flatMap(key => {
    if (service.deploy?.[key] === undefined) return []
    const message = `\`${key}\` of ${name} is lost: a job is run again, not updated.`
    return [
      {
        rule: 'lost-tuning',
        service: name,
        at: ['services', name, 'deploy', key],
        message,
        remedy: 'Remove it.'
      } as const
    ]
  })
}

function configOf(config: object | undefined): JsonObject | undefined {
  return config === undefined ? undefined : compact(config as JsonObject)
}

function safeUpdate(
  check: ComposeHealthcheck | undefined,
  hazard: string | undefined
): Record<string, string | number> {
  return {
    parallelism: 1,
    order: hazard === undefined ? 'start-first' : 'stop-first',
    failure_action: 'rollback',
    monitor: secondsText(monitorWindow(check)),
    max_failure_ratio: 0
  }
}

/** `failure_action: rollback` here would let a failed rollback end as `completed` (see the rule rollback-loop). */
function safeRollback(order: string): JsonObject {
  return { parallelism: 1, order, failure_action: 'pause', max_failure_ratio: 0 }
}

/**
 * Why a second task of the service cannot run beside the first: the port of its node, a volume with one writer, or a
 * limit of tasks per node. Undefined when nothing speaks against it.
 */
export function startFirstHazard({ service, mode, project }: ServiceContext): string | undefined {
  if (mode === 'global') return 'it runs once on every node'
  if (service.network_mode === 'host') return 'it uses the ports of its node'
  const port = publishedPorts(service).find(({ mode }) => mode === 'host')
  if (port !== undefined) return `it publishes port ${port.published ?? port.target} in host mode`
  const volume = writtenVolume(service, project)
  if (volume !== undefined) return `it writes to ${volume}`
  const most = service.deploy?.placement?.max_replicas_per_node
  if (most !== undefined && most > 0) return `it allows ${most} replicas per node`
  return undefined
}

/**
 * A named volume or a folder of the node that one task writes to. A service of several replicas shares it by its own
 * design, so that one more for a moment changes nothing.
 */
function writtenVolume(service: ComposeService, { paths }: ComposeProject): string | undefined {
  if ((service.deploy?.replicas ?? service.scale ?? 1) > 1) return undefined
  const writes = volumesOf(service).filter(mount => mount.read_only !== true && mount.source !== undefined)
  const data = writes.find(({ type, source = '' }) => {
    if (type === 'bind') return isData(paths[undollar(source)], source)
    return type === 'volume' || type === 'cluster'
  })
  if (data === undefined) return undefined
  return data.type === 'bind' ? undollar(data.source ?? '') : `the volume ${data.source ?? ''}`
}

function isData(info: PathInfo | undefined, source: string): boolean {
  if (info !== undefined && info.kind !== 'outside') return false
  return !/\.sock$|^\/(?:etc|proc|sys|dev|run|var\/run)(?:\/|$)/.test(source)
}

const shortestMonitor = 10_000
const longestMonitor = 300_000
const margin = 5_000

/**
 * How long after its start a task may still fail the update, in milliseconds: long enough for its healthcheck to fail,
 * 10 s without one, and never more than 5 min, so that an update ends.
 */
export function monitorWindow(check: ComposeHealthcheck | undefined): number {
  if (check === undefined || check.disable === true) return shortestMonitor
  return Math.min(longestMonitor, Math.max(shortestMonitor, monitorNeeded(check) + margin))
}

/** How long a healthcheck takes to say unhealthy, in milliseconds; the defaults are the engine's. */
export function monitorNeeded(check: ComposeHealthcheck): number {
  const interval = millisecondsOf(check.interval) ?? 30_000
  const start = millisecondsOf(check.start_period) ?? 0
  return start + (check.retries ?? 3) * interval
}

/** Written out for whoever inspects the service, but what the engine does anyway. */
const defaults: ReadonlySet<string> = new Set(['parallelism', 'max_failure_ratio'])

function addedNotes(
  { name }: ServiceContext,
  hazard: string | undefined,
  update: JsonObject,
  given: JsonObject | undefined
): readonly Note[] {
  const added = Object.entries(update).filter(([key]) => given?.[key] === undefined && !defaults.has(key))
  if (added.length === 0) return []
  const reason = hazard === undefined || given?.['order'] !== undefined ? '' : ` (stop-first because ${hazard})`
  const what = added.map(([key, value]) => `${key} ${textOf(value)}`).join(', ')
  const at = ['services', name, ...(given === undefined ? [] : ['deploy', 'update_config'])]
  return [
    { rule: 'added-policy', service: name, at, message: `Added to the update policy of ${name}: ${what}${reason}.` }
  ]
}
