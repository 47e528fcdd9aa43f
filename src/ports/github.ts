import type { Job } from '../job.js'

/** The forge's API for one repository; null when there is no token or no repository to ask about. */
export type OpenGithub = (
  job: Pick<Job, 'repository' | 'apiUrl' | 'graphqlUrl' | 'forge'>,
  token: string
) => Github | null

/** GitHub, in the words of a deploy. Every call throws GithubError, after its bounded retries. */
export interface Github {
  readonly forge: Job['forge']
  /** Our own comment on a pull request that starts with the marker, however many comments there are. */
  findComment(pull: number, marker: string): Promise<GithubComment | null>
  createComment(pull: number, body: string): Promise<GithubComment>
  /** false when somebody deleted it. */
  updateComment(id: number, body: string): Promise<boolean>
  /** Returns the deployment's id. */
  createDeployment(deployment: NewDeployment): Promise<number>
  createDeploymentStatus(id: number, status: NewDeploymentStatus): Promise<void>
  /** The newest first, at most `limit`. */
  listDeployments(filter: {
    readonly environment: string
    readonly task: string
    readonly limit: number
  }): Promise<readonly GithubDeployment[]>
  /** The newest state; null when it has none yet. */
  deploymentState(id: number): Promise<DeploymentState | null>
  /** GitHub deletes inactive ones only. false when it was not there. */
  deleteDeployment(id: number): Promise<boolean>
  /** null when the repository has no such pull request, and also when the token cannot see the repository. */
  pullRequest(number: number): Promise<PullRequestState | null>
  /** Whether the token sees the repository at all: GitHub answers 404 to everything in one that it does not see. */
  repositoryVisible(): Promise<boolean>
}

export type DeploymentState = 'queued' | 'pending' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive'

export interface GithubComment {
  readonly id: number
  readonly url: string
}

export interface GithubDeployment {
  readonly id: number
}

export interface NewDeployment {
  readonly ref: string
  /** Tells the stacks that share an environment apart. */
  readonly task: string
  readonly environment: string
  readonly description: string
  /** True for previews: GitHub then knows that the environment goes away. */
  readonly transient: boolean
  readonly payload: Readonly<Record<string, string>>
}

export interface NewDeploymentStatus {
  readonly state: DeploymentState
  readonly description: string
  readonly logUrl?: string
  readonly environmentUrl?: string
}

export interface PullRequestState {
  readonly state: 'open' | 'closed'
  readonly merged: boolean
  readonly headSha: string
}

/** Why the forge did not do it. `unsupported`: it has no such thing, as Gitea has no deployments. */
export type GithubRefusal =
  'unauthorized' | 'forbidden' | 'missing' | 'invalid' | 'limited' | 'server' | 'unreachable' | 'unsupported'

/** What the forge answered that was not success. `status` is 0 when there was no answer at all. */
export class GithubError extends Error {
  override readonly name = 'GithubError'
  constructor(
    readonly refusal: GithubRefusal,
    readonly status: number,
    message: string,
    options?: { cause?: unknown }
  ) {
    super(message, options)
  }
}
