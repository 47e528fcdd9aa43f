/** Logs in; the password comes on stdin. `server` is left out for Docker Hub, as the CLI has it. */
export function login(username: string, server: string | undefined): readonly string[] {
  return ['docker', 'login', '--username', username, '--password-stdin', ...(server === undefined ? [] : [server])]
}

/** The engine that the current context leads to. */
export function contextHost(context: string): readonly string[] {
  return ['docker', 'context', 'inspect', '--format', '{{.Endpoints.docker.Host}}', context]
}

/** Asks a credential program for a login; the server's address comes on stdin (docker/docker-credential-helpers). */
export function askProgram(program: string): readonly string[] {
  return [program, 'get']
}
