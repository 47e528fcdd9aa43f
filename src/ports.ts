import type { Place } from './errors.js'
import type { EngineEvent, Info, Network, Node, Service, ServiceSpec, SwarmObject, Task } from './engine-types.js'
import type { OpenGithub } from './ports/github.js'

export * from './ports/github.js'

/** What the stages may ask of the world. The adapters answer; nothing else touches it. */
export interface Ports {
  /** The job's environment, without this action's own inputs. */
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
  readonly shell: Shell
  readonly files: Files
  readonly clock: Clock
  readonly http: Http
  readonly connect: Connect
  readonly serveImages: ServeImages
  readonly cache: BuildCache
  readonly outputs: Outputs
  readonly github: OpenGithub
  /** Fires when the job is cancelled: every wait takes it. */
  readonly cancelled: AbortSignal
}

/** What the run hands on: to later steps of the job, and to the people who look at it. */
export interface Outputs {
  set(name: string, value: string): void
  /** An environment variable of the job's later steps. */
  exportVariable(name: string, value: string): void
  /** Appends markdown to the job summary. */
  summary(markdown: string): Promise<void>
  /** For the post step: what it has to undo should this run be killed. */
  remember(name: string, value: string): void
}

/** The job's log, as GitHub shows it. What it prints is defused: no text of others becomes a workflow command. */
export interface Log {
  info(line: string): void
  debug(line: string): void
  /** Annotations: on the file and line when a place is given. */
  notice(message: string, at?: Place): void
  warning(message: string, at?: Place): void
  error(message: string, at?: Place): void
  group<T>(title: string, body: () => Promise<T>): Promise<T>
  /** Hides a value in everything printed from now on. */
  mask(value: string): void
  /** The text with every masked value replaced by ***: for what leaves the run by other ways than its log. */
  redact(text: string): string
}

export interface RunOptions {
  /** The whole environment of the child; nothing is inherited that is not named here. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string | Uint8Array
  /** Called for each full line as it comes. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Ends the child: SIGTERM, then SIGKILL after 5 s. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface RunResult {
  /** 127 when the program is not there; null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs programs by argv, never through a shell. */
export interface Shell {
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>
}

export interface FileInfo {
  /** Of the path itself: a symbolic link is not followed. */
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  /** Permission bits. */
  readonly mode: number
}

export interface Files {
  /** The file's bytes, or null when there is none. */
  read(path: string): Promise<Uint8Array | null>
  text(path: string): Promise<string | null>
  stat(path: string): Promise<FileInfo | null>
  /** Every file below a folder, as paths relative to it, sorted; symbolic links are not followed. */
  list(folder: string): Promise<readonly string[]>
  /**
   * Everything below a folder, sorted by path, with a hash of each file's bytes or the target of a link. What `skip` says
   * yes to is left out, with all below it.
   */
  hashTree(
    folder: string,
    skip: (path: string, kind: 'file' | 'directory' | 'link') => boolean
  ): Promise<
    readonly {
      readonly path: string
      readonly kind: 'file' | 'directory' | 'link'
      readonly mode: number
      readonly hash: string
    }[]
  >
  /** Writes a file of mode 0600 into the run's own temporary folder and returns its path. */
  writeTemp(name: string, content: string | Uint8Array): Promise<string>
  /** A new empty folder of mode 0700 in the run's own temporary folder; post removes it. */
  tempFolder(name: string): Promise<string>
  remove(path: string): Promise<void>
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Ends early, without throwing, when the signal fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Http {
  /** One request, redirects followed; throws when there is no answer within timeoutMs. */
  request(
    url: string,
    options: {
      method?: string
      headers?: Record<string, string>
      body?: string
      timeoutMs: number
      signal?: AbortSignal
    }
  ): Promise<HttpReply>
}

/** A folder carried from run to run. Neither call ever throws: a cache is no reason to fail. */
export interface BuildCache {
  /** The newest folder that was saved under a key with this beginning; an empty one, without a key, when there is none. */
  restore(prefix: string): Promise<{ readonly folder: string; readonly key: string | undefined }>
  /** Saves a folder, which is gone afterwards. false when it was not saved. */
  save(folder: string, key: string): Promise<boolean>
}

/** OCI layouts on the runner's loopback, read-only, for an engine that pulls by digest. */
export interface ImageServer extends AsyncDisposable {
  readonly port: number
  /** Offers a layout's folder under a repository's name. */
  add(name: string, folder: string): void
}

/** `port` 0 or nothing is any free one; throws when it is taken. `onSent` hears of every piece of an answer. */
export type ServeImages = (options: {
  readonly port?: number
  readonly onSent?: (bytes: number) => void
}) => Promise<ImageServer>

/** A port of the server's loopback that leads to one of ours, until it is closed or the connection ends. */
export interface ForwardedPort {
  readonly port: number
  close(): Promise<void>
}

/** A swarm manager that we are connected to, by one SSH handshake or a local socket. */
export interface Host extends AsyncDisposable {
  /** As the user wrote it, without secrets. */
  readonly name: string
  readonly engine: Engine
  /** The known_hosts lines of the servers on the way, as they were verified; none on a local socket. */
  readonly knownHosts: readonly string[]
  /** For the Docker CLI: `unix://…` of the forwarded socket. */
  readonly dockerHost: string
  /** A program on the server over the same connection, or here where the engine is this machine's. What a login profile prints is left out. */
  run(argv: readonly string[], options?: Pick<RunOptions, 'stdin' | 'onLine' | 'timeoutMs'>): Promise<RunResult>
  /**
   * Lets the server reach a port of the runner's loopback: returns the server's own loopback port.
   * It ends with the connection. `serverPort` asks for that very port; taken, it throws.
   */
  forwardBack(localPort: number, serverPort?: number): Promise<ForwardedPort>
  /** Leaves the connection to the post step, for later steps of the job. Throws UserError where it cannot outlive us. */
  keep(): void
}

export interface HostAddress {
  readonly text: string
  readonly kind: 'ssh' | 'unix'
  readonly user?: string
  readonly host?: string
  readonly port?: number
  /** Path of the engine's socket on the server, or the local one; /var/run/docker.sock when not given. */
  readonly socket: string
}

export interface ConnectRequest {
  /** Tried in turn. */
  readonly hosts: readonly HostAddress[]
  readonly jumps: readonly HostAddress[]
  readonly key?: string
  readonly passphrase?: string
  readonly knownHosts?: string
  readonly fingerprint?: string
  /** How long one host may take to answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** true: the server need not have an engine yet (`setup`); calls to it then fail until there is one. */
  readonly withoutEngine?: boolean
}

/** Throws UserError: unknown or wrong host key, key refused, no answer, socket refused. */
export type Connect = (request: ConnectRequest) => Promise<Host>

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
