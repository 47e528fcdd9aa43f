import type { Server } from '../server.ts'

/** Requests to an engine, from its own log: it names each of them when it runs with `debug: true`. */
export interface Request {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly method: string
  /** Path and query as they came. */
  readonly url: string
}

/** What a run asked of the engine while it watched its rollout. */
export interface Watch {
  readonly seconds: number
  readonly perSecond: number
  /** Of the ten seconds with the most requests. */
  readonly busiest: number
  /** Times that the tasks were read. */
  readonly looks: number
}

const windowMs = 10_000

/** All requests from `since` to `until`, in milliseconds since 1970, over whatever socket they came. */
export function requestsTo(server: Server, since: number, until: number): readonly Request[] {
  return server
    .engineLog()
    .split('\n')
    .flatMap(line => {
      const [, time = '', method = '', url = ''] =
        /^time="([^"]+)" level=debug msg="handling \w+ request" .*?method=(\w+).*? request-url="?([^\s"]+)/.exec(
          line
        ) ?? []
      const at = Date.parse(time)
      return at >= since && at <= until ? [{ at, method, url }] : []
    })
}

/**
 * From the first to the last look: nobody but a watcher asks for the tasks of a service's current version, the docker CLI of a stack deploy
 * that does not wait does not. null when there was but one look.
 */
export function watchIn(requests: readonly Request[]): Watch | null {
  const looks = requests.filter(({ url }) => url.includes('_up-to-date'))
  const [from = 0, to = 0] = [looks[0]?.at, looks.at(-1)?.at]
  if (to <= from) return null
  const times = requests.map(({ at }) => at).filter(at => at >= from && at <= to)
  const inWindow = times.map((start, index) => times.slice(index).filter(at => at < start + windowMs).length)
  const seconds = (to - from) / 1000
  return {
    seconds,
    perSecond: times.length / seconds,
    busiest: Math.max(...inWindow) / Math.min(seconds, windowMs / 1000),
    looks: looks.length
  }
}
