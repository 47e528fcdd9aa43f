import type { JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import { compact, compactOrNone } from '../json.js'
import { isJob } from './jobs.js'
import type { ComposeDeploy, ComposeService } from './model.js'
import { updatePolicy } from './policy.js'
import type { Note, Translated } from './translated.js'

/** Everything under `deploy`, with what compose keeps beside it: restart, limits, scale, platform. */
export function translateDeploy(context: ServiceContext): Translated<JsonObject> {
  const { service, mode } = context
  const deploy = service.deploy ?? {}
  const policy = updatePolicy(context)
  const restart = restartPolicy(context)
  const resources = translateResources(context)
  const value = compact({
    mode: mode === 'replicated' ? undefined : mode,
    replicas: replicasOf(context),
    endpoint_mode: deploy.endpoint_mode,
    labels: deploy.labels,
    update_config: policy.value.update,
    rollback_config: policy.value.rollback,
    restart_policy: restart.value,
    placement: placement(service, deploy),
    resources: resources.value
  })
  return { value, notes: [...policy.notes, ...restart.notes, ...resources.notes, ...modeNotes(context)] }
}

/** Replicas of the file; undefined leaves what a new service has, one. A preview may say otherwise. */
export function replicasOf({ service, mode, options }: ServiceContext): number | undefined {
  if (mode === 'global' || mode === 'global-job') return undefined
  const replicas = service.deploy?.replicas ?? service.scale
  const wanted = options.preview?.replicas
  if (mode === 'replicated-job' || wanted === undefined || wanted === 'keep' || replicas === 0) return replicas
  return wanted
}

/** Whether the file leaves the number of replicas open, so that what was scaled by hand may stay. */
export function leavesReplicasOpen(service: ComposeService): boolean {
  return service.deploy?.replicas === undefined && service.scale === undefined
}

const conditions: Readonly<Record<string, string>> = {
  always: 'any',
  'unless-stopped': 'any',
  'on-failure': 'on-failure',
  no: 'none'
}

/** How often a job that failed runs again when the file does not say. */
const jobAttempts = 2

/** Compose never restarts what says nothing, Swarm always does; a job must not run again once it succeeded. */
function restartPolicy({ name, service, mode }: ServiceContext): Translated<JsonObject | undefined> {
  const given = service.deploy?.restart_policy
  const [word = '', attempts] = (service.restart ?? '').split(':')
  const condition = conditions[word]
  const at = ['services', name, service.restart === undefined ? 'image' : 'restart']
  if (isJob(mode)) {
    if (given !== undefined)
      return { value: given['condition'] === 'any' ? { ...given, condition: 'on-failure' } : given, notes: [] }
    if (condition === 'none') return { value: { condition }, notes: [] }
    return { value: { condition: 'on-failure', max_attempts: Number(attempts ?? jobAttempts) }, notes: [] }
  }
  if (given !== undefined) return { value: given, notes: [] }
  if (condition === undefined) {
    const message = `${name} does not say \`restart\`: compose would leave it down when it ends, Swarm starts it again.`
    return {
      value: { condition: 'any' },
      notes: [{ rule: 'restart-default', service: name, at: ['services', name], message }]
    }
  }
  const value = compact({ condition, max_attempts: attempts === undefined ? undefined : Number(attempts) })
  if (condition !== 'none') return { value, notes: [] }
  const message = `${name} says \`restart: "no"\`: once it ends, the swarm leaves it down until the next deploy.`
  return { value, notes: [{ rule: 'restart-no', service: name, at, message }] }
}

function placement(service: ComposeService, deploy: ComposeDeploy): JsonObject | undefined {
  const { constraints = [], preferences, max_replicas_per_node } = deploy.placement ?? {}
  const all = [...constraints, ...platformConstraints(service.platform)]
  return compactOrNone({
    constraints: all.length > 0 ? all : undefined,
    preferences,
    max_replicas_per_node: max_replicas_per_node === 0 ? undefined : max_replicas_per_node
  })
}

/** What nodes call the architectures of images (`docker node inspect`: the kernel's names). */
const architectures: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  arm64: 'aarch64',
  arm: 'armv7l',
  '386': 'i686'
}

function platformConstraints(platform: string | undefined): readonly string[] {
  if (platform === undefined || platform === '') return []
  const [os = '', architecture] = platform.split('/')
  const only = architecture === undefined ? os : architecture
  const constraints = architecture === undefined ? [] : [`node.platform.os == ${os}`]
  return [...constraints, `node.platform.arch == ${architectures[only] ?? only}`]
}

/** Limits from `deploy.resources`; where that is silent, from the older keys beside it. */
function translateResources({ name, service }: ServiceContext): Translated<JsonObject | undefined> {
  const { limits = {}, reservations = {} } = service.deploy?.resources ?? {}
  const value = compactOrNone({
    limits: compactOrNone({
      cpus: cpuText(limits.cpus ?? service.cpus),
      memory: memoryText(limits.memory ?? service.mem_limit),
      pids: limits.pids ?? positive(service.pids_limit)
    }),
    reservations: compactOrNone({
      cpus: cpuText(reservations.cpus),
      memory: memoryText(reservations.memory ?? service.mem_reservation),
      generic_resources: reservations.generic_resources
    })
  })
  const at = ['services', name, 'deploy', 'resources', 'reservations', 'devices']
  const devices = reservations.devices !== undefined && reservations.devices.length > 0
  const message = `${name} reserves devices such as a GPU, which a stack file cannot.`
  return { value, notes: devices ? [{ rule: 'lost-devices', service: name, at, message }] : [] }
}

function cpuText(cpus: number | string | undefined): string | undefined {
  return cpus === undefined || Number(cpus) === 0 ? undefined : String(cpus)
}

function memoryText(memory: string | undefined): string | undefined {
  return memory === undefined || memory === '0' || memory === '' ? undefined : memory
}

/** Compose takes -1 and 0 for no limit. */
function positive(limit: number | undefined): number | undefined {
  return limit === undefined || limit <= 0 ? undefined : limit
}

function modeNotes({ name, service, mode }: ServiceContext): readonly Note[] {
  const replicas = service.deploy?.replicas
  if (mode !== 'global' || replicas === undefined) return []
  const message = `${name} runs once on every node (\`mode: global\`), so its \`replicas: ${replicas}\` means nothing.`
  return [{ rule: 'global-replicas', service: name, at: ['services', name, 'deploy', 'replicas'], message }]
}
