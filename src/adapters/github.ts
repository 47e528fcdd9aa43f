import { GithubError, type Github, type GithubComment, type OpenGithub } from '../ports.js'
import { isOurs, whoAmI } from './github/author.js'
import { deployments } from './github/deployments.js'
import { api, ifThere, post, type Forge } from './github/calls.js'
import { sender, type GithubWorld, type Send } from './github/request.js'
import { array, integer, record, text } from './github/shape.js'

/** GitHub allows 2,500 comments on a pull request; a forge that pages without end is cut off here. */
const mostPages = 100

/**
 * The forge's REST API by plain requests: seven calls need no client library, which would be a fifth of the bundle.
 * Everything goes to the job's own API address, and the token nowhere else.
 */
export function openGithub(world: GithubWorld): OpenGithub {
  return (job, token) => {
    if (token === '' || job.repository === '') return null
    const send = sender(world, token)
    return { forge: job.forge, ...comments(job, token, send), ...deployments(job, send), ...pulls(job, send) }
  }
}

function comments(
  job: Forge,
  token: string,
  send: Send
): Pick<Github, 'findComment' | 'createComment' | 'updateComment'> {
  const me = whoAmI(job, token, send)
  return {
    findComment: async (pull, marker) => {
      let url: string | null = `${api(job)}/issues/${pull}/comments?per_page=100`
      for (let page = 0; url !== null && page < mostPages; page += 1) {
        const reply = await send({ method: 'GET', url, repeatable: true })
        const marked = array(reply.data)
          .map(record)
          .filter(comment => text(comment['body']).startsWith(marker))
        for (const comment of marked) if (isOurs(comment, await me())) return commentOf(comment)
        // The token goes to the API only, whatever a reply says.
        url = reply.next?.startsWith(`${job.apiUrl}/`) === true ? reply.next : null
      }
      return null
    },
    createComment: async (pull, body) =>
      commentOf(await post(send, `${api(job)}/issues/${pull}/comments`, { body }, 'once')),
    updateComment: async (id, body) => {
      const url = `${api(job)}/issues/comments/${id}`
      return ifThere(send({ method: 'PATCH', url, body: { body }, repeatable: true }))
    }
  }
}

function pulls(job: Forge, send: Send): Pick<Github, 'pullRequest' | 'repositoryVisible'> {
  return {
    pullRequest: async number => {
      try {
        const { data } = await send({ method: 'GET', url: `${api(job)}/pulls/${number}`, repeatable: true })
        const pull = record(data)
        return {
          state: pull['state'] === 'closed' ? 'closed' : 'open',
          merged: pull['merged'] === true,
          headSha: text(record(pull['head'])['sha'])
        }
      } catch (thrown) {
        if (thrown instanceof GithubError && thrown.refusal === 'missing') return null
        throw thrown
      }
    },
    repositoryVisible: () => ifThere(send({ method: 'GET', url: api(job), repeatable: true }))
  }
}

function commentOf(comment: Readonly<Record<string, unknown>>): GithubComment {
  return { id: integer(comment['id']), url: text(comment['html_url']) }
}
