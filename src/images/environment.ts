/** What the Docker CLI and the tools it starts may see of the job's environment. */
const always = new Set(
  [
    ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR', 'RUNNER_TEMP'],
    ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'SSH_AUTH_SOCK', 'DBUS_SESSION_BUS_ADDRESS'],
    ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'],
    ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CERT_PATH', 'DOCKER_TLS', 'DOCKER_TLS_VERIFY', 'DOCKER_API_VERSION'],
    ['DOCKER_DEFAULT_PLATFORM', 'BUILDKIT_HOST', 'KUBECONFIG']
  ].flat()
)
const alwaysPrefixes = ['LC_', 'XDG_', 'BUILDX_', 'BUILDKIT_']
/** Read by the credential programs of the clouds (docker-credential-ecr-login, -gcloud, -acr-env and their kin). */
const cloudPrefixes = ['AWS_', 'GOOGLE_', 'CLOUDSDK_', 'AZURE_', 'ACR_', 'GCLOUD_']
/** Read by BuildKit's cache of kind `gha` (buildx, util/buildflags/cache.go). */
const github = [
  'ACTIONS_CACHE_URL',
  'ACTIONS_RESULTS_URL',
  'ACTIONS_RUNTIME_TOKEN',
  'ACTIONS_CACHE_SERVICE_V2',
  'GITHUB_REPOSITORY'
]

export interface BuilderEnvironment {
  readonly dockerConfig: string
  /** Where the job's own builders are recorded, as they would be without our DOCKER_CONFIG. */
  readonly buildxConfig: string
  /** A login of the job is with a credential program. */
  readonly programs: boolean
  /** The engine of the job's current context, which our DOCKER_CONFIG does not have. */
  readonly dockerHost?: string
}

/** The whole environment of a Docker command on the runner: the job's, without what it has no use for. */
export function builderEnvironment(
  env: Readonly<Record<string, string>>,
  options: BuilderEnvironment
): Readonly<Record<string, string>> {
  const prefixes = options.programs ? [...alwaysPrefixes, ...cloudPrefixes] : alwaysPrefixes
  const kept = Object.entries(env).filter(
    ([name]) => always.has(name) || prefixes.some(prefix => name.startsWith(prefix))
  )
  const context = options.dockerHost === undefined ? {} : { DOCKER_HOST: options.dockerHost }
  return {
    ...Object.fromEntries(kept.filter(([name]) => name !== 'DOCKER_CONTEXT')),
    ...context,
    DOCKER_CONFIG: options.dockerConfig,
    BUILDX_CONFIG: env['BUILDX_CONFIG'] ?? options.buildxConfig
  }
}

/** What a build with GitHub's cache needs besides; nothing when the runner has no cache service. */
export function githubCacheEnvironment(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(github.flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])))
}

/** Whether the runner offers GitHub's cache service to the steps of this job. */
export function hasGithubCache(env: Readonly<Record<string, string>>): boolean {
  return Boolean(env['ACTIONS_RUNTIME_TOKEN']) && Boolean(env['ACTIONS_RESULTS_URL'] ?? env['ACTIONS_CACHE_URL'])
}
