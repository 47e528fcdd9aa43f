import { Agent, request, type IncomingMessage } from 'node:http'
import { EngineError } from '../ports.js'
import {
  encoded,
  idleMs,
  isOtherVersion,
  leaderless,
  NoAnswer,
  noAnswer,
  older,
  withQuery,
  wordsOf,
  type Caller,
  type CallOptions,
  type EngineLink,
  type Method,
  type Reply
} from './engine-wire.js'

/** The newest API version that we ask for; engines from 20.10 (1.41) speak what we use of it. */
const newestApi = '1.51'

/** Connections to the engine that are kept open: each costs a round trip to open, and a run seldom asks for more at once. */
const kept = 5

/** Spoken by every engine since 25: a question in it need not wait until the engine has told its own version. */
const guessedApi = '1.44'

/** HTTP over the engine's socket: the API version negotiated, lost connections waited for, every call bounded. */
export class EngineHttp implements Caller {
  /** Requests made so far, tries included. */
  requests = 0
  private readonly agent: Agent
  private versions: Promise<{ api: string; engine: string }> | undefined
  private pinged: Reply['headers'] = {}
  private floor: string | undefined
  /** The first ping is under way. */
  private pinging = false
  private closed = false

  constructor(readonly link: EngineLink) {
    this.agent = new Agent({ keepAlive: link.pooled, maxSockets: 2 * kept, maxFreeSockets: kept })
  }

  /** From one unversioned ping. */
  version(): Promise<{ api: string; engine: string }> {
    this.versions ??= this.patiently('GET', () => this.ping(idleMs.GET)).catch((error: unknown) => {
      this.versions = undefined
      throw error
    })
    return this.versions
  }

  /** One ping without patience, which also tells the versions; throws when there is no answer. */
  async ping(timeoutMs: number): Promise<{ api: string; engine: string }> {
    this.pinging = this.versions === undefined
    const reply = await this.once('GET', '/_ping', { idleMs: timeoutMs }).finally(() => (this.pinging = false))
    if (reply.status !== 200) throw new EngineError(reply.status, wordsOf(reply))
    this.pinged = reply.headers
    const theirs = single(reply.headers['api-version']) ?? '1.41'
    const api = [newestApi, this.floor ?? newestApi].reduce((a, b) => (older(a, b) ? b : a))
    const found = {
      api: older(theirs, api) ? theirs : api,
      engine: /Docker\/(\S+)/.exec(single(reply.headers.server) ?? '')?.[1] ?? 'unknown'
    }
    this.versions ??= Promise.resolve(found)
    return found
  }

  /**
   * One call. What only reads or deletes is repeated when the connection is lost, within the link's patience; a POST is
   * repeated only when it cannot have reached the engine.
   */
  async call(method: Method, path: string, options: CallOptions = {}): Promise<Reply> {
    const early = method === 'GET' && this.pinging ? await this.tryEarly(path, options) : null
    if (early !== null) return early
    for (let again = true; ; again = false) {
      const { api } = await this.version()
      const reply = await this.patiently(method, () => this.once(method, `/v${api}${path}`, options))
      if (reply.status >= 200 && reply.status < 300) return reply
      const words = wordsOf(reply)
      if (!again || !this.speaksOtherVersion(reply.status, words)) throw new EngineError(reply.status, words)
    }
  }

  /**
   * Somebody else's call, versioned by them: whatever the engine answers, it is for them. Repeated like our own.
   * @throws EngineError with status 0 for no answer.
   */
  pass(method: Method, path: string, headers: Readonly<Record<string, string>>, body?: Buffer): Promise<Reply> {
    return this.patiently(method, () => this.once(method, path, { headers, body }))
  }

  /** What the engine tells of itself in the headers of a ping. */
  async pong(): Promise<Reply['headers']> {
    await this.version()
    return this.pinged
  }

  async open(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
    this.assertOpen()
    await this.link.ready()
    const { api } = await this.version()
    this.requests++
    return await new Promise((resolve, reject) => {
      const call = request(
        { socketPath: this.link.socketPath, path: withQuery(`/v${api}${path}`, query), agent: false, signal },
        response => {
          if (response.statusCode === 200) return resolve(response)
          collect(response).then(
            body => reject(new EngineError(response.statusCode ?? 0, wordsOf({ body }))),
            (error: unknown) => reject(noAnswer(this.link, 'GET', path, error))
          )
        }
      )
      call.once('error', error => reject(noAnswer(this.link, 'GET', path, error)))
      call.end()
    })
  }

  /** Opens all but one of the connections that are kept. */
  async warm(): Promise<void> {
    const spare = Array.from({ length: kept - 1 }, () => this.once('GET', '/_ping', {}))
    await Promise.allSettled(spare)
  }

  close(): void {
    this.closed = true
    this.agent.destroy()
  }

  /** What nobody waits for any more must not have the link connect again, for which another may be connecting by now. */
  assertOpen(): void {
    if (this.closed) throw new EngineError(0, `The way to the Docker Engine on ${this.link.name} was given up.`)
  }

  /** null: it is to be asked again, when more is known. */
  private async tryEarly(path: string, options: CallOptions): Promise<Reply | null> {
    const reply = await this.once('GET', `/v${guessedApi}${path}`, options).catch(() => null)
    return reply !== null && reply.status >= 200 && reply.status < 300 ? reply : null
  }

  private async patiently<T>(method: Method, attempt: () => Promise<T>): Promise<T> {
    const since = Date.now()
    for (;;) {
      this.assertOpen()
      await this.link.ready()
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        const repeatable = (method !== 'POST' || !error.sent) && !this.closed
        if (!repeatable || !(await this.link.recover(since))) throw new EngineError(0, error.message, { cause: error })
      }
    }
  }

  private once(method: Method, path: string, options: CallOptions): Promise<Reply> {
    this.requests++
    const { payload, headers } = encoded(options)
    return new Promise((resolve, reject) => {
      const call = request(
        {
          socketPath: this.link.socketPath,
          method,
          path: withQuery(path, options.query ?? {}),
          headers,
          // A POST as well: by a forwarded socket a new connection tells no better whether it reached the engine.
          agent: this.agent
        },
        response => {
          collect(response).then(
            body => {
              const reply = { status: response.statusCode ?? 0, headers: response.headers, body }
              if (leaderless(method, reply)) reject(new NoAnswer(false, wordsOf(reply)))
              else resolve(reply)
            },
            (error: unknown) => reject(noAnswer(this.link, method, path, error))
          )
        }
      )
      const limit = options.idleMs ?? idleMs[method]
      call.setTimeout(limit, () => call.destroy(new Error(`silent for ${Math.round(limit / 1000)} s`)))
      call.once('error', error => reject(noAnswer(this.link, method, path, error)))
      call.end(payload)
    })
  }

  /** After a reconnect the engine may be another one, with other versions: ask again. */
  private speaksOtherVersion(status: number, words: string): boolean {
    if (!isOtherVersion(status, words)) return false
    this.floor = /Minimum supported API version is ([\d.]+)/.exec(words)?.[1]
    this.versions = undefined
    return true
  }
}

function collect(response: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('end', () => resolve(Buffer.concat(chunks)))
    response.once('error', reject)
    response.once('close', () => reject(new Error('the connection was lost in the middle of the answer')))
  })
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
