/** What a repository on GitHub remembers, as far as a deploy touches it. */
export interface Repository {
  readonly fullName: string
  readonly comments: Comment[]
  readonly deployments: Deployment[]
  readonly pulls: Map<number, Pull>
}

export interface Comment {
  readonly id: number
  readonly issue: number
  readonly author: Author
  body: string
}

export interface Author {
  readonly login: string
  readonly type: 'User' | 'Bot'
}

export interface Deployment {
  readonly id: number
  readonly ref: string
  readonly sha: string
  readonly task: string
  readonly environment: string
  readonly description: string
  readonly transient: boolean
  readonly payload: unknown
  /** The oldest first. */
  readonly statuses: DeploymentStatus[]
}

export interface DeploymentStatus {
  readonly id: number
  readonly state: string
  readonly description: string
  readonly logUrl: string
  readonly environmentUrl: string
}

export interface Pull {
  readonly number: number
  headRef: string
  headSha: string
  state: 'open' | 'closed'
  merged: boolean
}

/** What the job's token may do; `none` is what a missing line under `permissions:` means. */
export interface Permissions {
  readonly 'pull-requests': 'write' | 'read' | 'none'
  readonly deployments: 'write' | 'read' | 'none'
}

let last = 1000

/** Ids count up through the whole run, as they do on GitHub. */
export function nextId(): number {
  last += 1
  return last
}

export function stateOf(deployment: Deployment): string | null {
  return deployment.statuses.at(-1)?.state ?? null
}
