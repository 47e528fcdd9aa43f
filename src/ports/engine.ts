import type { EngineEvent, Info, Network, Node, Service, ServiceSpec, SwarmObject, Task } from '../engine-types.js'

/** The Engine API on the manager. Every call throws EngineError, after reconnecting within its own bound. */
export interface Engine {
  info(): Promise<Info>
  /** The API version in use, such as 1.51; and the engine's own. */
  version(): Promise<{ readonly api: string; readonly engine: string }>
  nodes(): Promise<readonly Node[]>
  /** All services of a stack (or of the swarm when null), with ServiceStatus. */
  services(stack: string | null): Promise<readonly Service[]>
  /** null when it is gone. */
  service(id: string): Promise<Service | null>
  updateService(id: string, version: number, spec: ServiceSpec, query?: Readonly<Record<string, string>>): Promise<void>
  removeService(id: string): Promise<void>
  /** All tasks of these services, history included. */
  tasks(services: readonly string[]): Promise<readonly Task[]>
  /** Every task of a stack's namespace, whether or not its service still is there. */
  tasksOfStack(stack: string): Promise<readonly Task[]>
  /** The last lines of one task, both streams, oldest first, without the stream's framing. Empty when there are none. */
  taskLogs(taskId: string, lines: number): Promise<readonly string[]>
  /** A container's own record, when the manager we talk to is its node; null otherwise. Holds the health log. */
  container(id: string): Promise<{
    readonly State?: {
      readonly OOMKilled?: boolean
      readonly ExitCode?: number
      readonly Health?: { readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] }
    }
  } | null>
  networks(filter?: { readonly stack?: string }): Promise<readonly Network[]>
  createNetwork(spec: Readonly<Record<string, unknown>>): Promise<string>
  removeNetwork(id: string): Promise<void>
  objects(
    kind: 'secret' | 'config',
    filter?: { readonly stack?: string; readonly name?: string; readonly labels?: readonly string[] }
  ): Promise<readonly SwarmObject[]>
  config(id: string): Promise<SwarmObject | null>
  /** Throws EngineError with status 409 when the name is taken. Returns the id. */
  createObject(
    kind: 'secret' | 'config',
    name: string,
    data: Uint8Array,
    labels: Readonly<Record<string, string>>
  ): Promise<string>
  /** Compare-and-set of the labels: throws EngineError when the version is not the newest. */
  labelObject(kind: 'secret' | 'config', object: SwarmObject, labels: Readonly<Record<string, string>>): Promise<void>
  /** true when it was removed or was not there; false when it is still in use. */
  removeObject(kind: 'secret' | 'config', id: string): Promise<boolean>
  volumes(stack: string): Promise<readonly string[]>
  /** true when it was removed or was not there; false when it is still in use. */
  removeVolume(name: string): Promise<boolean>
  /** Asks the manager for a reference's digest in its registry. `auth` is an X-Registry-Auth value. */
  distribution(
    reference: string,
    auth?: string
  ): Promise<{
    readonly digest: string
    readonly platforms: readonly { readonly architecture: string; readonly os: string }[]
  }>
  /** Removes an image from the connected node: true when it was removed or was not there; false when in use. */
  removeImage(reference: string): Promise<boolean>
  /**
   * `since` is in milliseconds since 1970. Ends when the signal fires; ends by itself when the connection drops. A wake-up
   * only: where the server allows too few sessions to spare one, nothing ever comes.
   */
  events(
    filter: { readonly types: readonly string[]; readonly since?: number },
    signal: AbortSignal
  ): AsyncIterable<EngineEvent>
  /**
   * The same engine, whose calls are carried out one after the other in the order in which they are made, each seeing what those before it
   * did: for one round trip, as none waits for the answer to another.
   */
  inOrder(): Engine
  /** Anything else; throws EngineError for a status that is not 2xx. */
  call<T>(
    method: 'GET' | 'POST' | 'DELETE' | 'HEAD',
    path: string,
    options?: { query?: Readonly<Record<string, string>>; body?: unknown; headers?: Readonly<Record<string, string>> }
  ): Promise<T>
}

/** What the Engine API answered that was not success. `status` is 0 when there was no answer at all. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  constructor(
    readonly status: number,
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}
