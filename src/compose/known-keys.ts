import { nearest } from './findings/nearest.js'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const top = words('name services networks volumes secrets configs include models version')
const service =
  words(`annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs container_name
  cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset credential_spec
  depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file
  environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init ipc isolation
  label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode
  networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start pre_stop privileged profiles provider
  pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal
  storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir`)
const update = words('parallelism delay failure_action monitor max_failure_ratio order')

/** The keys of the Compose Specification, by where they stand; `*` is a name that the user chose. */
const byPath: Readonly<Record<string, readonly string[]>> = {
  '': top,
  'services.*': service,
  'services.*.build':
    words(`additional_contexts args cache_from cache_to context dockerfile dockerfile_inline entitlements
    extra_hosts isolation labels network no_cache platforms privileged provenance pull sbom secrets shm_size ssh tags target ulimits`),
  'services.*.deploy': words(
    'mode replicas labels endpoint_mode update_config rollback_config restart_policy placement resources'
  ),
  'services.*.deploy.update_config': update,
  'services.*.deploy.rollback_config': update,
  'services.*.deploy.restart_policy': words('condition delay max_attempts window'),
  'services.*.deploy.placement': words('constraints preferences max_replicas_per_node'),
  'services.*.deploy.resources': words('limits reservations'),
  'services.*.deploy.resources.limits': words('cpus memory pids'),
  'services.*.deploy.resources.reservations': words('cpus memory generic_resources devices'),
  'services.*.healthcheck': words('test interval timeout retries start_period start_interval disable'),
  'services.*.logging': words('driver options'),
  'networks.*': words('name external driver driver_opts ipam internal attachable labels enable_ipv4 enable_ipv6'),
  'volumes.*': words('name external driver driver_opts labels'),
  'secrets.*': words('name external file environment labels driver driver_opts template_driver'),
  'configs.*': words('name external file environment content labels template_driver')
}

/** The key that a misspelt one most likely meant, at a path such as `services.web.deploy`. */
export function didYouMean(key: string, path: readonly string[]): string | undefined {
  const place = path.map((step, index) => (index === 1 ? '*' : step)).join('.')
  const inPlace = nearest(key, byPath[place] ?? [])
  return inPlace ?? (place === '' ? nearest(key, service) : undefined)
}

/** Where a key of the specification belongs, when it stands in the wrong place: `update_config` under a service. */
export function belongsUnder(key: string, path: readonly string[]): string | undefined {
  if (path[0] !== 'services' || path.length !== 2) return undefined
  const places = Object.entries(byPath).filter(([place, keys]) => place.startsWith('services.*.') && keys.includes(key))
  const place = places.length === 1 ? places[0]?.[0] : undefined
  return place?.slice('services.*.'.length)
}
