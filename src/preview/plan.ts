import type { Job, PullRequest } from '../job.js'
import { branchLabel, previewLabel, previewStack } from './name.js'
import { previewHost, previewUrl } from './url.js'

export interface PreviewWish {
  /** `preview: true`. */
  readonly enabled: boolean
  /** The stack that the previews are previews of. */
  readonly stack: string
  readonly urlTemplate?: string
  /** Whether the run was given a login for the server: a key, or an agent. */
  readonly credentials: boolean
}

/** What identifies a preview, in the swarm and to the compose file. */
export interface Preview {
  readonly stack: string
  readonly number: number
  /** Value of label.preview on everything it is made of. */
  readonly label: string
  /** For the compose file, see `previewVariables`. */
  readonly variables: Readonly<Record<string, string>>
  /** null when none was asked for, or while its port is not known. */
  readonly url: string | null
}

/** What the job's event asks of a preview. */
export type PreviewPlan =
  | ({ readonly kind: 'deploy' } & Preview)
  | ({ readonly kind: 'remove' } & Preview)
  /** The run ends here, green. `reason` is one or two sentences for the user. */
  | { readonly kind: 'skip'; readonly number: number; readonly reason: string }
  /** No preview is asked for, or the event has no pull request: the run is what `command` says. */
  | { readonly kind: 'none' }

/** Reads the event of a run with `preview`. Everything else of the run follows from the answer. */
export function previewPlan(
  job: Pick<Job, 'repository' | 'eventName' | 'actor' | 'pullRequest'>,
  wish: PreviewWish
): PreviewPlan {
  const pull = job.pullRequest
  if (!wish.enabled || !pull) return { kind: 'none' }
  const refused = refusal(job, pull, wish.credentials)
  if (refused !== null) return { kind: 'skip', number: pull.number, reason: refused }
  const preview = describePreview(job.repository, pull.number, pull.headRef, wish)
  if (pull.action === 'closed') return { kind: 'remove', ...preview }
  if (pull.state === 'closed') {
    return { kind: 'skip', number: pull.number, reason: `Pull request #${pull.number} is closed: no preview is made.` }
  }
  return { kind: 'deploy', ...preview }
}

/**
 * The plan again, once GitHub has said how the pull request stands now (null: it could not say). An event may be old:
 * a run that waited, or was started again. A closed pull request's preview is never brought back, and a reopened
 * one's never taken away.
 */
export function settlePlan(plan: PreviewPlan, now: { readonly state: 'open' | 'closed' } | null): PreviewPlan {
  if (now === null || plan.kind === 'none' || plan.kind === 'skip') return plan
  if (plan.kind === 'deploy' && now.state === 'closed') {
    return {
      kind: 'skip',
      number: plan.number,
      reason: `Pull request #${plan.number} was closed in the meantime: no preview is made.`
    }
  }
  if (plan.kind === 'remove' && now.state === 'open') {
    return {
      kind: 'skip',
      number: plan.number,
      reason: `Pull request #${plan.number} is open again: its preview stays.`
    }
  }
  return plan
}

/** Names of a preview, from what one knows of the pull request. */
function describePreview(
  repository: string,
  number: number,
  branch: string,
  wish: Pick<PreviewWish, 'stack' | 'urlTemplate'>
): Preview {
  const stack = previewStack(wish.stack, number)
  const parts = { number, branch, stack }
  const url = wish.urlTemplate === undefined ? null : previewUrl(wish.urlTemplate, parts)
  const host = wish.urlTemplate === undefined ? null : previewHost(wish.urlTemplate, parts)
  return {
    stack,
    number,
    label: previewLabel(repository, number),
    url,
    variables: previewVariables({ number, branch, stack, url, host })
  }
}

/**
 * The variables that a compose file may refer to in a preview. Outside of previews they are not set, so that
 * `${PREVIEW_HOST:-www.example.com}` serves both. All are safe in a DNS name and in a proxy's rule: the branch is its
 * label, never the name as somebody wrote it. PREVIEW_URL is empty while it depends on a port that is not chosen yet.
 */
function previewVariables(of: {
  number: number
  branch: string
  stack: string
  url: string | null
  host: string | null
}): Readonly<Record<string, string>> {
  return {
    PREVIEW: 'true',
    PREVIEW_NUMBER: String(of.number),
    PREVIEW_BRANCH: branchLabel(of.branch),
    PREVIEW_STACK: of.stack,
    PREVIEW_HOST: of.host ?? '',
    PREVIEW_URL: of.url ?? ''
  }
}

/**
 * Why a pull request gets no preview; null when it does. GitHub gives no secrets to runs of forks and of Dependabot,
 * and `pull_request_target`, which does, would hand them to the fork's own code. Asked before the other inputs are
 * judged: without secrets, half of them are empty.
 */
export function refusal(job: Pick<Job, 'eventName' | 'actor'>, pull: PullRequest, credentials: boolean): string | null {
  const target = job.eventName === 'pull_request_target'
  if (pull.fork && target && pull.action !== 'closed') {
    return (
      `Pull request #${pull.number} comes from a fork, and \`pull_request_target\` would run its code with this ` +
      "repository's secrets: no preview is made. Use `on: pull_request`; somebody of this repository may read the " +
      'code and push the branch here to see it live.'
    )
  }
  if (credentials || target) return null
  if (pull.fork) {
    return (
      `Pull request #${pull.number} comes from a fork, whose runs get no secrets: it has no preview. Somebody of this ` +
      'repository may read the code and push the branch here to see it live.'
    )
  }
  if (job.actor === 'dependabot[bot]') {
    return (
      `Dependabot's runs get Dependabot secrets only, and those hold no login for the server: pull request ` +
      `#${pull.number} has no preview. Add the secrets to Dependabot's to have one.`
    )
  }
  return null
}
