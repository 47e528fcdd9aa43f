import type { Engine } from './engine.js'
import type { RunOptions, RunResult } from './shell.js'

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
  /** For later steps of the job: `unix://…` of the forwarded socket. */
  readonly dockerHost: string
  /**
   * The engine's socket for one run of the docker CLI that begins by asking these questions (paths of the Engine API, without a version): they are
   * asked at once, while it starts.
   */
  openFront(questions: readonly string[]): Promise<Front>
  /** A program on the server over the same connection, or here where the engine is this machine's. What a login profile prints is left out. */
  readonly run: (
    argv: readonly string[],
    options?: Pick<RunOptions, 'stdin' | 'onLine' | 'timeoutMs'>
  ) => Promise<RunResult>
  /**
   * Lets the server reach a port of the runner's loopback: returns the server's own loopback port.
   * It ends with the connection. `serverPort` asks for that very port; taken, it throws.
   */
  forwardBack(localPort: number, serverPort?: number): Promise<ForwardedPort>
  /** Leaves the connection to the post step, for later steps of the job. Throws UserError where it cannot outlive us. */
  keep(): void
}

export interface Front extends AsyncDisposable {
  /** `unix://…` */
  readonly dockerHost: string
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
  /** `SHA256:…`, which vouches for the servers themselves, not for bastions. */
  readonly fingerprint?: string
  /** How long one host may take to answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Called when the connection stands, before the engine has answered over it, so that the first questions go along with that. It is the host's own engine unless it is to be reached otherwise. */
  readonly onUp?: (up: Pick<Host, 'run' | 'engine'>) => void
  /** true: the server need not have an engine yet (`setup`); calls to it then fail until there is one. */
  readonly withoutEngine?: boolean
}

/** Throws UserError: unknown or wrong host key, key refused, no answer, socket refused. */
export type Connect = (request: ConnectRequest) => Promise<Host>
