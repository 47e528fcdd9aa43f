import { UserError } from './errors.js'
import { readInputs, type Inputs } from './inputs.js'
import type { Job } from './job.js'
import { check } from './pipelines/check.js'
import { deploy } from './pipelines/deploy.js'
import { asDeployment, openGithub } from './pipelines/run/on-github.js'
import { deployPreview, removePreview } from './pipelines/preview.js'
import { present } from './pipelines/run/present.js'
import { plan } from './pipelines/plan.js'
import { StackRefused } from './pipelines/site/prepare.js'
import { prune } from './pipelines/prune.js'
import { remove } from './pipelines/remove.js'
import { rollback } from './pipelines/rollback.js'
import { problemsOf } from './pipelines/run/problems.js'
import {
  annotateProblem,
  reportStopped,
  skipped,
  type Outcome,
  type Run,
  type StackTarget
} from './pipelines/run/run.js'
import { setup } from './pipelines/setup.js'
import { status } from './pipelines/status.js'
import type { Ports } from './ports.js'
import { previewPlan, refusal } from './preview/plan.js'
import type { RunStatus } from './report/model.js'
import { stackNameOf } from './stack-name.js'
import { masksOf } from './secrets/masks.js'

export interface Start {
  /** Input name to the text that the workflow gave. */
  readonly inputs: Readonly<Record<string, string | undefined>>
  readonly job: Job
  readonly ports: Ports
  /** Absolute path of the checked-out repository. */
  readonly workspace: string
}

/** The endings that turn a job red. */
const red: readonly RunStatus[] = ['rolled-back', 'failed', 'cancelled', 'overtaken']

/** One run of the action, from its inputs to its verdict. Returns whether the job is green. */
export async function main({ inputs: raw, job, ports, workspace }: Start): Promise<boolean> {
  const startedAt = ports.clock.now()
  const progress = { changing: false }
  let run: Run | undefined
  let outcome: Outcome
  try {
    const unwanted = refusedPreview(raw, job, ports)
    if (unwanted === null) {
      const inputs = readInputs(raw)
      maskSecrets(ports, inputs)
      run = { inputs, job, ports, workspace, startedAt, progress }
      outcome = await perform(run)
    } else {
      const stack = raw['stack'] || stackNameOf(job.repository)
      outcome = skipped({ ports, startedAt, inputs: { command: 'deploy' } }, { stack }, unwanted)
    }
  } catch (error) {
    const stack = raw['stack'] || stackNameOf(job.repository)
    outcome = stopped(run ?? { ports, startedAt, progress }, error, { command: run?.inputs.command ?? 'deploy', stack })
  }
  await present({ ports, job }, outcome)
  return !red.includes(outcome.report.status)
}

/**
 * Why a pull request gets no preview; null when it may. Asked before the inputs are judged: in a fork's run its secrets
 * are empty, and nothing is wrong with that.
 */
function refusedPreview(raw: Start['inputs'], job: Job, ports: Ports): string | null {
  const command = raw['command']?.trim() ?? ''
  const wanted = raw['preview']?.trim().toLowerCase() === 'true' && (command === '' || command === 'deploy')
  if (!wanted || job.pullRequest === undefined) return null
  return refusal(job, job.pullRequest, hasLogin(raw['ssh-key'], ports))
}

/** A key, or an agent that holds one. */
function hasLogin(key: string | undefined, ports: Ports): boolean {
  return (key?.trim() ?? '') !== '' || ports.env['SSH_AUTH_SOCK'] !== undefined
}

/** Everything secret is masked before the first line is printed. */
function maskSecrets({ log }: Ports, inputs: Inputs): void {
  const secrets = [inputs.sshKey, inputs.sshKeyPassphrase, inputs.registryLogin?.password, inputs.pullLogin?.password]
  for (const value of [...secrets, inputs.githubToken, ...inputs.secrets.values()]) {
    if (value !== undefined) masksOf(value).masks.forEach(mask => log.mask(mask))
  }
}

/** Which pipeline the command, and with `preview` the pull request's event, ask for. */
async function perform(run: Run): Promise<Outcome> {
  const { inputs, job } = run
  const target: StackTarget = { stack: inputs.stack ?? stackNameOf(job.repository), ...urlOf(inputs) }
  const preview = previewPlan(job, {
    enabled: inputs.preview && inputs.command === 'deploy',
    stack: target.stack,
    ...(inputs.previewUrl !== undefined && { urlTemplate: inputs.previewUrl }),
    credentials: hasLogin(inputs.sshKey, run.ports)
  })
  switch (preview.kind) {
    case 'none':
      return await performCommand(run, target)
    case 'skip':
      return skipped(run, target, preview.reason)
    case 'deploy':
      return await deployPreview(run, preview)
    case 'remove':
      return await removePreview(run, preview)
  }
}

async function performCommand(run: Run, target: StackTarget): Promise<Outcome> {
  switch (run.inputs.command) {
    case 'deploy':
      return await asDeployment(run, openGithub(run), target, () => deploy(run, target))
    case 'check':
      return await check(run, target)
    case 'rollback':
      return await rollback(run, target)
    case 'remove':
      return await remove(run, target)
    case 'status':
      return await status(run, target)
    case 'prune':
      return await prune(run, target)
    case 'setup':
      return await setup(run, target)
    case 'plan':
      return await plan(run, target)
  }
}

function urlOf(inputs: Inputs): { url?: string } {
  const [url] = inputs.verifyUrls
  return url === undefined ? {} : { url }
}

/** What stopped a run before it came to a verdict. */
function stopped(
  run: Pick<Run, 'ports' | 'startedAt' | 'progress'>,
  error: unknown,
  of: { readonly command: string; readonly stack: string }
): Outcome {
  const { log } = run.ports
  const problems = problemsOf(error)
  for (const problem of problems) annotateProblem(log, problem)
  if (!(error instanceof UserError) && error instanceof Error) log.debug(error.stack ?? '')
  const findings = error instanceof StackRefused ? error.findings : []
  return { report: { ...reportStopped(run, of, problems), findings } }
}
