/** What `docker compose config` is asked to read; every path is absolute. */
export interface ComposeConfig {
  readonly project: string
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly profiles: readonly string[]
  readonly format: 'json' | 'yaml'
}

/**
 * `docker compose config`, which reads, merges, interpolates and checks the compose files once and for all.
 *
 * The model is normalised (the default network, derived names and implied dependencies are spelled out), checked for
 * consistency (an undefined volume or dependency is an error here, not half-way through a deploy), its paths are made
 * absolute and its environment files are resolved: none of compose's `--no-…` flags is given. `--project-directory` is
 * not given either, so that relative paths are relative to the first compose file, as everywhere else.
 */
export function composeConfig({ project, files, envFiles, profiles, format }: ComposeConfig): readonly string[] {
  return [
    'docker',
    'compose',
    ...files.flatMap(file => ['--file', file]),
    ...envFiles.flatMap(file => ['--env-file', file]),
    ...profiles.flatMap(profile => ['--profile', profile]),
    '--project-name',
    project,
    'config',
    '--format',
    format
  ]
}

/**
 * Variables that steer the Docker CLI and compose themselves. Those of the runner must not decide what is deployed; a
 * `.env` file beside the compose file may still set COMPOSE_PROFILES.
 */
const steering: ReadonlySet<string> = new Set([
  'COMPOSE_ANSI',
  'COMPOSE_BAKE',
  'COMPOSE_COMPATIBILITY',
  'COMPOSE_CONVERT_WINDOWS_PATHS',
  'COMPOSE_DISABLE_ENV_FILE',
  'COMPOSE_ENV_FILES',
  'COMPOSE_EXPERIMENTAL',
  'COMPOSE_FILE',
  'COMPOSE_IGNORE_ORPHANS',
  'COMPOSE_MENU',
  'COMPOSE_PARALLEL_LIMIT',
  'COMPOSE_PATH_SEPARATOR',
  'COMPOSE_PROFILES',
  'COMPOSE_PROGRESS',
  'COMPOSE_PROJECT_NAME',
  'COMPOSE_REMOVE_ORPHANS',
  'COMPOSE_STATUS_STDOUT',
  'DOCKER_API_VERSION',
  'DOCKER_CERT_PATH',
  'DOCKER_CONTEXT',
  'DOCKER_DEFAULT_PLATFORM',
  'DOCKER_HOST',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY'
])

/** The environment that compose interpolates from: the job's, then the run's own variables; nothing that steers. */
export function composeEnvironment(
  job: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>
): Readonly<Record<string, string>> {
  const all = Object.entries({ ...job, ...variables })
  return Object.fromEntries(all.filter(([name]) => !steering.has(name)))
}
