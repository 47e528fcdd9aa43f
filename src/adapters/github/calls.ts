import type { Job } from '../../job.js'
import { GithubError } from '../../ports.js'
import type { Send } from './request.js'
import { record } from './shape.js'

export type Forge = Pick<Job, 'repository' | 'apiUrl' | 'graphqlUrl' | 'forge'>

/** Address of the repository in the API. */
export function api(job: Forge): string {
  return `${job.apiUrl}/repos/${job.repository}`
}

/** What it answers; `once` where a second one would make a second thing. */
export async function post(
  send: Send,
  url: string,
  body: unknown,
  times: 'once' | 'repeatable'
): Promise<Readonly<Record<string, unknown>>> {
  return record((await send({ method: 'POST', url, body, repeatable: times === 'repeatable' })).data)
}

/** false when it is not there. */
export async function ifThere(reply: Promise<unknown>): Promise<boolean> {
  try {
    await reply
    return true
  } catch (thrown) {
    if (thrown instanceof GithubError && thrown.refusal === 'missing') return false
    throw thrown
  }
}
