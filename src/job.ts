/** The pull request of the job's event, as far as its fields could be believed. */
export interface PullRequest {
  readonly number: number
  /** The branch's name, as somebody chose it: 1 to 255 characters of anything. Never for a shell, a path or a label. */
  readonly headRef: string
  readonly headSha: string
  readonly baseRef: string
  /** `opened`, `synchronize`, `closed`, … */
  readonly action: string
  readonly state: 'open' | 'closed'
  readonly merged: boolean
  readonly draft: boolean
  /** The code comes from another repository, or from one that is gone. */
  readonly fork: boolean
}

/** The job that this run is part of: who asked for what, where it is shown, and which server to ask about it. */
export interface Job {
  /** `owner/name`; empty outside a forge. */
  readonly repository: string
  /** What is checked out. On a pull request this is GitHub's own merge commit, see `commit`. */
  readonly sha: string
  /** The commit that people know: the head of the pull request, or `sha`. */
  readonly commit: string
  readonly ref: string
  readonly refName: string
  readonly actor: string
  readonly runId: string
  /** Page of this run; empty outside a forge. */
  readonly runUrl: string
  readonly eventName: string
  readonly pullRequest?: PullRequest
  /** Without a slash at the end, like the next two. */
  readonly apiUrl: string
  readonly serverUrl: string
  /** Empty where there is none. */
  readonly graphqlUrl: string
  /** Gitea and Forgejo speak a part of GitHub's API. */
  readonly forge: 'github' | 'gitea'
}

/** As git writes an object name: SHA-1 or SHA-256. */
const objectName = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
const repositoryName = /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,100}$/
const pullRequestEvents = new Set(['pull_request', 'pull_request_target'])

/**
 * Reads the job from the runner's environment and the parsed event (GITHUB_EVENT_PATH; anything, also undefined).
 * Never throws: what is missing or malformed is empty or absent, since who wrote it may be anybody.
 */
export function readJob(env: Readonly<Record<string, string | undefined>>, event: unknown): Job {
  const repository = matching(env['GITHUB_REPOSITORY'], repositoryName)
  const serverUrl = webAddress(env['GITHUB_SERVER_URL']) || 'https://github.com'
  const eventName = matching(env['GITHUB_EVENT_NAME'], /^[a-z_]{1,64}$/)
  const sha = matching(env['GITHUB_SHA'], objectName)
  const runId = matching(env['GITHUB_RUN_ID'], /^\d{1,20}$/)
  // Forgejo's pages count the runs of a repository; its ids count those of the whole forge.
  const page = env['FORGEJO_ACTIONS'] === 'true' ? matching(env['GITHUB_RUN_NUMBER'], /^\d{1,20}$/) || runId : runId
  const pullRequest = pullRequestEvents.has(eventName) ? readPullRequest(event, repository) : undefined
  return {
    repository,
    sha,
    commit: pullRequest?.headSha || sha,
    ref: line(env['GITHUB_REF']),
    refName: line(env['GITHUB_REF_NAME']) || line(env['GITHUB_REF']).replace(/^refs\/(heads|tags)\//, ''),
    actor: matching(env['GITHUB_TRIGGERING_ACTOR'] || env['GITHUB_ACTOR'], /^[A-Za-z0-9_.[\]-]{1,100}$/),
    runId,
    runUrl: repository && page ? `${serverUrl}/${repository}/actions/runs/${page}` : '',
    eventName,
    ...(pullRequest && { pullRequest }),
    apiUrl: webAddress(env['GITHUB_API_URL']) || 'https://api.github.com',
    serverUrl,
    graphqlUrl: webAddress(env['GITHUB_GRAPHQL_URL']),
    forge: env['GITEA_ACTIONS'] === 'true' || env['FORGEJO_ACTIONS'] === 'true' ? 'gitea' : 'github'
  }
}

/**
 * The event's pull request; undefined when the event has none, or when it belongs to another repository: a number
 * alone would name a pull request of ours.
 */
function readPullRequest(event: unknown, repository: string): PullRequest | undefined {
  const payload = record(event)
  const pull = record(payload['pull_request'])
  const head = record(pull['head'])
  const base = record(pull['base'])
  const number = pull['number'] ?? payload['number']
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return undefined
  const home = fullName(base['repo'])
  if (!home || (repository && home !== repository.toLowerCase())) return undefined
  return {
    number,
    headRef: line(head['ref']),
    headSha: matching(head['sha'], objectName),
    baseRef: line(base['ref']),
    action: matching(payload['action'], /^[a-z_]{1,64}$/),
    state: pull['state'] === 'closed' ? 'closed' : 'open',
    merged: pull['merged'] === true,
    draft: pull['draft'] === true,
    fork: fullName(head['repo']) !== home
  }
}

function fullName(repository: unknown): string {
  return matching(record(repository)['full_name'], repositoryName).toLowerCase()
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function matching(value: unknown, pattern: RegExp): string {
  return typeof value === 'string' && pattern.test(value) ? value : ''
}

/** Text of one line without control characters, at most 255 characters: git's and GitHub's bound of a ref. */
function line(value: unknown): string {
  // eslint-disable-next-line no-control-regex
  return typeof value === 'string' ? value.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 255) : ''
}

/** An http(s) address without a slash at the end, or the empty string. */
function webAddress(value: string | undefined): string {
  if (!value || !URL.canParse(value)) return ''
  return /^https?:$/.test(new URL(value).protocol) ? value.replace(/\/+$/, '') : ''
}
