import type { Call, Description, Operation } from './description.ts'
import {
  nextId,
  stateOf,
  type Author,
  type Comment,
  type Deployment,
  type Permissions,
  type Repository
} from './store.ts'

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Scene {
  readonly url: string
  readonly repository: Repository
  readonly permissions: Permissions
  /** Whom the token writes as. */
  readonly author: Author
  readonly description: Description
  /** The most of a page: GitHub's is 100. */
  readonly mostPerPage: number
}

type Handler = (scene: Scene, operation: Operation, call: Call) => Reply

/** The operations of the description that a deploy uses, with memory. */
export const handlers: Readonly<Record<string, Handler>> = {
  // Every token that sees the repository may read what it is.
  'repos/get': scene => ({
    status: 200,
    body: scene.description.example('full-repository', { full_name: scene.repository.fullName })
  }),
  'issues/list-comments': (scene, { params }, call) => {
    const issue = Number(params['issue_number'])
    const all = scene.repository.comments.filter(comment => comment.issue === issue)
    return (
      allowed(scene, 'pull-requests', 'read') ??
      page(
        scene,
        call,
        all.map(comment => commentBody(scene, comment))
      )
    )
  },
  'issues/create-comment': (scene, { params }, call) => {
    const refused = allowed(scene, 'pull-requests', 'write') ?? tooLong(call)
    if (refused) return refused
    const { body } = call.body as { body: string }
    const comment = { id: nextId(), issue: Number(params['issue_number']), author: scene.author, body }
    scene.repository.comments.push(comment)
    return { status: 201, body: commentBody(scene, comment) }
  },
  'issues/update-comment': (scene, { params }, call) => {
    const comment = scene.repository.comments.find(({ id }) => id === Number(params['comment_id']))
    if (!comment) return notFound
    const refused = allowed(scene, 'pull-requests', 'write') ?? tooLong(call)
    if (refused) return refused
    comment.body = (call.body as { body: string }).body
    return { status: 200, body: commentBody(scene, comment) }
  },
  'repos/list-deployments': (scene, _, call) => {
    const query = new URLSearchParams(call.query)
    const wanted = (name: 'environment' | 'task' | 'ref', value: string) => (query.get(name) ?? value) === value
    const all = scene.repository.deployments.filter(
      one => wanted('environment', one.environment) && wanted('task', one.task) && wanted('ref', one.ref)
    )
    const bodies = [...all].reverse().map(one => deploymentBody(scene, one))
    return allowed(scene, 'deployments', 'read') ?? page(scene, call, bodies)
  },
  'repos/create-deployment': (scene, _, call) => {
    const refused = allowed(scene, 'deployments', 'write')
    if (refused) return refused
    const asked = call.body as Record<string, unknown>
    const ref = String(asked['ref'])
    if (!/^[0-9a-f]{40}$/.test(ref)) return invalid(`No ref found for: ${ref}`)
    const deployment: Deployment = {
      id: nextId(),
      ref,
      sha: ref,
      task: String(asked['task'] ?? 'deploy'),
      environment: String(asked['environment'] ?? 'production'),
      description: String(asked['description'] ?? ''),
      transient: asked['transient_environment'] === true,
      payload: asked['payload'] ?? {},
      statuses: []
    }
    scene.repository.deployments.push(deployment)
    return { status: 201, body: deploymentBody(scene, deployment) }
  },
  'repos/delete-deployment': (scene, { params }) => {
    const deployment = find(scene, params)
    const refused = allowed(scene, 'deployments', 'write')
    if (!deployment || refused) return refused ?? notFound
    const { deployments } = scene.repository
    if (deployments.length > 1 && stateOf(deployment) !== 'inactive') {
      return invalid('We cannot delete an active deployment unless it is the only deployment in a given environment.')
    }
    deployments.splice(deployments.indexOf(deployment), 1)
    return { status: 204, body: null }
  },
  'repos/list-deployment-statuses': (scene, { params }, call) => {
    const deployment = find(scene, params)
    if (!deployment) return notFound
    const bodies = [...deployment.statuses].reverse().map(status => statusBody(scene, deployment, status))
    return allowed(scene, 'deployments', 'read') ?? page(scene, call, bodies)
  },
  'repos/create-deployment-status': (scene, { params }, call) => {
    const deployment = find(scene, params)
    const refused = allowed(scene, 'deployments', 'write')
    if (!deployment || refused) return refused ?? notFound
    const asked = call.body as Record<string, string | undefined>
    if ((asked['description'] ?? '').length > 140) return invalid('description is too long (maximum is 140 characters)')
    const status = {
      id: nextId(),
      state: asked['state'] ?? '',
      description: asked['description'] ?? '',
      logUrl: asked['log_url'] ?? '',
      environmentUrl: asked['environment_url'] ?? ''
    }
    if (status.environmentUrl !== '' && !/^https?:\/\//.test(status.environmentUrl)) {
      return invalid('environment_url must use http(s) scheme')
    }
    deployment.statuses.push(status)
    return { status: 201, body: statusBody(scene, deployment, status) }
  },
  'pulls/get': (scene, { params }) => {
    const pull = scene.repository.pulls.get(Number(params['pull_number']))
    const refused = allowed(scene, 'pull-requests', 'read')
    if (!pull || refused) return refused ?? notFound
    const { number, state, merged, headRef, headSha } = pull
    const head = { ref: headRef, sha: headSha }
    return { status: 200, body: scene.description.example('pull-request', { number, state, merged, head }) }
  }
}

const notFound: Reply = { status: 404, body: { message: 'Not Found', status: '404' } }

function invalid(message: string): Reply {
  return {
    status: 422,
    body: {
      message: 'Validation Failed',
      documentation_url: 'https://docs.github.com',
      errors: [{ code: 'custom', message }]
    }
  }
}

/** What a token without the permission is told. */
function allowed(scene: Scene, what: keyof Permissions, need: 'read' | 'write'): Reply | null {
  const has = scene.permissions[what]
  if (has === 'write' || has === need) return null
  return { status: 403, body: { message: 'Resource not accessible by integration', status: '403' } }
}

function tooLong(call: Call): Reply | null {
  const { body } = call.body as { body: string }
  return body.length > 65_536 ? invalid('body is too long (maximum is 65536 characters)') : null
}

function find(scene: Scene, params: Operation['params']): Deployment | undefined {
  return scene.repository.deployments.find(({ id }) => id === Number(params['deployment_id']))
}

/** One page, and the address of the next as GitHub gives it. */
function page(scene: Scene, call: Call, all: readonly unknown[]): Reply {
  const query = new URLSearchParams(call.query)
  const size = Math.min(scene.mostPerPage, Number(query.get('per_page') ?? 30))
  const number = Number(query.get('page') ?? 1)
  const body = all.slice((number - 1) * size, number * size)
  if (number * size >= all.length) return { status: 200, body }
  query.set('page', String(number + 1))
  return { status: 200, body, headers: { link: `<${scene.url}${call.path}?${query.toString()}>; rel="next"` } }
}

function user(scene: Scene, { login, type }: Author): Record<string, unknown> {
  return scene.description.example('simple-user', { login, type })
}

function commentBody(scene: Scene, comment: Comment): unknown {
  const { fullName } = scene.repository
  return scene.description.example('issue-comment', {
    id: comment.id,
    body: comment.body,
    user: user(scene, comment.author),
    html_url: `https://github.com/${fullName}/pull/${comment.issue}#issuecomment-${comment.id}`
  })
}

function deploymentBody(scene: Scene, one: Deployment): unknown {
  const { id, ref, sha, task, environment, description, payload } = one
  return scene.description.example('deployment', {
    ...{ id, ref, sha, task, environment, description, payload },
    transient_environment: one.transient,
    creator: user(scene, scene.author)
  })
}

function statusBody(scene: Scene, deployment: Deployment, status: Deployment['statuses'][number]): unknown {
  const { id, state, description, logUrl, environmentUrl } = status
  return scene.description.example('deployment-status', {
    ...{ id, state, description },
    ...(logUrl !== '' && { log_url: logUrl }),
    ...(environmentUrl !== '' && { environment_url: environmentUrl }),
    environment: deployment.environment,
    creator: user(scene, scene.author)
  })
}
