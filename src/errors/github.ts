import type { Problem } from '../errors.js'

const unaffected = 'The rollout itself is not affected.'

/** What a run wanted of GitHub, and what its token needs for that. */
const wishes = {
  comment: { doing: 'keep its comment on the pull request', permission: 'pull-requests: write', so: unaffected },
  deployment: { doing: 'record the deployment', permission: 'deployments: write', so: unaffected },
  'pull request': {
    doing: 'ask how the pull request stands',
    permission: 'pull-requests: read',
    so: 'Whether it is closed is not known.'
  }
} as const

export type GithubWish = keyof typeof wishes

interface Refused {
  readonly refusal: string
  readonly status: number
  readonly message: string
}

/** The deploy itself does not depend on it: this is a warning, and says so. */
export function githubRefused(wish: GithubWish, error: Refused): Problem {
  const { doing, permission, so } = wishes[wish]
  return {
    message: `GitHub did not let this run ${doing}: ${reason(error)}. ${so}`,
    remedy: remedy(error, wish, permission)
  }
}

/** Gitea and Forgejo have a part of GitHub's API only. */
export function notOnThisForge(wish: GithubWish): string {
  return `This forge cannot ${wishes[wish].doing}: skipped.`
}

function reason({ status, message }: Refused): string {
  const said = message.replace(/[.\s]+$/, '')
  return status === 0 ? said : `${status} ${said}`
}

function remedy({ refusal }: Refused, wish: GithubWish, permission: string): string {
  switch (refusal) {
    case 'unauthorized':
      return 'The `github-token` is not valid, or not any more: leave the input out to use the token of the job.'
    case 'forbidden':
    case 'missing':
      return (
        `Add \`${permission}\` under \`permissions:\` of this job. Runs of forks have a token that can only read.` +
        (wish === 'deployment'
          ? ' Where the job has an `environment:` of its own, GitHub records one already: set `environment: false`.'
          : '')
      )
    case 'limited':
      return 'The limit of requests is used up for now; the next run catches up.'
    case 'server':
    case 'unreachable':
      return 'The next run catches up.'
    default:
      return 'Set `comment: false` or `environment: false` to do without.'
  }
}
