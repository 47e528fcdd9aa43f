import { githubRefused } from '../../errors/github.js'
import { GithubError, type Github, type PullRequestState } from '../../ports.js'
import type { RunReport } from '../../report/model.js'
import { keepComment } from '../../stages/comment.js'
import { closeDeployment, openDeployment, retireDeployments } from '../../stages/deployment.js'
import { reportStopped, type Outcome, type Run, type StackTarget } from './run.js'
import { withJob } from './present.js'
import { problemsOf } from './problems.js'

/** The job's repository on its forge; null without a token. */
export function openGithub(run: Run): Github | null {
  const { ports, job, inputs } = run
  return inputs.githubToken === undefined ? null : ports.github(job, inputs.githubToken)
}

/** Records what the body does as a Deployment, which ends as the body ended. GitHub never decides the verdict. */
export async function asDeployment(
  run: Run,
  github: Github | null,
  target: StackTarget,
  body: () => Promise<Outcome>,
  commit = run.job.commit
): Promise<Outcome> {
  const environment = environmentOf(run, target)
  if (github === null || environment === null) return await body()
  // Opened while the compose files are read: nothing waits for GitHub.
  const opening = orWarn(run, () =>
    openDeployment(run.ports, github, {
      environment,
      stack: target.stack,
      commit,
      ...(target.preview && { preview: target.preview.number }),
      logUrl: run.job.runUrl
    })
  )
  let report: Pick<RunReport, 'status' | 'url'> | undefined
  try {
    const outcome = await body()
    report = outcome.report
    return outcome
  } finally {
    const open = await opening
    const how = report ?? { status: run.ports.cancelled.aborted ? 'cancelled' : 'failed' }
    if (open !== null) await orWarn(run, () => closeDeployment(run.ports, github, open, how))
  }
}

/** Takes a removed stack's Deployments out of the list. */
export async function retire(run: Run, github: Github | null, target: StackTarget): Promise<void> {
  const environment = environmentOf(run, target)
  if (github === null || environment === null) return
  await orWarn(run, () => retireDeployments(run.ports, github, { environment, stack: target.stack }))
}

/** The one comment on the pull request, where there is one. */
export async function comment(run: Run, github: Github | null, report: RunReport): Promise<void> {
  const pull = run.job.pullRequest?.number
  if (github === null || pull === undefined || !run.inputs.comment) return
  await orWarn(run, () => keepComment(run.ports, github, { pull, report: withJob(run.job, report) }))
}

/**
 * How a pull request stands: null when there is none of that number, undefined when GitHub does not say, which is told
 * to the user. It is no more than a line where the comment, which needs the same permission, warns anyway.
 */
export async function askHowItStands(
  { ports, job, inputs }: Run,
  github: Github,
  number: number
): Promise<PullRequestState | null | undefined> {
  try {
    return await github.pullRequest(number)
  } catch (thrown) {
    if (!(thrown instanceof GithubError)) throw thrown
    const { message, remedy } = githubRefused('pull request', thrown)
    const told = inputs.comment && job.pullRequest !== undefined
    ports.log[told ? 'info' : 'warning']([message, remedy].join(' '))
    return undefined
  }
}

/** Shows a run that stops before it comes to a verdict on the pull request too: what stands there would be outdated. */
export async function orCommentWhy(
  run: Run,
  github: Github | null,
  stack: string,
  body: () => Promise<Outcome>
): Promise<Outcome> {
  const { ports, inputs } = run
  try {
    return await body()
  } catch (error) {
    const report = reportStopped(run, { command: inputs.command, stack }, problemsOf(error))
    if (!ports.cancelled.aborted) await comment(run, github, report)
    throw error
  }
}

/** Not even a defect on the way there may put itself in the place of the verdict. */
async function orWarn<T>({ ports }: Run, act: () => Promise<T>): Promise<T | null> {
  try {
    return await act()
  } catch (error) {
    for (const { message, remedy } of problemsOf(error)) ports.log.warning([message, remedy ?? ''].join(' ').trim())
    return null
  }
}

/** null when no Deployment is wanted. */
function environmentOf({ inputs }: Run, target: StackTarget): string | null {
  if (inputs.environment === 'false') return null
  return inputs.environment ?? (target.preview === undefined ? 'production' : 'preview')
}
