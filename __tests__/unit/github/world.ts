import { fetchHttp } from '../../../src/adapters/http.js'
import { openGithub } from '../../../src/adapters/github.js'
import type { Github, Log } from '../../../src/ports.js'
import { startGithub, type FakeGithub, type GithubOptions } from '../../../testbed/github/server.ts'

export interface World {
  readonly fake: FakeGithub
  readonly github: Github
  readonly log: Log
  /** What the user would read: `warning: …`, `info: …`. */
  readonly lines: string[]
  /** What was slept, in milliseconds; the clock goes on by it. */
  readonly naps: number[]
  readonly abort: AbortController
}

/** The adapter over a GitHub on loopback, with a clock that never sleeps for real. */
export async function world(
  options: GithubOptions & { readonly token?: string; readonly asToken?: string } = {}
): Promise<World> {
  const fake = await startGithub(options)
  const naps: number[] = []
  let now = 1_800_000_000_000
  const abort = new AbortController()
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      naps.push(ms)
      now += ms
      return Promise.resolve()
    }
  }
  const open = openGithub({ http: fetchHttp, clock, cancelled: abort.signal })
  const github = open(
    {
      repository: fake.repository.fullName,
      apiUrl: fake.url,
      graphqlUrl: fake.env['GITHUB_GRAPHQL_URL'] ?? '',
      forge: options.forge ?? 'github'
    },
    options.asToken ?? fake.token
  )
  if (!github) throw new Error('no GitHub without a token')
  const lines: string[] = []
  const say = (level: string) => (line: string) => void lines.push(`${level}: ${line}`)
  const log: Log = {
    info: say('info'),
    debug: say('debug'),
    notice: say('notice'),
    warning: say('warning'),
    error: say('error'),
    group: (_, body) => body(),
    mask: () => undefined,
    redact: text => text
  }
  return { fake, github, log, lines, naps, abort }
}
