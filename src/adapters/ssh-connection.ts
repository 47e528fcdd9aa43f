import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { knownHostsName, type KnownHost } from '../ssh/known-hosts.js'
import type { Hop } from '../commands/ssh.js'
import type { SeenKey, SshFailure } from '../commands/ssh-log.js'
import { messageOf, UserError } from '../errors.js'
import { cancelledWhileConnecting, connectionFailed, nameOf } from '../errors/ssh.js'
import { EngineError, type Log } from '../ports.js'
import type { EngineLink } from './engine-wire.js'
import type { SshFolder } from './ssh-folder.js'
import { endMaster, handshake, type HandshakeOptions } from './ssh-master.js'

/** How long a call waits for a lost connection to come back, in milliseconds, counted from the call's own start. */
const patienceMs = 150_000

/** The same once that was in vain, or the job is cancelled: the runner kills us 7.5 s after it asked us to stop. */
const briefPatienceMs = 4_000

/** How long one server may leave a call unanswered before another of the list is tried. */
const moveOnMs = 20_000

/** How a server is reached: bastions first, itself last. */
export interface Route {
  readonly name: string
  readonly hops: readonly Hop[]
  readonly socket: string
}

export interface ConnectionOptions {
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
  readonly routes: readonly Route[]
  readonly key: string | undefined
  readonly knownHosts: { readonly entries: readonly KnownHost[]; readonly text: string }
  /** Fingerprints that vouch for the servers themselves, not for bastions. */
  readonly fingerprints: readonly string[]
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type Attempt =
  { readonly kind: 'up' } | { readonly kind: 'down'; readonly failure: SshFailure; readonly seen: readonly SeenKey[] }

/** Kinds of host key beside the one that ssh prefers, for a fingerprint that is of another of the server's keys. */
const otherHostKeys = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521',
  'rsa-sha2-512,rsa-sha2-256'
]

/** One SSH connection for the whole job, made anew when it is lost. */
export class SshConnection implements EngineLink {
  pooled = true
  /** Handshakes that led to a connection: another number than before means that it was lost in between. */
  generation = 0
  /** Replaced by the relay's where the server does not forward sockets. */
  socketPath: string
  private current = 0
  private master: ChildProcess | undefined
  private restoring: Promise<void> | undefined
  private closed = false
  /** The patience was in vain: until a connection is there again, nothing is worth waiting that long for. */
  private gaveUp = false
  private readonly afterwards: (() => Promise<void>)[] = []

  constructor(
    readonly folder: SshFolder,
    readonly options: ConnectionOptions
  ) {
    this.socketPath = folder.paths.socket
  }

  get route(): Route {
    const route = this.options.routes[this.current]
    if (route === undefined) throw new Error('a connection needs at least one route')
    return route
  }

  get name(): string {
    return this.route.name
  }

  /**
   * Connects to the route of this number: one handshake, unless a fingerprint is of another key of the server.
   * @throws UserError when the job is cancelled meanwhile: whatever that made of the attempt says nothing of the server.
   */
  async attempt(index: number): Promise<Attempt> {
    const { signal, timeoutMs } = this.options
    try {
      return await this.attemptWithin(index, timeoutMs, signal)
    } catch (error) {
      if (signal.aborted) throw new UserError(cancelledWhileConnecting(this.name), { cause: error })
      throw error
    }
  }

  private async attemptWithin(index: number, timeoutMs: number, signal: AbortSignal): Promise<Attempt> {
    this.current = index
    const first = await this.handshake(timeoutMs, undefined, signal)
    if (first.kind === 'up' || first.failure.kind !== 'host-key' || this.options.fingerprints.length === 0) return first
    const seen = [...first.seen]
    for (const algorithms of otherHostKeys) {
      if (seen.some(key => algorithms.includes(key.type))) continue
      const next = await this.handshake(timeoutMs, algorithms, signal)
      if (next.kind === 'up') return next
      seen.push(...next.seen)
    }
    return { ...first, seen }
  }

  /** Repeats something after each reconnect, such as asking for a forwarded port again. */
  onReconnect(again: () => Promise<void>): void {
    this.afterwards.push(again)
  }

  async ready(): Promise<void> {
    if (this.isUp() || this.closed) return
    await this.restore(Date.now())
  }

  async recover(since: number): Promise<boolean> {
    if (this.closed || Date.now() - since > this.patience()) return false
    if (!this.isUp()) {
      await this.restore(since)
      return true
    }
    const waited = Date.now() - since
    if (waited > moveOnMs && this.options.routes.length > 1) {
      this.options.log.info(
        `${this.name} leaves calls unanswered for ${Math.round(waited / 1000)} s: trying the next host.`
      )
      await this.drop()
      this.current = (this.current + 1) % this.options.routes.length
      await this.restore(since)
    } else await delay(Math.min(2_000, 200 + waited / 4))
    return true
  }

  isUp(): boolean {
    return this.master?.exitCode === null && this.master.signalCode === null
  }

  /** Ends the process that holds the connection; what is on disk stays. */
  async drop(): Promise<void> {
    const { master } = this
    this.master = undefined
    if (master !== undefined) await endMaster(master)
  }

  async close(): Promise<void> {
    this.closed = true
    await this.drop()
    await this.folder.remove()
  }

  private async handshake(
    timeoutMs: number,
    hostKeyAlgorithms: string | undefined,
    signal: AbortSignal
  ): Promise<Attempt> {
    const { hops, socket } = this.route
    const { options } = this
    const last = hops[hops.length - 1]
    const plan = {
      paths: this.folder.paths,
      hops,
      identity: options.key === undefined ? ('agent' as const) : ('file' as const),
      timeoutSeconds: Math.max(1, Math.ceil(timeoutMs / 1000)),
      ...(hostKeyAlgorithms === undefined ? {} : { hostKeyAlgorithms })
    }
    const how: HandshakeOptions = {
      env: options.env,
      key: options.key,
      knownHosts: options.knownHosts.text,
      allowed:
        last === undefined ? [] : options.fingerprints.map(each => `${knownHostsName(last.host, last.port)} ${each}`),
      remoteSocket: socket,
      timeoutMs,
      signal
    }
    const deadline = Date.now() + timeoutMs
    for (let pause = 500; ; pause *= 2) {
      const end = await handshake(this.folder, plan, { ...how, timeoutMs: Math.max(500, deadline - Date.now()) })
      if ('master' in end) {
        this.hold(end.master)
        return { kind: 'up' }
      }
      // sshd drops logins beyond MaxStartups at random: they are worth repeating, a refusal is not.
      if (end.failure.kind !== 'turned-away' || Date.now() + pause > deadline) {
        return { kind: 'down', failure: end.failure, seen: await this.folder.seen() }
      }
      await delay(pause, undefined, { signal })
    }
  }

  /** When it ends by itself it is made anew at once, whether or not somebody waits: a docker CLI that comes next cannot. */
  private hold(master: ChildProcess): void {
    this.master = master
    this.generation++
    master.once('exit', () => {
      if (this.closed || this.master !== master) return
      this.restore(Date.now()).catch((error: unknown) => this.options.log.debug(messageOf(error)))
    })
  }

  /** Shared by all calls that wait: one reconnect at a time. */
  private restore(since: number): Promise<void> {
    this.restoring ??= this.reconnect(since).finally(() => (this.restoring = undefined))
    return this.restoring
  }

  private async reconnect(since: number): Promise<void> {
    const { log, routes } = this.options
    // Not ended by a cancelled job: what the run left is still to be tidied, and patience is short then.
    const never = new AbortController().signal
    log.info(`The connection to ${this.name} was lost: connecting again.`)
    let why = 'no attempt was made'
    for (let tries = 0; !this.closed && Date.now() - since < this.patience(); tries++) {
      const index = (this.current + (tries === 0 ? 0 : 1)) % routes.length
      const limit = Math.min(this.options.timeoutMs, 15_000, Math.max(2_000, since + this.patience() - Date.now()))
      const attempt = await this.attemptWithin(index, limit, never)
      if (attempt.kind === 'up') {
        this.gaveUp = false
        log.info(`Connected to ${this.name} again.`)
        for (const again of this.afterwards) await again()
        return
      }
      why = reasonOf(attempt.failure, this.route)
      if (attempt.failure.kind === 'host-key') break
      log.debug(`No connection to ${this.name} yet: ${why}`)
      await delay(Math.min(5_000, 500 * 2 ** tries))
    }
    this.gaveUp = true
    throw new EngineError(0, `The connection to ${this.name} was lost and did not come back: ${why}`)
  }

  private patience(): number {
    return this.options.signal.aborted || this.gaveUp ? briefPatienceMs : patienceMs
  }
}

function reasonOf(failure: SshFailure, route: Route): string {
  if (failure.kind === 'host-key') return `${nameOf(failure.hop)} shows another host key than before.`
  if (failure.kind === 'login-refused') return `${nameOf(failure.hop)} refuses the login.`
  const { message } = connectionFailed(failure, 15)
  return message === '' ? route.name : message
}
