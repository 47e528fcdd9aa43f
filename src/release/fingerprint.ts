import type { ServiceSpec } from '../engine-types.js'
import { sha256 } from '../hash.js'
import { canonicalJson } from '../json.js'

/** What a service's live Spec was, one short hash per field: tells later which fields somebody changed by hand. */
export type Fingerprint = Readonly<Record<string, string>>

const ours = /^swarm-rollout\./

/**
 * The fields of a Spec by the names that we use for them everywhere. `ForceUpdate` is left out: a forced restart
 * changes nothing that a deploy could put right, as the CLI keeps it (docker/cli cli/command/stack/swarm/deploy_composefile.go).
 */
function fieldsOfSpec(spec: ServiceSpec): Readonly<Record<string, unknown>> {
  const { ContainerSpec: container = {}, Resources, RestartPolicy, Placement, Networks, ...task } = spec.TaskTemplate
  const otherTask = Object.fromEntries(Object.entries(task).filter(([field]) => field !== 'ForceUpdate'))
  const { Image, Env, Secrets, Configs, Mounts, Healthcheck, Labels, ...rest } = container as Record<string, unknown>
  const labels = Object.entries(spec.Labels ?? {}).filter(([name]) => !ours.test(name))
  return {
    image: Image,
    environment: sorted(Env),
    secrets: sorted(Secrets),
    configs: sorted(Configs),
    volumes: sorted(Mounts),
    healthcheck: Healthcheck,
    'container labels': Labels,
    container: { ...rest, task: otherTask },
    resources: Resources,
    restart_policy: RestartPolicy,
    placement: Placement,
    networks: sorted(Networks),
    replicas: spec.Mode,
    'update policy': [spec.UpdateConfig, spec.RollbackConfig],
    ports: spec.EndpointSpec,
    labels: Object.fromEntries(labels)
  }
}

export function fingerprint(spec: ServiceSpec): Fingerprint {
  const entries = Object.entries(fieldsOfSpec(spec)).filter(([, value]) => !isNothing(value))
  return Object.fromEntries(entries.map(([field, value]) => [field, hashOf(value)]))
}

/** The fields in which two fingerprints differ, sorted. */
export function differingFields(a: Fingerprint, b: Fingerprint): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(field => a[field] !== b[field]).sort()
}

/** Enough to notice a change, not to resist an attacker. */
function hashOf(value: unknown): string {
  return sha256(canonicalJson(value ?? null), 8)
}

/** The engine gives back an unset list now as null, now as empty, now not at all. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (Array.isArray(value)) return value.every(isNothing)
  return typeof value === 'object' && Object.values(value).every(isNothing)
}

function sorted(list: unknown): unknown {
  return Array.isArray(list) ? [...(list as unknown[])].map(item => [hashOf(item), item] as const).sort(byHash) : list
}

function byHash(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}
