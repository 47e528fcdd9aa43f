import { GithubError, type Clock, type GithubRefusal, type Http, type HttpReply } from '../../ports.js'
import { oneLine } from '../../text.js'

/** How long one request may take. */
const requestTimeoutMs = 15_000
/** How long a run waits for GitHub, all in all: a deploy that is done should not be kept from saying so. */
const patienceMs = 60_000
const attempts = 4

export interface GithubWorld {
  readonly http: Http
  readonly clock: Clock
  /** Once it fires nothing is waited for any more; a request is still sent, to say how things ended. */
  readonly cancelled: AbortSignal
}

export interface GithubRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly body?: unknown
  /** Whether a second one does no harm when nobody knows what became of the first. */
  readonly repeatable: boolean
}

export interface GithubReply {
  readonly data: unknown
  /** The next page, as the forge says. */
  readonly next: string | null
}

export type Send = (request: GithubRequest) => Promise<GithubReply>

/**
 * Sends requests with a token. Repeats what may be repeated on 5xx and a broken connection, and waits for rate limits
 * as GitHub asks (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api), both within bounds.
 * Throws GithubError.
 */
export function sender(world: GithubWorld, token: string): Send {
  let patience = patienceMs
  /** It did not answer well however often it was asked: from then on it is asked once. */
  let down = false
  const wait = async (ms: number): Promise<boolean> => {
    if (ms > patience || world.cancelled.aborted) return false
    patience -= ms
    await world.clock.sleep(ms, world.cancelled)
    return !world.cancelled.aborted
  }
  return async request => {
    for (let attempt = 1; ; attempt += 1) {
      const result = await once(world, token, request)
      if ('data' in result) {
        down = false
        return result
      }
      const { refusal } = result.error
      const most = down ? 1 : refusal === 'unreachable' ? 2 : attempts
      const pause = attempt < most ? result.pause(attempt) : null
      if (pause !== null && (await wait(pause))) continue
      down = refusal === 'server' || refusal === 'unreachable'
      throw result.error
    }
  }
}

interface Refusal {
  readonly error: GithubError
  /** Milliseconds until it makes sense to ask again, after so many attempts; null when it never does. */
  readonly pause: (attempt: number) => number | null
}

async function once(world: GithubWorld, token: string, request: GithubRequest): Promise<GithubReply | Refusal> {
  const backoff = (attempt: number) => (request.repeatable ? 1000 * 2 ** (attempt - 1) : null)
  let reply: HttpReply
  try {
    reply = await world.http.request(request.url, {
      method: request.method,
      timeoutMs: requestTimeoutMs,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'user-agent': 'swarm-rollout',
        'x-github-api-version': '2022-11-28',
        ...(request.body !== undefined && { 'content-type': 'application/json' })
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) })
    })
  } catch (cause) {
    return { error: new GithubError('unreachable', 0, `no answer (${why(cause)})`, { cause }), pause: backoff }
  }
  if (reply.status >= 200 && reply.status < 300) return { data: parse(reply.body), next: nextPage(reply) }
  const limit = limited(reply, world.clock.now())
  const refusal = limit === null ? refusalOf(reply.status) : 'limited'
  const error = new GithubError(refusal, reply.status, said(reply))
  if (limit !== null) return { error, pause: () => limit }
  return { error, pause: reply.status >= 500 ? backoff : () => null }
}

/** Milliseconds to wait for a rate limit; null when there is none. A request that was limited was not carried out. */
function limited(reply: HttpReply, now: number): number | null {
  if (reply.status !== 403 && reply.status !== 429) return null
  const after = Number(reply.headers['retry-after'])
  if (reply.headers['retry-after'] !== undefined && Number.isFinite(after)) return Math.max(0, after * 1000)
  if (reply.headers['x-ratelimit-remaining'] === '0') {
    const reset = Number(reply.headers['x-ratelimit-reset']) * 1000
    return Number.isFinite(reset) ? Math.max(1000, reset - now) : patienceMs
  }
  // A secondary limit without a header: GitHub asks for at least a minute.
  return reply.status === 429 || /secondary rate limit/i.test(reply.body) ? patienceMs : null
}

function refusalOf(status: number): GithubRefusal {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404 || status === 410) return 'missing'
  return status >= 500 ? 'server' : 'invalid'
}

/** What the forge says is wrong: its message, and the fields it names. */
function said(reply: HttpReply): string {
  const body = parse(reply.body)
  if (typeof body !== 'object' || body === null || !('message' in body)) return 'without a message'
  const errors = 'errors' in body && Array.isArray(body.errors) ? ` ${JSON.stringify(body.errors)}` : ''
  return oneLine(`${String(body.message)}${errors}`, 300)
}

function nextPage(reply: HttpReply): string | null {
  return /<([^<>]+)>;\s*rel="next"/.exec(reply.headers['link'] ?? '')?.[1] ?? null
}

function parse(body: string): unknown {
  try {
    return body === '' ? null : (JSON.parse(body) as unknown)
  } catch {
    return null
  }
}

function why(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return oneLine(inner instanceof Error ? inner.message : String(inner), 200)
}
