import { dockerEnvironment, stackDeploy } from '../../commands/stack.js'
import { stackQuestions } from '../../commands/stack-questions.js'
import { renderStack } from '../../compose/render.js'
import type { Stack } from '../../model.js'
import type { Host, Ports, RunResult } from '../../ports.js'

export interface CliRequest {
  /** The stack's name. */
  readonly stack: string
  /** Folder with the logins that the nodes pull with. */
  readonly dockerConfig: string
  readonly withRegistryAuth: boolean
  /** What the stack file will hold, but for its labels: what the CLI is going to ask of the engine follows from it. */
  readonly about: Stack
}

/** A `docker stack deploy` that has started, and changes nothing until it gets its stack file. */
export interface StackCli extends AsyncDisposable {
  readonly withRegistryAuth: boolean
  /** Hands over the stack file; gives how the CLI ended. */
  deploy(stack: Stack): Promise<RunResult>
}

/** How long the CLI may take; it only hands the definitions over. */
const cliTimeoutMs = 300_000

/**
 * Starts the CLI. To start takes it longer than all that it does afterwards, so that is better done while something else is
 * waited for. Disposed of before it got its stack file, it ends without having done anything.
 */
export function startCli(ports: Ports, host: Host, { about, ...request }: CliRequest): StackCli {
  const file = Promise.withResolvers<string>()
  const over = new AbortController()
  const run = async (): Promise<RunResult> => {
    await using front = await host.openFront(stackQuestions(request.stack, about))
    const env = dockerEnvironment({
      env: ports.env,
      dockerHost: front.dockerHost,
      dockerConfig: request.dockerConfig
    })
    return await ports.shell.run(stackDeploy(request), {
      env,
      stdin: file.promise,
      timeoutMs: cliTimeoutMs,
      signal: over.signal,
      onLine: line => ports.log.info(line)
    })
  }
  const ending = run()
  ending.catch(() => undefined) // it is told where it is waited for
  const given = { file: false }
  return {
    withRegistryAuth: request.withRegistryAuth,
    deploy: async stack => {
      const text = renderStack(stack)
      given.file = true
      file.resolve(text)
      return await ending
    },
    [Symbol.asyncDispose]: async () => {
      if (!given.file) over.abort()
      await ending.catch(() => undefined)
    }
  }
}
