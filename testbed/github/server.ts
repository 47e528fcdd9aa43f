import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Description, type Call } from './description.ts'
import { handlers, type Reply, type Scene } from './handlers.ts'
import type { Author, Permissions, Repository } from './store.ts'

/** A reply that is given instead of the right one, so many times. */
export interface Fault {
  readonly method?: string
  /** Matched against the path with its query. */
  readonly path: RegExp
  times: number
  readonly reply: Reply | 'hang up'
}

export interface GithubOptions {
  readonly repository?: string
  readonly token?: string
  readonly author?: Author
  readonly permissions?: Partial<Permissions>
  /** Smaller pages make pagination a matter of three comments. */
  readonly mostPerPage?: number
  /** `gitea` knows no deployments, no GraphQL and no pages. */
  readonly forge?: 'github' | 'gitea'
}

/** A GitHub of one repository on the loopback interface. */
export interface FakeGithub {
  readonly url: string
  readonly token: string
  readonly repository: Repository
  /** What was asked or answered against GitHub's own description. A test that ends with any has failed. */
  readonly violations: string[]
  /** `GET /repos/…`, in order. */
  readonly calls: string[]
  /** What came with them. */
  readonly bodies: string[]
  readonly faults: Fault[]
  permissions: Permissions
  /** What the runner sets for a job of this repository. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Read once in a process. */
let description: Description | undefined

export async function startGithub(options: GithubOptions = {}): Promise<FakeGithub> {
  description ??= new Description()
  const fullName = options.repository ?? 'acme/shop'
  const author = options.author ?? { login: 'github-actions[bot]', type: 'Bot' as const }
  const github = {
    url: '',
    token: options.token ?? 'ghs_0123456789abcdefghijklmnopqrstuvwxyz',
    repository: { fullName, comments: [], deployments: [], pulls: new Map() } as Repository,
    violations: [] as string[],
    calls: [] as string[],
    bodies: [] as string[],
    faults: [] as Fault[],
    permissions: { 'pull-requests': 'write', deployments: 'write', ...options.permissions } as Permissions
  }
  const judge = description
  const scene = (): Scene => ({ ...github, author, description: judge, mostPerPage: options.mostPerPage ?? 100 })
  const server = createServer((request, response) => {
    void readBody(request).then(body => {
      const call = readCall(request, body)
      github.calls.push(`${call.method} ${call.path}${call.query && `?${call.query}`}`)
      github.bodies.push(body)
      const fault = takeFault(github.faults, call)
      if (fault === 'hang up') response.destroy()
      else send(response, fault ?? answer(scene(), github, call, options.forge ?? 'github'))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  github.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(github, {
    env: {
      GITHUB_API_URL: github.url,
      GITHUB_GRAPHQL_URL: options.forge === 'gitea' ? '' : `${github.url}/graphql`,
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: fullName,
      ...(options.forge === 'gitea' && { GITEA_ACTIONS: 'true' })
    },
    close: () => {
      server.closeAllConnections()
      return new Promise<void>(resolve => void server.close(() => resolve()))
    }
  })
}

/** What GitHub answers to any call that it does not allow or know the object of, whatever the description lists. */
const undescribed = new Set([403, 404])

function answer(scene: Scene, github: { token: string; violations: string[] }, call: Call, forge: string): Reply {
  if (call.headers['authorization'] !== `Bearer ${github.token}`) {
    return { status: 401, body: { message: 'Bad credentials', status: '401' } }
  }
  // Neither is in the description's slice: GraphQL has one of its own, and an app's token may not ask for its user.
  if (call.path === '/graphql' && forge === 'github') {
    return { status: 200, body: { data: { viewer: { login: scene.author.login } } } }
  }
  if (call.path === '/user') {
    return scene.author.type === 'User' || forge === 'gitea'
      ? { status: 200, body: { login: scene.author.login } }
      : { status: 403, body: { message: 'Resource not accessible by integration', status: '403' } }
  }
  if (forge === 'gitea' && /\/deployments/.test(call.path)) return { status: 404, body: { message: 'Not Found' } }
  const operation = scene.description.operation(call)
  const bad = scene.description.badRequest(call)
  if (!operation || bad.length > 0) {
    github.violations.push(...bad.map(problem => `${call.method} ${call.path}: ${problem}`))
    return { status: 422, body: { message: bad.join('; ') } }
  }
  if (operation.params['owner'] + '/' + operation.params['repo'] !== scene.repository.fullName) {
    return { status: 404, body: { message: 'Not Found', status: '404' } }
  }
  const reply = handlers[operation.id]?.(scene, operation, call) ?? { status: 501, body: { message: operation.id } }
  const wrong = undescribed.has(reply.status) ? [] : scene.description.badReply(operation, reply.status, reply.body)
  github.violations.push(...wrong.map(problem => `reply to ${call.method} ${call.path}: ${problem}`))
  return reply
}

function takeFault(faults: Fault[], call: Call): Fault['reply'] | null {
  const fault = faults.find(
    one => one.times > 0 && (one.method ?? call.method) === call.method && one.path.test(`${call.path}?${call.query}`)
  )
  if (!fault) return null
  fault.times -= 1
  return fault.reply
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function readCall(request: IncomingMessage, body: string): Call {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams.toString(),
    headers,
    body: body === '' ? undefined : (JSON.parse(body) as unknown)
  }
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { 'content-type': 'application/json; charset=utf-8', ...reply.headers })
  response.end(reply.body === null ? '' : JSON.stringify(reply.body))
}
