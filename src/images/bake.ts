import { objectOf, textsOf } from '../json.js'
import type { BuildSecret, Json, JsonObject } from '../model.js'
import { serviceOf } from './layers.js'
import type { Target } from './plan.js'

/** What this run gives every target, besides what the compose file says. */
export interface BakeOptions {
  readonly labels: Readonly<Record<string, string>>
  /** Of the nodes; a service's own `platform` and `build.platforms` go before. Empty: the builder's own. */
  readonly platforms: readonly string[]
  readonly cacheFrom: (target: Target) => readonly string[]
  readonly cacheTo: (target: Target) => readonly string[]
  readonly output: (target: Target) => readonly string[]
  /** Whether buildx adds its minimal provenance where the compose file says nothing of it. */
  readonly provenance: boolean
  /** Whether the builder adds attestations; without, what the compose file asks for is left out. */
  readonly attestations: boolean
  /** Seconds since 1970 of the commit, for builds that can be repeated (reproducible-builds.org). */
  readonly sourceDateEpoch?: number
  /** Path of the file that holds a build secret; one that is nowhere is left out. */
  readonly secrets: (secret: BuildSecret) => string | undefined
  /** More tags than the target's own references. */
  readonly extraTags?: (target: Target) => readonly string[]
}

/** The bake file for these targets, as JSON. The order of keys is fixed, so that one plan gives one text. */
export function bakeFile(targets: readonly Target[], options: BakeOptions): string {
  const target = Object.fromEntries(targets.map(each => [each.name, bakeTarget(each, targets, options)]))
  return `${JSON.stringify(escapeTemplates({ group: { default: { targets: targets.map(each => each.name) } }, target }), null, 2)}\n`
}

function bakeTarget(target: Target, all: readonly Target[], options: BakeOptions): JsonObject {
  const build = target.build
  const platforms = targetPlatforms(target, options.platforms)
  const epoch = options.sourceDateEpoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(options.sourceDateEpoch) }
  return clean({
    context: build['context'] ?? '.',
    dockerfile: build['dockerfile'],
    'dockerfile-inline': build['dockerfile_inline'],
    target: build['target'],
    args: texts({ ...epoch, ...objectOf(build['args']) }),
    contexts: contexts(objectOf(build['additional_contexts']), all),
    labels: texts({ ...options.labels, ...objectOf(build['labels']) }),
    tags: [...target.references, ...(options.extraTags?.(target) ?? [])],
    platforms,
    'cache-from': [...textsOf(build['cache_from']).map(cacheSource), ...options.cacheFrom(target)],
    'cache-to': [
      ...(options.attestations ? textsOf(build['cache_to']).map(cacheSource) : []),
      ...options.cacheTo(target)
    ],
    'no-cache': build['no_cache'],
    'no-cache-filter': textsOf(build['no_cache_filter']),
    pull: build['pull'],
    network: build['network'],
    'shm-size': build['shm_size'] === undefined ? undefined : asText(build['shm_size']),
    ulimits: ulimits(objectOf(build['ulimits'])),
    'extra-hosts': extraHosts(build['extra_hosts']),
    entitlements: entitlements(build),
    secret: buildSecrets(target, options),
    ssh: textsOf(build['ssh']).length > 0 ? textsOf(build['ssh']) : sshOf(build['ssh']),
    attest: options.attestations ? attestations(build, options.provenance) : [],
    output: options.output(target)
  })
}

/** A service's own platform, else what its build lists, else what the nodes are. */
export function targetPlatforms(target: Target, nodes: readonly string[]): readonly string[] {
  if (target.platform !== undefined) return [target.platform]
  const listed = textsOf(target.build['platforms'])
  return listed.length > 0 ? listed : nodes
}

/** `service:base` is the image that another service builds, or one that is pulled. */
function contexts(additional: JsonObject, all: readonly Target[]): JsonObject {
  return Object.fromEntries(
    Object.entries(additional).map(([name, value]) => {
      const service = serviceOf(value)
      const target = all.find(each => service !== undefined && each.services.includes(service))
      return [name, target === undefined ? value : `target:${target.name}`]
    })
  )
}

/** A name alone is a registry's cache, as in `cache_from: [ghcr.io/owner/web:cache]`. */
function cacheSource(text: string): string {
  return text.includes('=') ? text : `type=registry,ref=${text}`
}

function buildSecrets(target: Target, options: BakeOptions): readonly string[] {
  return target.secrets.flatMap(secret => {
    const file = options.secrets(secret)
    if (file === undefined) return []
    const id = `id=${secret.id.replace(/^\/run\/secrets\//, '')}`
    return [csv([id, `src=${file}`])]
  })
}

/** One field with a comma or a quote in it is quoted as CSV has it. */
function csv(fields: readonly string[]): string {
  return fields.map(field => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
}

function sshOf(ssh: Json | undefined): readonly string[] {
  return Object.entries(objectOf(ssh)).map(([id, path]) =>
    typeof path === 'string' && path !== '' ? `${id}=${path}` : id
  )
}

function ulimits(limits: JsonObject): readonly string[] {
  return Object.entries(limits).map(([name, value]) => {
    const { soft, hard } = objectOf(value)
    return typeof value === 'number' ? `${name}=${value}` : `${name}=${asText(soft)}:${asText(hard)}`
  })
}

function extraHosts(hosts: Json | undefined): JsonObject {
  if (!Array.isArray(hosts)) return objectOf(hosts)
  const pairs = textsOf(hosts).map(host => /^([^=:]+)[=:](.*)$/.exec(host))
  return Object.fromEntries(pairs.flatMap(pair => (pair === null ? [] : [[pair[1] ?? '', pair[2] ?? '']])))
}

/** What a build may do beyond the ordinary; each must also be allowed on the command line. */
export function entitlements(build: JsonObject): readonly string[] {
  return [
    ...new Set([
      ...textsOf(build['entitlements']),
      ...(build['privileged'] === true ? ['security.insecure'] : []),
      ...(build['network'] === 'host' ? ['network.host'] : [])
    ])
  ]
}

/** Nothing said leaves buildx its own default: a minimal provenance. */
function attestations(build: JsonObject, wanted: boolean): readonly string[] {
  const { sbom } = build
  const provenance = build['provenance'] ?? (wanted ? null : false)
  return [
    ...(provenance === null ? [] : [attestation('provenance', provenance)]),
    ...(sbom === undefined || sbom === null ? [] : [attestation('sbom', sbom)])
  ]
}

function attestation(type: string, value: Json): string {
  const off = value === false || value === 'false'
  const detail = typeof value === 'string' && value !== 'true' && !off ? `,${value}` : ''
  return `type=${type}${off ? ',disabled=true' : detail}`
}

/**
 * bake reads strings of a JSON file as templates, keys too: `${NAME}` would be looked up and `%{if}` obeyed
 * (HCL's JSON syntax, https://github.com/hashicorp/hcl/blob/main/json/spec.md).
 */
function escapeTemplates(value: Json): Json {
  if (typeof value === 'string') return value.replace(/[$%](?=\{)/g, sign => sign + sign)
  if (Array.isArray(value)) return value.map(item => escapeTemplates(item as Json))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, item]) => [escapeTemplates(key) as string, escapeTemplates(item)])
  )
}

function asText(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

/** Values as text; a null one is left out, as an argument without a value that the environment does not have. */
function texts(values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, asText(value)])
  )
}

/** Without what is not there. */
function clean(values: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, Json] => {
      const [, value] = entry
      if (value === undefined || value === null || value === false) return false
      return typeof value !== 'object' || Object.keys(value).length > 0
    })
  )
}
