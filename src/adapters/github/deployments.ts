import {
  GithubError,
  type DeploymentState,
  type Github,
  type NewDeployment,
  type NewDeploymentStatus
} from '../../ports.js'
import { api, ifThere, post, type Forge } from './calls.js'
import type { Send } from './request.js'
import { array, integer, record } from './shape.js'

type Deployments = Pick<
  Github,
  'createDeployment' | 'createDeploymentStatus' | 'listDeployments' | 'deploymentState' | 'deleteDeployment'
>

const states: readonly DeploymentState[] = [
  'queued',
  'pending',
  'in_progress',
  'success',
  'failure',
  'error',
  'inactive'
]

/** Deployments and their statuses. Every call throws `unsupported` where the forge has none. */
export function deployments(job: Forge, send: Send): Deployments {
  const at = () => {
    if (job.forge === 'gitea') throw new GithubError('unsupported', 0, 'this forge has no deployments')
    return `${api(job)}/deployments`
  }
  return {
    createDeployment: async deployment => {
      const made = await post(send, at(), newDeployment(deployment), 'once')
      return integer(made['id'])
    },
    createDeploymentStatus: async (id, status) => {
      await post(send, `${at()}/${id}/statuses`, newStatus(status), 'repeatable')
    },
    listDeployments: async ({ environment, task, limit }) => {
      const query = new URLSearchParams({ environment, task, per_page: String(Math.min(100, limit)) })
      const { data } = await send({ method: 'GET', url: `${at()}?${query.toString()}`, repeatable: true })
      return array(data)
        .map(record)
        .map(one => ({ id: integer(one['id']) }))
    },
    deploymentState: async id => {
      const { data } = await send({ method: 'GET', url: `${at()}/${id}/statuses?per_page=1`, repeatable: true })
      const state = record(array(data)[0])['state']
      return states.find(known => known === state) ?? null
    },
    deleteDeployment: id => ifThere(send({ method: 'DELETE', url: `${at()}/${id}`, repeatable: true }))
  }
}

function newDeployment({ transient, description, ...rest }: NewDeployment): Readonly<Record<string, unknown>> {
  return {
    ...rest,
    description: description.slice(0, 140),
    transient_environment: transient,
    ...(transient && { production_environment: false }),
    // Neither merge something into what was built, nor wait for the check that this very run is.
    auto_merge: false,
    required_contexts: []
  }
}

function newStatus(status: NewDeploymentStatus): Readonly<Record<string, unknown>> {
  return {
    state: status.state,
    description: status.description.slice(0, 140),
    // GitHub's own rule knows environments only, not the stacks that share one.
    auto_inactive: false,
    ...(status.logUrl !== undefined && { log_url: status.logUrl }),
    ...(status.environmentUrl !== undefined && { environment_url: status.environmentUrl })
  }
}
