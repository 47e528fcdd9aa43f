import type { Client } from 'undici'
import { messageOf } from '../errors.js'
import { EngineError } from '../ports.js'
import {
  encoded,
  idleMs,
  isOtherVersion,
  leaderless,
  NoAnswer,
  noAnswer,
  withQuery,
  wordsOf,
  type Caller,
  type CallOptions,
  type EngineLink,
  type Method,
  type Reply
} from './engine-wire.js'

/** So many requests may be under way before the first of them is answered. */
const mostAhead = 16

/**
 * One connection on which requests are sent without waiting for the answers to those before. An engine takes them up one after the other all the
 * same: Go's server begins with the next request of a connection when it has answered the one before (net/http, server.go, conn.serve).
 */
export class Pipeline {
  /** Requests made so far. */
  requests = 0
  private client: Promise<Client> | undefined

  constructor(private readonly link: EngineLink) {}

  /** Sends a request; `reply` rejects with NoAnswer. */
  async send(method: Method, path: string, options: CallOptions): Promise<{ readonly reply: Promise<Reply> }> {
    this.client ??= openClient(this.link.socketPath)
    const client = await this.client
    this.requests++
    const { payload, headers } = encoded(options)
    const limit = options.idleMs ?? idleMs[method]
    const reply = new Promise<Reply>((resolve, reject) => {
      const found = { status: 0, headers: {} as Reply['headers'], chunks: [] as Buffer[] }
      client.dispatch(
        {
          method,
          path: withQuery(path, options.query ?? {}),
          headers,
          // undici sends what waits behind a lost connection again by itself, what writes as well: only what is told apart when it is done
          // twice may be sent first, such as a creation under a name that is taken then.
          idempotent: true,
          headersTimeout: limit,
          bodyTimeout: limit,
          ...(payload !== undefined && { body: payload })
        },
        {
          onConnect: () => undefined,
          onHeaders: status => {
            found.status = status
            return true
          },
          onData: chunk => {
            found.chunks.push(chunk)
            return true
          },
          onComplete: () => resolve({ ...found, body: Buffer.concat(found.chunks) }),
          onError: error => reject(noAnswer(this.link, method, path, error))
        }
      )
    })
    reply.catch(() => undefined) // whoever asked may be waiting for another answer first
    return { reply }
  }

  /** Opens its connection. */
  async warm(): Promise<void> {
    await this.send('GET', '/_ping', {})
      .then(({ reply }) => reply)
      .catch(() => undefined)
  }

  close(): void {
    void this.client?.then(client => client.destroy()).catch(() => undefined)
  }
}

async function openClient(socketPath: string): Promise<Client> {
  const { default: Undici } = await import(/* webpackMode: "eager" */ 'undici/lib/dispatcher/client.js')
  return new Undici('http://docker', {
    socketPath,
    pipelining: mostAhead,
    // as long as the run lasts: what ends it is the engine's side, or ours
    keepAliveTimeout: 600_000,
    keepAliveMaxTimeout: 600_000
  })
}

/**
 * Calls that the engine carries out in the order in which they are made, each seeing what those before it did, for one round trip. A read
 * that gets no answer, and every call after it, is made again the ordinary way, in the same order; what writes is sent ahead only when it is the first.
 */
export class Ordered implements Caller {
  /** Whether all calls so far were answered by the pipeline; settles when the last of them has. */
  private last: Promise<boolean> = Promise.resolve(true)
  private sending: Promise<unknown> = Promise.resolve()
  private calls = 0

  constructor(
    private readonly http: Caller & { readonly link: EngineLink; assertOpen(): void },
    private readonly pipeline: Pipeline
  ) {}

  version(): Promise<{ api: string; engine: string }> {
    return this.http.version()
  }

  open: Caller['open'] = (path, query, signal) => this.http.open(path, query, signal)

  async call(method: Method, path: string, options: CallOptions = {}): Promise<Reply> {
    const before = this.last
    const isAhead = this.http.link.pooled && (method === 'GET' || this.calls === 0)
    this.calls++
    const sent = isAhead ? this.send(method, path, options) : null
    const carried = this.carryOut(before, sent, { method, path, options })
    this.last = carried.then(({ piped }) => piped)
    const { answer } = await carried
    if (answer instanceof Error) throw answer
    return answer
  }

  /** Never throws, since the next call waits for it. */
  private async carryOut(
    before: Promise<boolean>,
    sent: Promise<{ readonly reply: Promise<Reply> }> | null,
    { method, path, options }: { readonly method: Method; readonly path: string; readonly options: CallOptions }
  ): Promise<{ readonly piped: boolean; readonly answer: Reply | Error }> {
    sent?.catch(() => undefined)
    if ((await before) && sent !== null) {
      const answer = await sent.then(async ({ reply }) => conclusive(method, await reply)).catch(asError)
      const isDone = !(answer instanceof Error) || answer instanceof EngineError
      if (isDone && answer !== null) return { piped: true, answer }
      if (answer instanceof NoAnswer && answer.sent && method !== 'GET')
        return { piped: false, answer: new EngineError(0, answer.message, { cause: answer }) }
    }
    return { piped: false, answer: await this.http.call(method, path, options).catch(asError) }
  }

  private send(method: Method, path: string, options: CallOptions): Promise<{ readonly reply: Promise<Reply> }> {
    const sent = this.sending.then(async () => {
      this.http.assertOpen()
      await this.http.link.ready()
      const { api } = await this.http.version()
      return await this.pipeline.send(method, `/v${api}${path}`, options)
    })
    this.sending = sent.catch(() => undefined)
    return sent
  }
}

/** A reply that settles its call: a success, or a refusal of what writes. null: it is to be asked again, which tells as well why. */
function conclusive(method: Method, reply: Reply): Reply | EngineError | null {
  if (reply.status >= 200 && reply.status < 300) return reply
  const words = wordsOf(reply)
  // neither did anything: there is no leader, or another engine is behind the connection by now, of another version
  if (method === 'GET' || leaderless(method, reply) || isOtherVersion(reply.status, words)) return null
  return new EngineError(reply.status, words)
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown))
}
