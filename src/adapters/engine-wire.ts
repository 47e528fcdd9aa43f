import type { IncomingMessage } from 'node:http'
import { messageOf } from '../errors.js'

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

/** What a broken call is told as: `cause` says whether it can have been sent. */
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

/** A path with its query, as a request line has it. */
export function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(query).toString()
  return search === '' ? path : `${path}?${search}`
}

/** Whether API version a is before b: they read major.minor. */
export function older(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor)
}
