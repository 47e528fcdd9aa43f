import type { JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import { isJob } from './jobs.js'
import { compact, textOf } from './json.js'
import { undollar, type ComposeHealthcheck, type ComposeService } from './model.js'
import type { ComposeProject, PathInfo } from './project.js'
import { millisecondsOf, secondsText } from './units.js'
import type { Note, Translated } from './translated.js'

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
  if (isJob(mode)) return { value: { update: undefined, rollback: undefined }, notes: [] }
  const update = service.deploy?.update_config
  const rollback = service.deploy?.rollback_config
  const given = { update: objectOrNone(update), rollback: objectOrNone(rollback) }
  if (options.policy === 'none') return { value: given, notes: [] }
  const safe = safeUpdate(context)
  const value = {
    update: { ...safe.config, ...given.update },
    rollback: { ...safeRollback(orderOf(given.update, safe.config)), ...given.rollback }
  }
  return { value, notes: update === undefined ? [addedNote(context, safe)] : [] }
}

function orderOf(given: JsonObject | undefined, safe: JsonObject): string {
  return textOf(given?.['order'] ?? safe['order'])
}

function objectOrNone(config: object | undefined): JsonObject | undefined {
  return config === undefined ? undefined : compact(config as JsonObject)
}

interface SafeUpdate {
  readonly config: JsonObject
  /** Why the old task has to end first; undefined when both may run. */
  readonly hazard: string | undefined
}

function safeUpdate(context: ServiceContext): SafeUpdate {
  const hazard = startFirstHazard(context)
  const config = {
    parallelism: 1,
    order: hazard === undefined ? 'start-first' : 'stop-first',
    failure_action: 'rollback',
    monitor: secondsText(monitorWindow(context.service.healthcheck)),
    max_failure_ratio: 0
  }
  return { config, hazard }
}

/** `failure_action: rollback` here would end a failed rollback as `completed` (see docs/findings.md, rollback-loop). */
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
  const port = (service.ports ?? []).find(({ mode }) => mode === 'host')
  if (port !== undefined) return `it publishes port ${port.published ?? port.target} in host mode`
  const volume = writtenVolume(service, project)
  if (volume !== undefined) return `it writes to the volume ${volume}`
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
  const writes = (service.volumes ?? []).filter(mount => mount.read_only !== true && mount.source !== undefined)
  const data = writes.filter(
    ({ type, source = '' }) =>
      type === 'volume' || type === 'cluster' || (type === 'bind' && isData(paths[undollar(source)], source))
  )
  return data[0]?.source
}

function isData(info: PathInfo | undefined, source: string): boolean {
  return (
    (info === undefined || info.kind === 'outside') &&
    !/\.sock$|^\/(?:etc|proc|sys|dev|run|var\/run)(?:\/|$)/.test(source)
  )
}

const shortestMonitor = 10_000
const longestMonitor = 300_000
const margin = 5_000

/**
 * How long after its start a task may still fail the update, in milliseconds. Long enough for the healthcheck to turn
 * unhealthy: start period, then retries times interval; bounded so that an update ends.
 */
export function monitorWindow(check: ComposeHealthcheck | undefined): number {
  if (check === undefined || check.disable === true) return shortestMonitor
  const interval = millisecondsOf(check.interval) ?? 30_000
  const start = millisecondsOf(check.start_period) ?? 0
  const needed = start + (check.retries ?? 3) * interval + margin
  return Math.min(longestMonitor, Math.max(shortestMonitor, needed))
}

function addedNote({ name }: ServiceContext, { config, hazard }: SafeUpdate): Note {
  const order = hazard === undefined ? 'start-first' : `stop-first, because ${hazard}`
  const message = `${name} has no update policy; it gets one: one task at a time, ${order}, rolled back when a new task fails within ${textOf(config['monitor'])}.`
  return { rule: 'added-policy', service: name, at: ['services', name], message }
}
