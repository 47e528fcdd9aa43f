import type { Github } from '../ports.js'
import type { RunReport } from '../report/model.js'
import { keepComment } from '../stages/comment.js'
import { closeDeployment, openDeployment, retireDeployments } from '../stages/deployment.js'
import type { Outcome, Run, StackTarget } from './run.js'
import { withJob } from './present.js'

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
  const opening = openDeployment(run.ports, github, {
    environment,
    stack: target.stack,
    commit,
    ...(target.preview && { preview: target.preview.number }),
    logUrl: run.job.runUrl
  })
  let report: Pick<RunReport, 'status' | 'url'> | undefined
  try {
    const outcome = await body()
    report = outcome.report
    return outcome
  } finally {
    const open = await opening
    report ??= { status: run.ports.cancelled.aborted ? 'cancelled' : 'failed' }
    if (open !== null) await closeDeployment(run.ports, github, open, report)
  }
}

/** Takes a removed stack's Deployments out of the list. */
export async function retire(run: Run, github: Github | null, target: StackTarget): Promise<void> {
  const environment = environmentOf(run, target)
  if (github === null || environment === null) return
  await retireDeployments(run.ports, github, { environment, stack: target.stack })
}

/** The one comment on the pull request, where there is one. */
export async function comment(run: Run, github: Github | null, report: RunReport): Promise<void> {
  const pull = run.job.pullRequest?.number
  if (github === null || pull === undefined || !run.inputs.comment) return
  await keepComment(run.ports, github, { pull, report: withJob(run.job, report) })
}

/** null when no Deployment is wanted. */
function environmentOf({ inputs }: Run, target: StackTarget): string | null {
  if (inputs.environment === 'false') return null
  return inputs.environment ?? (target.preview === undefined ? 'production' : 'preview')
}
