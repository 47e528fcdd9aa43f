import type { Json, JsonObject, StackService } from '../model.js'
import type { CarriedFile } from './binds.js'
import type { ServiceContext } from './context.js'
import { translateDeploy } from './deploy.js'
import { translateEnvironment } from './environment.js'
import { lostKeys } from './lost.js'
import { compact, isObject, sortKeys } from '../json.js'
import type { ComposeHealthcheck, ComposeService } from './model.js'
import { translateMounts } from './mounts.js'
import { translateAttachments } from './networks.js'
import { mountObjects } from './objects.js'
import { translatePorts } from './published.js'
import type { Translated } from './translated.js'

/** Keys that mean the same in both worlds. */
const sameKeys = [
  'cap_add',
  'cap_drop',
  'credential_spec',
  'dns',
  'dns_search',
  'hostname',
  'init',
  'isolation',
  'labels',
  'logging',
  'read_only',
  'stdin_open',
  'stop_grace_period',
  'stop_signal',
  'sysctls',
  'tty',
  'user',
  'working_dir'
] as const

export interface TranslatedService {
  readonly service: StackService
  readonly carried: readonly CarriedFile[]
}

/** One service of the stack: a piece from each topic, keys in a fixed order. The image of a build is set later. */
export function translateService(context: ServiceContext): Translated<TranslatedService> {
  const { name, service, options } = context
  const ports = translatePorts(name, service, options.preview?.ports)
  const environment = translateEnvironment(service)
  const mounts = translateMounts(context)
  const networks = translateAttachments(context)
  const deploy = translateDeploy(context)
  const lost = lostKeys(context)
  const value = compact({
    ...sameIn(service),
    image: service.build === undefined ? (service.image ?? '') : '',
    command: listOrNone(service.command),
    entrypoint: listOrNone(service.entrypoint),
    environment: environment.value,
    extra_hosts: listOrNone(service.extra_hosts?.map(hostLine)),
    healthcheck: healthcheck(service.healthcheck),
    ports: ports.value,
    volumes: listOrNone(mounts.value.volumes),
    networks: networks.value,
    secrets: mountObjects('secret', service),
    configs: mountObjects('config', service, mounts.value.carried),
    ulimits: ulimits(service.ulimits),
    deploy: deploy.value
  })
  return {
    value: { service: sortKeys(value) as StackService, carried: mounts.value.carried },
    notes: [ports, environment, mounts, networks, deploy, lost].flatMap(part => part.notes)
  }
}

function sameIn(service: ComposeService): Record<string, Json | undefined> {
  return Object.fromEntries(sameKeys.map(key => [key, (service[key] ?? undefined) as Json | undefined]))
}

/** Compose writes null for what the image decides; an empty list cannot be said to a stack (see `cleared-command`). */
function listOrNone<T extends Json>(list: readonly T[] | null | undefined): readonly T[] | undefined {
  return list === undefined || list === null || list.length === 0 ? undefined : list
}

/** `name=address` of the canonical model as `name:address`, which every CLI reads. */
function hostLine(entry: string): string {
  return entry.replace('=', ':')
}

/** A healthcheck that is off must not carry a test: the engine refuses both together. */
function healthcheck(check: ComposeHealthcheck | undefined): JsonObject | undefined {
  if (check === undefined) return undefined
  const off = check.disable === true || check.test?.[0] === 'NONE'
  return off ? { disable: true } : compact(check as JsonObject)
}

/** `docker compose config` leaves zeros out (`core: 0` becomes `{}`); they mean no core dumps, so they come back. */
function ulimits(limits: ComposeService['ulimits']): JsonObject | undefined {
  if (limits === undefined) return undefined
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]): [string, Json] => {
      if (!isObject(limit)) return [name, limit]
      const { single, soft, hard } = limit as { single?: number; soft?: number; hard?: number }
      return [name, single ?? { soft: soft ?? 0, hard: hard ?? 0 }]
    })
  )
}
