/** Arguments of `docker stack deploy`: the stack file comes on stdin, and the digests in it are already resolved. */
export function stackDeploy(options: {
  readonly stack: string
  readonly withRegistryAuth: boolean
}): readonly string[] {
  return [
    'docker',
    'stack',
    'deploy',
    '--compose-file',
    '-',
    '--detach',
    '--resolve-image',
    'never',
    // Without a login it would replace the good credentials of a service by empty ones.
    ...(options.withRegistryAuth ? ['--with-registry-auth'] : []),
    options.stack
  ]
}

/**
 * The whole environment of the Docker CLI. Nothing else of the job's may be in it: `stack deploy` fills an empty
 * variable of a service from its own environment (docker/cli cli/compose/loader/loader.go, resolveEnvironment).
 */
export function dockerEnvironment(options: {
  readonly env: Readonly<Record<string, string>>
  /** `unix://…` */
  readonly dockerHost: string
  /** The folder with the logins of this run. */
  readonly dockerConfig: string
}): Readonly<Record<string, string>> {
  const { env, dockerHost, dockerConfig } = options
  return {
    ...(env['PATH'] === undefined ? {} : { PATH: env['PATH'] }),
    HOME: dockerConfig,
    DOCKER_HOST: dockerHost,
    DOCKER_CONFIG: dockerConfig
  }
}
