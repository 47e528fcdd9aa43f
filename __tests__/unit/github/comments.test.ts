import { afterEach, describe, expect, it } from '@jest/globals'
import { commentMarker } from '../../../src/report/comment.js'
import { emptyReport } from '../../../src/report/model.js'
import { keepComment } from '../../../src/stages/comment.js'
import { nextId, type Author } from '../../../testbed/github/store.ts'
import { world, type World } from './world.js'

let here: World
afterEach(async () => {
  await here.fake.close()
  expect(here.fake.violations).toEqual([])
})

const bot: Author = { login: 'github-actions[bot]', type: 'Bot' }
const marker = commentMarker('shop')

function write(author: Author, body: string, issue = 7): number {
  const id = nextId()
  here.fake.repository.comments.push({ id, issue, author, body })
  return id
}

describe('findComment', () => {
  it('finds ours among more comments than a page holds', async () => {
    here = await world({ mostPerPage: 10 })
    for (let n = 0; n < 34; n += 1) write({ login: `user-${n}`, type: 'User' }, `comment ${n}`)
    const ours = write(bot, `${marker}\nold`)
    write({ login: 'mona', type: 'User' }, 'later')
    expect((await here.github.findComment(7, marker))?.id).toBe(ours)
  })

  it.each<[string, Author, string]>([
    ['a person who copied the marker', { login: 'mallory', type: 'User' }, `${marker}\nmine`],
    ['a person with the name of the bot', { login: 'github-actions', type: 'User' }, `${marker}\nmine`],
    ['another app', { login: 'other[bot]', type: 'Bot' }, `${marker}\nmine`],
    ['ourselves, quoting the marker', bot, `> ${marker}`],
    ['ourselves, for another stack', bot, `${commentMarker('shop-pr-7')}\n`],
    ['ourselves, for a stack whose name only begins so', bot, `${commentMarker('shop2')}\n`]
  ])('leaves alone a comment of %s', async (_, author, body) => {
    here = await world()
    write(author, body)
    expect(await here.github.findComment(7, marker)).toBeNull()
  })

  it('leaves alone the comments of another pull request', async () => {
    here = await world()
    write(bot, marker, 8)
    expect(await here.github.findComment(7, marker)).toBeNull()
  })

  it('does not ask who it is while there is nothing to tell apart', async () => {
    here = await world()
    write(bot, 'no marker')
    await here.github.findComment(7, marker)
    expect(here.fake.calls).toEqual(['GET /repos/acme/shop/issues/7/comments?per_page=100'])
  })

  it('knows its own comments with a personal token', async () => {
    here = await world({ author: { login: 'Mona', type: 'User' }, token: 'ghp_personal' })
    write({ login: 'hubot', type: 'User' }, marker)
    const ours = write({ login: 'mona', type: 'User' }, marker)
    expect((await here.github.findComment(7, marker))?.id).toBe(ours)
  })

  it('knows the job token where there is no GraphQL to ask', async () => {
    here = await world()
    here.fake.faults.push({ path: /graphql/, times: 9, reply: { status: 404, body: { message: 'Not Found' } } })
    write({ login: 'mallory', type: 'User' }, marker)
    const ours = write(bot, marker)
    expect((await here.github.findComment(7, marker))?.id).toBe(ours)
  })

  it('carries the token to no other server, whatever a reply says', async () => {
    here = await world()
    here.fake.faults.push({
      path: /comments/,
      times: 1,
      reply: { status: 200, body: [], headers: { link: '<http://127.0.0.1:9/steal>; rel="next"' } }
    })
    expect(await here.github.findComment(7, marker)).toBeNull()
  })

  it('finds its comment on Gitea', async () => {
    here = await world({ forge: 'gitea', author: { login: 'gitea-actions', type: 'Bot' } })
    const ours = write({ login: 'gitea-actions', type: 'Bot' }, marker)
    expect((await here.github.findComment(7, marker))?.id).toBe(ours)
  })
})

const report = emptyReport({ command: 'deploy', status: 'deployed', stack: 'shop', startedAt: 0, endedAt: 1000 })

describe('keepComment', () => {
  it('writes one comment and then keeps it up to date', async () => {
    here = await world()
    await keepComment(here, here.github, { pull: 7, report })
    await keepComment(here, here.github, { pull: 7, report: { ...report, status: 'failed' } })
    expect(here.fake.repository.comments).toHaveLength(1)
    expect(here.fake.repository.comments[0]?.body).toMatch(/^<!-- swarm-rollout:shop -->\n### ❌ Failed/)
    expect(here.lines.map(line => line.replace(/\d+$/, 'ID'))).toEqual([
      'info: Comment on pull request #7 written: https://github.com/acme/shop/pull/7#issuecomment-ID',
      'info: Comment on pull request #7 updated: https://github.com/acme/shop/pull/7#issuecomment-ID'
    ])
  })

  it('writes it again when somebody deletes it, also in between', async () => {
    here = await world()
    await keepComment(here, here.github, { pull: 7, report })
    here.fake.faults.push({
      method: 'PATCH',
      path: /./,
      times: 1,
      reply: { status: 404, body: { message: 'Not Found' } }
    })
    here.fake.repository.comments[0] = { ...comment(), body: marker }
    await keepComment(here, here.github, { pull: 7, report })
    expect(here.fake.repository.comments).toHaveLength(2)
  })

  it.each([
    [
      401,
      'unauthorized',
      'The `github-token` is not valid, or not any more: leave the input out to use the token of the job.'
    ],
    [
      403,
      'forbidden',
      'Add `pull-requests: write` under `permissions:` of this job. Runs of forks have a token that can only read.'
    ],
    [
      404,
      'missing',
      'Add `pull-requests: write` under `permissions:` of this job. Runs of forks have a token that can only read.'
    ],
    [422, 'invalid', 'Set `comment: false` or `environment: false` to do without.'],
    [500, 'server', 'The next run catches up.']
  ])('warns once of %d and goes on', async (status, _, remedy) => {
    here = await world()
    here.fake.faults.push({ path: /./, times: 9, reply: { status, body: { message: 'Said <so>\n::error::x' } } })
    await keepComment(here, here.github, { pull: 7, report })
    expect(here.lines).toEqual([
      `warning: GitHub did not let this run keep its comment on the pull request: ${status} Said <so> ::error::x. ` +
        `The rollout itself is not affected. ${remedy}`
    ])
  })

  it('warns of a missing permission as GitHub words it', async () => {
    here = await world({ permissions: { 'pull-requests': 'none' } })
    await keepComment(here, here.github, { pull: 7, report })
    expect(here.lines).toHaveLength(1)
    expect(here.lines[0]).toContain('403 Resource not accessible by integration')
  })
})

function comment(): World['fake']['repository']['comments'][number] {
  const first = here.fake.repository.comments[0]
  if (!first) throw new Error('no comment')
  return first
}
