import { githubRefused, notOnThisForge } from '../errors/github.js'
import { GithubError, type DeploymentState, type Github, type Ports } from '../ports.js'
import type { RunStatus } from '../report/model.js'

/** A Deployment that this run has opened and has to close. */
export interface OpenDeployment {
  readonly id: number
  readonly environment: string
  readonly task: string
  readonly logUrl: string
}

export interface DeploymentOf {
  readonly environment: string
  /** Stacks may share an environment, as previews do. */
  readonly stack: string
}

/** How many of the older ones are looked at: more than one is open only when runs were cut off. */
const older = 10

/**
 * Records a Deployment and that it is under way. null when GitHub does not let us, after one warning: nothing else of
 * the run depends on it.
 */
export async function openDeployment(
  ports: Pick<Ports, 'log'>,
  github: Github,
  of: DeploymentOf & {
    /** The commit, as people know it. */
    readonly commit: string
    /** The pull request of a preview. */
    readonly preview?: number
    readonly logUrl: string
  }
): Promise<OpenDeployment | null> {
  return orWarn(ports, async () => {
    const task = taskOf(of.stack)
    const id = await github.createDeployment({
      ref: of.commit,
      task,
      environment: of.environment,
      description: of.preview === undefined ? `Stack ${of.stack}` : `Preview of pull request #${of.preview}`,
      transient: of.preview !== undefined,
      payload: { stack: of.stack, ...(of.preview !== undefined && { pull_request: String(of.preview) }) }
    })
    const open: OpenDeployment = { id, environment: of.environment, task, logUrl: of.logUrl }
    await say(github, open, 'in_progress', 'Rolling out')
    return open
  })
}

const ends: Readonly<Record<string, { readonly state: DeploymentState; readonly words: string }>> = {
  deployed: { state: 'success', words: 'Deployed' },
  unchanged: { state: 'success', words: 'Nothing to deploy: it runs already' },
  'rolled-back': { state: 'failure', words: 'Rolled back: the release before serves' },
  failed: { state: 'failure', words: 'Failed' },
  cancelled: { state: 'error', words: 'Cancelled' },
  overtaken: { state: 'inactive', words: 'Overtaken by a newer run' },
  skipped: { state: 'inactive', words: 'Skipped' }
}

/**
 * Says how it ended. After a success the older Deployments of the same stack are inactive; after anything else they
 * stay as they are, since what they deployed is what serves. A run that deployed nothing leaves no Deployment, and one
 * whose stack was removed meanwhile finds its own gone.
 */
export async function closeDeployment(
  ports: Pick<Ports, 'log'>,
  github: Github,
  open: OpenDeployment,
  how: { readonly status: RunStatus; readonly url?: string }
): Promise<void> {
  await orWarn(ports, async () => {
    const { state, words } = ends[how.status] ?? { state: 'error' as const, words: 'Ended' }
    if (!(await trySay(github, open, state, words, state === 'success' ? how.url : undefined))) return
    if (how.status === 'skipped') await github.deleteDeployment(open.id)
    if (state !== 'success') return
    const all = await github.listDeployments({ ...open, limit: older + 1 })
    for (const { id } of all.filter(deployment => deployment.id < open.id)) {
      const before = await github.deploymentState(id)
      if (before === 'inactive') return
      if (before !== 'failure' && before !== 'error') await say(github, { ...open, id }, 'inactive', 'Replaced')
    }
  })
}

/** Takes the Deployments of a stack that was removed out of the list: inactive first, since GitHub deletes no other. */
export async function retireDeployments(ports: Pick<Ports, 'log'>, github: Github, of: DeploymentOf): Promise<void> {
  await orWarn(ports, async () => {
    const task = taskOf(of.stack)
    for (let round = 0; round < older; round += 1) {
      const page = await github.listDeployments({ environment: of.environment, task, limit: 100 })
      for (const { id } of page) {
        await github.createDeploymentStatus(id, { state: 'inactive', description: 'Removed' })
        await github.deleteDeployment(id)
      }
      if (page.length < 100) return
    }
  })
}

function taskOf(stack: string): string {
  return `deploy:${stack}`
}

async function say(
  github: Github,
  open: OpenDeployment,
  state: DeploymentState,
  description: string,
  url?: string
): Promise<void> {
  await github.createDeploymentStatus(open.id, {
    state,
    description,
    ...(open.logUrl !== '' && { logUrl: open.logUrl }),
    ...(url !== undefined && { environmentUrl: url })
  })
}

/** false when the Deployment is gone. */
async function trySay(...what: Parameters<typeof say>): Promise<boolean> {
  try {
    await say(...what)
    return true
  } catch (thrown) {
    if (thrown instanceof GithubError && thrown.refusal === 'missing') return false
    throw thrown
  }
}

async function orWarn<T>(ports: Pick<Ports, 'log'>, body: () => Promise<T>): Promise<T | null> {
  try {
    return await body()
  } catch (thrown) {
    if (!(thrown instanceof GithubError)) throw thrown
    if (thrown.refusal === 'unsupported') {
      ports.log.info(notOnThisForge('deployment'))
      return null
    }
    const { message, remedy } = githubRefused('deployment', thrown)
    ports.log.warning([message, remedy].join(' '))
    return null
  }
}
