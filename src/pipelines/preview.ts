import type { Github } from '../ports.js'
import { previewUrl } from '../preview/url.js'
import { settlePlan, type Preview, type PreviewPlan } from '../preview/plan.js'
import type { RunStatus } from '../report/model.js'
import { deploy } from './deploy.js'
import { asDeployment, askHowItStands, comment, openGithub, orCommentWhy, retire } from './run/on-github.js'
import { remove } from './remove.js'
import type { Outcome, Run, StackTarget } from './run/run.js'

/** Endings that another run speaks about: the newer one, or the one that removes. What serves is as it was. */
const silent: ReadonlySet<RunStatus> = new Set(['skipped', 'overtaken', 'cancelled'])

/** A pull request's own stack: deployed, shown as a Deployment and in the comment. */
export async function deployPreview(run: Run, plan: PreviewPlan & { readonly kind: 'deploy' }): Promise<Outcome> {
  const github = openGithub(run)
  const target = targetOf(run, plan, () => settle(run, github, plan))
  return await orCommentWhy(run, github, target.stack, async () => {
    const outcome = await asDeployment(run, github, target, () => deploy(run, target))
    if (!silent.has(outcome.report.status)) await comment(run, github, outcome.report)
    return outcome
  })
}

/** What a closed pull request leaves: nothing. */
export async function removePreview(run: Run, plan: PreviewPlan & { readonly kind: 'remove' }): Promise<Outcome> {
  const github = openGithub(run)
  const target = targetOf(run, plan, () => settle(run, github, plan))
  const outcome = await orCommentWhy(run, github, target.stack, () => remove(run, target))
  if (outcome.report.status !== 'removed') return outcome
  await retire(run, github, target)
  await comment(run, github, outcome.report)
  return outcome
}

function targetOf({ inputs, job }: Run, preview: Preview, stillWanted: () => Promise<string | null>): StackTarget {
  const { stack, number, label, variables, url } = preview
  const template = inputs.previewUrl
  const parts = { stack, number, branch: job.pullRequest?.headRef ?? '' }
  return {
    stack,
    preview: {
      label,
      number,
      variables,
      stillWanted,
      ...(template !== undefined && { urlAt: (port: number) => previewUrl(template, { ...parts, port }) })
    },
    ...(url !== null && { url })
  }
}

/** Why the plan no longer holds, by what GitHub says of the pull request now; null when it does. */
async function settle(
  run: Run,
  github: Github | null,
  plan: PreviewPlan & { readonly number: number }
): Promise<string | null> {
  const now = github === null ? null : await askHowItStands(run, github, plan.number)
  const settled = settlePlan(plan, now ?? null)
  return settled.kind === 'skip' ? settled.reason : null
}
