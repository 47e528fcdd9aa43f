import { Agent, request, type IncomingMessage } from 'node:http'
import { EngineError } from '../ports.js'
import { messageOf } from '../errors.js'

/** The newest API version that we ask for; engines from 20.10 (1.41) speak what we use of it. */
const newestApi = '1.51'

/** How the engine is reached: a socket on this side, and what to do when it stops answering. */
export interface EngineLink {
  /** As messages name the engine's machine. */
  readonly name: string
  readonly socketPath: string
  /** false: every exchange costs the server a session, so connections are not kept open and events not followed. */
  readonly pooled: boolean
  /** Waits until the connection is up, if it is known to be down. */
  ready(): Promise<void>
  /** Called when a call that began at `since` (ms) got no answer: waits for a better moment; false when it is too late. */
  recover(since: number): Promise<boolean>
}

export type Method = 'GET' | 'POST' | 'DELETE' | 'HEAD'

export interface CallOptions {
  readonly query?: Readonly<Record<string, string>> | undefined
  /** JSON; bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The longest silence, in milliseconds. */
  readonly idleMs?: number
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** There was no answer. `sent`: the engine may have got the call and carried it out. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(
    readonly sent: boolean,
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}

/** Connections to the engine that are kept open: each costs a round trip to open, and a run seldom asks for more at once. */
const kept = 5

/** Spoken by every engine since 25: a question in it need not wait until the engine has told its own version. */
const guessedApi = '1.44'

/** How long a call may be silent unless it says otherwise, in milliseconds. */
export const idleMs = { GET: 30_000, HEAD: 30_000, DELETE: 30_000, POST: 60_000 } as const

/** What the Engine port is made of. */
export interface Caller {
  /** The API version in use and the engine's own. */
  version(): Promise<{ api: string; engine: string }>
  /** @throws EngineError with the engine's own words for a status that is not 2xx, with status 0 for no answer. */
  call(method: Method, path: string, options?: CallOptions): Promise<Reply>
  /** A stream of a GET's body, without patience: it ends when the connection does, or when the signal fires. */
  open(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage>
}

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

/** A call's headers, and its body as bytes. */
export function encoded(options: CallOptions): {
  readonly payload: Buffer | undefined
  readonly headers: Record<string, string>
} {
  const { body } = options
  const payload = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  const ofBody = payload && { 'content-type': 'application/json', 'content-length': String(payload.length) }
  return { payload, headers: { host: 'docker', ...ofBody, ...options.headers } }
}

/** Whether the engine refused a call for its API version alone. */
export function isOtherVersion(status: number, words: string): boolean {
  return status === 400 && /client version \S+ is too (new|old)/.test(words)
}

/**
 * A manager without a leader answers reads and writes alike with an error and does nothing (swarmkit
 * manager/state/raft: ErrNoRaftLeader); a new leader is elected within half a minute, so the call may be repeated.
 */
export function leaderless(method: Method, reply: Reply): boolean {
  if (reply.status < 500) return false
  const words = wordsOf(reply)
  if (/swarm does not have a leader/.test(words)) return true
  return method !== 'POST' && /code = (Unavailable|DeadlineExceeded|Canceled)|context deadline exceeded/.test(words)
}

export function noAnswer(link: EngineLink, method: Method, path: string, cause: unknown): NoAnswer {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const sent = !['ENOENT', 'ECONNREFUSED', 'EACCES'].includes(code)
  const bare = path.replace(/^\/v[\d.]+/, '').replace(/\?.*$/, '')
  return new NoAnswer(
    sent,
    `The Docker Engine on ${link.name} did not answer ${method} ${bare}: ${messageOf(cause)}.` +
      (sent && method === 'POST' ? ' It may have carried the call out.' : ''),
    { cause }
  )
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

/** The engine's own message: `{"message": …}`, or the text. */
export function wordsOf(reply: { readonly body: Buffer }): string {
  const text = reply.body.toString('utf8').trim()
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message)
  } catch {
    // Not JSON: the text is the message.
  }
  return text
}

export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(query).toString()
  return search === '' ? path : `${path}?${search}`
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

/** Whether API version a is before b: they read major.minor. */
export function older(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor)
}
