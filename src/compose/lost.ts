import type { Level } from '../model.js'
import type { ServiceContext } from './context.js'
import type { Rule } from './findings/catalogue.js'
import { isList, isObject } from '../json.js'
import type { Note, Translated } from './translated.js'

interface LostKey {
  readonly rule: Rule
  readonly level?: Level
  /** Ends the sentence "`key` of service …". */
  readonly what: string
}

const isolation = { rule: 'lost-isolation', what: 'is lost: a swarm service does not have it' } as const
const tuning = { rule: 'lost-tuning', what: 'is lost: a swarm service does not have it' } as const
const devices = { rule: 'devices', what: 'cannot be had in a swarm, so the service would not work' } as const

/** Keys of a service that a stack cannot say, and what the user loses. */
const lost: Readonly<Record<string, LostKey>> = {
  devices,
  device_cgroup_rules: devices,
  volumes_from: { rule: 'volumes-from', what: 'cannot be had in a swarm: name the volumes instead' },
  privileged: { rule: 'privileged', what: 'cannot be had in a swarm, so the service would not work' },
  gpus: { rule: 'lost-devices', what: 'is lost: a stack file cannot reserve a GPU' },
  runtime: { rule: 'lost-devices', what: 'is lost: the default runtime of the node is used' },
  security_opt: isolation,
  pid: isolation,
  ipc: isolation,
  userns_mode: isolation,
  domainname: isolation,
  cgroup_parent: isolation,
  group_add: isolation,
  uts: isolation,
  cgroup: isolation,
  dns_opt: tuning,
  cpu_count: tuning,
  cpu_percent: tuning,
  cpu_shares: tuning,
  cpu_quota: tuning,
  cpu_period: tuning,
  cpu_rt_period: tuning,
  cpu_rt_runtime: tuning,
  cpuset: tuning,
  mem_swappiness: tuning,
  memswap_limit: tuning,
  blkio_config: tuning,
  storage_opt: tuning,
  oom_kill_disable: tuning,
  oom_score_adj: tuning,
  mac_address: tuning,
  annotations: tuning,
  external_links: { rule: 'lost-link', what: 'is lost: services of a swarm meet on a network' },
  pre_start: { rule: 'lost-hook', what: 'is lost: a swarm runs no hooks' },
  post_start: { rule: 'lost-hook', what: 'is lost: a swarm runs no hooks' },
  pre_stop: { rule: 'lost-hook', what: 'is lost: a swarm runs no hooks' },
  models: { rule: 'lost-provider', what: 'is lost: only `docker compose up` knows it' },
  use_api_socket: { rule: 'lost-provider', what: 'is lost: only `docker compose up` knows it' }
}

/** Keys that translation reads elsewhere, or whose loss changes nothing in a deploy. */
const handled: ReadonlySet<string> = new Set(
  `attach build cap_add cap_drop command configs container_name cpus credential_spec depends_on deploy develop dns
   dns_search entrypoint env_file environment expose extra_hosts gpus healthcheck hostname image init isolation labels
   label_file links logging mem_limit mem_reservation network_mode networks pids_limit platform ports profiles
   pull_policy pull_refresh_after read_only restart scale secrets shm_size stdin_open stop_grace_period stop_signal
   sysctls tmpfs tty ulimits user volumes working_dir`.split(/\s+/)
)

/** Notes on what this service says and a stack cannot. */
export function lostKeys(context: ServiceContext): Translated<undefined> {
  const { name, service } = context
  const notes = Object.entries(service).flatMap(([key, value]): readonly Note[] => {
    if (isEmpty(value)) return []
    const known = lost[key]
    const at = ['services', name, key]
    if (known !== undefined) {
      const message = `\`${key}\` of ${name} ${known.what}.`
      return [{ rule: known.rule, service: name, at, message, ...(known.level ? { level: known.level } : {}) }]
    }
    if (handled.has(key) || key.startsWith('x-')) return []
    const message = `\`${key}\` of ${name} is lost: a stack file does not have it.`
    return [{ rule: 'lost-tuning', service: name, at, message }]
  })
  return { value: undefined, notes: [...notes, ...sharedNamespace(context), ...cleared(context)] }
}

function isEmpty(value: unknown): boolean {
  if (isList(value)) return value.length === 0
  if (isObject(value)) return Object.keys(value).length === 0
  return value === undefined || value === null || value === false || value === '' || value === 0
}

function sharedNamespace({ name, service }: ServiceContext): readonly Note[] {
  const mode = service.network_mode ?? ''
  if (!/^(?:service|container):/.test(mode)) return []
  const message = `${name} shares the network of another container (\`network_mode: ${mode}\`), which a swarm cannot.`
  return [{ rule: 'shared-network', service: name, at: ['services', name, 'network_mode'], message }]
}

function cleared({ name, service }: ServiceContext): readonly Note[] {
  return (['command', 'entrypoint'] as const).flatMap(key => {
    if (!isList(service[key]) || service[key].length > 0) return []
    const message = `${name} empties the ${key} of its image, which a stack file cannot: the image's own is used.`
    return [{ rule: 'cleared-command', service: name, at: ['services', name, key], message } as const]
  })
}
