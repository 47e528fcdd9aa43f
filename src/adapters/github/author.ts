import type { Job } from '../../job.js'
import { GithubError } from '../../ports.js'
import type { Send } from './request.js'
import { record, text } from './shape.js'

/** Logins that our token writes as. */
export type Me = readonly string[]

/**
 * Who the token is, asked once and only when a comment has to be told from somebody else's. GraphQL's viewer answers
 * every kind of token; GET /user refuses those of a GitHub App, such as the job's own
 * (https://docs.github.com/rest/users/users#get-the-authenticated-user). When neither answers, it is taken for the
 * job's own token.
 */
export function whoAmI(
  job: Pick<Job, 'apiUrl' | 'graphqlUrl' | 'forge'>,
  token: string,
  send: Send
): () => Promise<Me> {
  let known: Promise<Me> | undefined
  const ask = async (): Promise<Me> => {
    const login = (await tryViewer(job.graphqlUrl, send)) || (await tryUser(job.apiUrl, send))
    if (login === '') return job.forge === 'gitea' ? ['gitea-actions', 'forgejo-actions'] : ['github-actions[bot]']
    // The REST API shows an app's login with the suffix that GraphQL may leave out.
    return job.forge === 'github' && token.startsWith('ghs_') && !login.endsWith('[bot]') ? [`${login}[bot]`] : [login]
  }
  return () => (known ??= ask())
}

/** Whether a comment, as the REST API shows it, was written by us. */
export function isOurs(comment: Readonly<Record<string, unknown>>, me: Me): boolean {
  const author = text(record(comment['user'])['login']).toLowerCase()
  return author !== '' && me.some(login => login.toLowerCase() === author)
}

async function tryViewer(url: string, send: Send): Promise<string> {
  if (url === '') return ''
  return orEmpty(async () => {
    const body = { query: 'query { viewer { login } }' }
    const { data } = await send({ method: 'POST', url, body, repeatable: true })
    return text(record(record(record(data)['data'])['viewer'])['login'])
  })
}

async function tryUser(apiUrl: string, send: Send): Promise<string> {
  return orEmpty(async () => {
    const { data } = await send({ method: 'GET', url: `${apiUrl}/user`, repeatable: true })
    return text(record(data)['login'])
  })
}

async function orEmpty(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask()
  } catch (thrown) {
    if (thrown instanceof GithubError) return ''
    throw thrown
  }
}
