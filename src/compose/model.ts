import { parse } from 'yaml'
import type { Json, JsonObject } from '../model.js'
import { bareRecord, isObject, mapKeys } from '../json.js'

/**
 * The canonical model: what `docker compose config --format json` prints. Strings still carry compose's doubled
 * dollar signs; keys do not (see `parseModel`). Only what translation looks at is typed.
 */
export interface ComposeModel {
  readonly name: string
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: Readonly<Record<string, ComposeNetwork>>
  readonly volumes: Readonly<Record<string, ComposeVolume>>
  readonly secrets: Readonly<Record<string, ComposeObject>>
  readonly configs: Readonly<Record<string, ComposeObject>>
}

export interface ComposeService {
  readonly image?: string
  readonly build?: JsonObject
  readonly platform?: string
  readonly command?: readonly string[] | null
  readonly entrypoint?: readonly string[] | null
  readonly environment?: Readonly<Record<string, string | null>>
  readonly labels?: Readonly<Record<string, string>>
  readonly ports?: readonly ComposePort[]
  readonly volumes?: readonly ComposeMount[]
  readonly tmpfs?: readonly string[]
  readonly shm_size?: string
  readonly networks?: Readonly<Record<string, ComposeAttachment | null>>
  readonly network_mode?: string
  readonly container_name?: string
  readonly links?: readonly string[]
  readonly depends_on?: Readonly<Record<string, ComposeDependency>>
  readonly deploy?: ComposeDeploy
  readonly healthcheck?: ComposeHealthcheck
  readonly restart?: string
  readonly scale?: number
  readonly cpus?: number | string
  readonly mem_limit?: string
  readonly mem_reservation?: string
  readonly pids_limit?: number
  readonly gpus?: Json
  readonly runtime?: string
  readonly secrets?: readonly ComposeObjectMount[]
  readonly configs?: readonly ComposeObjectMount[]
  readonly extra_hosts?: readonly string[]
  readonly ulimits?: Readonly<Record<string, number | { readonly soft?: number; readonly hard?: number }>>
  readonly [key: string]: unknown
}

export interface ComposePort {
  readonly target: number
  readonly published?: string | number
  readonly host_ip?: string
  readonly protocol?: string
  readonly mode?: string
  readonly name?: string
  readonly app_protocol?: string
}

export interface ComposeMount {
  readonly type: string
  readonly source?: string
  readonly target: string
  readonly read_only?: boolean
  readonly consistency?: string
  readonly bind?: {
    readonly propagation?: string
    readonly create_host_path?: boolean
    readonly selinux?: string
    readonly recursive?: string
  }
  readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string; readonly labels?: JsonObject }
  readonly tmpfs?: {
    readonly size?: string | number
    readonly mode?: number
    /** Further options of the short form. */
    readonly options?: readonly string[]
  }
  readonly image?: JsonObject
}

export interface ComposeAttachment {
  readonly aliases?: readonly string[]
  readonly driver_opts?: JsonObject
  readonly [key: string]: Json | undefined
}

export interface ComposeDependency {
  readonly condition: string
  readonly required?: boolean
  readonly restart?: boolean
}

export interface ComposeHealthcheck {
  readonly test?: readonly string[]
  readonly interval?: string
  readonly timeout?: string
  readonly start_period?: string
  readonly start_interval?: string
  readonly retries?: number
  readonly disable?: boolean
}

export interface ComposeUpdateConfig {
  readonly parallelism?: number
  readonly delay?: string
  readonly failure_action?: string
  readonly monitor?: string
  readonly max_failure_ratio?: number
  readonly order?: string
}

export interface ComposeDeploy {
  readonly mode?: string
  readonly replicas?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly endpoint_mode?: string
  readonly update_config?: ComposeUpdateConfig
  readonly rollback_config?: ComposeUpdateConfig
  readonly restart_policy?: JsonObject
  readonly placement?: {
    readonly constraints?: readonly string[]
    readonly preferences?: readonly JsonObject[]
    readonly max_replicas_per_node?: number
  }
  readonly resources?: {
    readonly limits?: { readonly cpus?: number | string; readonly memory?: string; readonly pids?: number }
    readonly reservations?: {
      readonly cpus?: number | string
      readonly memory?: string
      readonly generic_resources?: readonly JsonObject[]
      readonly devices?: readonly JsonObject[]
    }
  }
}

export interface ComposeObjectMount {
  readonly source: string
  readonly target?: string
  readonly uid?: string
  readonly gid?: string
  readonly mode?: string | number
}

export interface ComposeObject {
  readonly name?: string
  readonly external?: boolean
  readonly file?: string
  readonly environment?: string
  readonly content?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly driver?: string
  readonly template_driver?: string
}

export interface ComposeNetwork {
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  readonly driver_opts?: JsonObject
  readonly ipam?: { readonly driver?: string; readonly config?: readonly JsonObject[]; readonly options?: JsonObject }
  readonly internal?: boolean
  readonly attachable?: boolean
  readonly labels?: JsonObject
  readonly [key: string]: Json | undefined
}

export interface ComposeVolume {
  readonly name?: string
  readonly external?: boolean
  readonly driver?: string
  readonly driver_opts?: JsonObject
  readonly labels?: JsonObject
  readonly [key: string]: Json | undefined
}

/** Undoes the doubling of `$` that `docker compose config` does to everything it prints. */
export function undollar(text: string): string {
  return text.replaceAll('$$', () => '$')
}

/** Doubles `$`, so that the stack file's own interpolation leaves one. */
export function dollar(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/**
 * Reads what compose printed. Compose doubles every dollar sign of its output, keys included, but the stack file's
 * interpolation looks at values only (docker/cli cli/compose/interpolation): the keys are undone here.
 * Throws SyntaxError when the text is not JSON, or no mapping.
 */
export function parseModel(text: string, format: 'json' | 'yaml' = 'json'): ComposeModel {
  const json: unknown = format === 'json' ? JSON.parse(text) : parse(text, { merge: true })
  if (!isObject(json)) throw new SyntaxError('docker compose config printed no mapping')
  const section = (key: string): Record<string, Json> => {
    const value = json[key]
    return bareRecord(Object.entries(isObject(value) ? (mapKeys(value, undollar) as JsonObject) : {}))
  }
  return {
    name: typeof json['name'] === 'string' ? json['name'] : '',
    services: section('services') as unknown as ComposeModel['services'],
    networks: section('networks') as unknown as ComposeModel['networks'],
    volumes: section('volumes') as unknown as ComposeModel['volumes'],
    secrets: section('secrets') as unknown as ComposeModel['secrets'],
    configs: section('configs') as unknown as ComposeModel['configs']
  }
}
