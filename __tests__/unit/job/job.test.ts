import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { readJob } from '../../../src/job.js'

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  readonly name: string
  readonly examples: readonly unknown[]
}[]
const sha = 'a'.repeat(40)
const headSha = 'b'.repeat(40)
const env = {
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_SHA: sha,
  GITHUB_REF: 'refs/pull/7/merge',
  GITHUB_REF_NAME: '7/merge',
  GITHUB_ACTOR: 'mona',
  GITHUB_RUN_ID: '42',
  GITHUB_EVENT_NAME: 'pull_request',
  GITHUB_SERVER_URL: 'https://github.com',
  GITHUB_API_URL: 'https://api.github.com',
  GITHUB_GRAPHQL_URL: 'https://api.github.com/graphql'
}

const event = (pull: object = {}, more: object = {}) => ({
  action: 'opened',
  number: 7,
  ...more,
  pull_request: {
    number: 7,
    state: 'open',
    merged: false,
    draft: false,
    head: { ref: 'feature/x', sha: headSha, repo: { full_name: 'acme/shop' } },
    base: { ref: 'main', sha, repo: { full_name: 'acme/shop' } },
    ...pull
  }
})

describe('readJob', () => {
  it('reads a push', () => {
    expect(
      readJob({ ...env, GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main' }, {})
    ).toEqual({
      repository: 'acme/shop',
      sha,
      commit: sha,
      ref: 'refs/heads/main',
      refName: 'main',
      actor: 'mona',
      runId: '42',
      runUrl: 'https://github.com/acme/shop/actions/runs/42',
      eventName: 'push',
      apiUrl: 'https://api.github.com',
      serverUrl: 'https://github.com',
      graphqlUrl: 'https://api.github.com/graphql',
      forge: 'github'
    })
  })

  it('reads a pull request, whose commit is its head', () => {
    const job = readJob(env, event())
    expect(job.commit).toBe(headSha)
    expect(job.pullRequest).toEqual({
      number: 7,
      headRef: 'feature/x',
      headSha,
      baseRef: 'main',
      action: 'opened',
      state: 'open',
      merged: false,
      draft: false,
      fork: false
    })
  })

  it.each<[string, object]>([
    ['another repository', { head: { ref: 'x', sha: headSha, repo: { full_name: 'mallory/shop' } } }],
    ['a repository that is gone', { head: { ref: 'x', sha: headSha, repo: null } }]
  ])('takes code of %s for a fork', (_, pull) => {
    expect(readJob(env, event(pull)).pullRequest?.fork).toBe(true)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['text', 'pull_request'],
    ['no number', { pull_request: {} }],
    ['a number in words', event({ number: '7' })],
    ['a negative number', event({ number: -7 })],
    ['a fraction', event({ number: 7.5 })],
    ['a number beyond reason', event({ number: 1e300 })],
    ['a pull request of another repository', event({ base: { ref: 'main', repo: { full_name: 'mallory/shop' } } })],
    ['a base without a repository', event({ base: { ref: 'main' } })]
  ])('has no pull request for an event of %s', (_, payload) => {
    expect(readJob(env, payload).pullRequest).toBeUndefined()
  })

  it('has no pull request for another event that carries one', () => {
    expect(readJob({ ...env, GITHUB_EVENT_NAME: 'pull_request_review' }, event()).pullRequest).toBeUndefined()
  })

  it('believes nothing of the wrong shape', () => {
    const job = readJob(
      {
        GITHUB_REPOSITORY: '../../etc/passwd',
        GITHUB_SHA: '$(id)',
        GITHUB_ACTOR: 'a b',
        GITHUB_RUN_ID: '1;2',
        GITHUB_EVENT_NAME: 'pull_request',
        GITHUB_API_URL: 'file:///etc/passwd',
        GITHUB_SERVER_URL: 'javascript:alert(1)'
      },
      event({ head: { ref: `a\n::error::b${'x'.repeat(300)}`, sha: 'zz', repo: { full_name: 'acme/shop' } } })
    )
    expect(job).toMatchObject({ repository: '', sha: '', actor: '', runId: '', runUrl: '', commit: '' })
    expect(job.apiUrl).toBe('https://api.github.com')
    expect(job.serverUrl).toBe('https://github.com')
    expect(job.pullRequest?.headRef).toMatch(/^a::error::bx+$/)
    expect(job.pullRequest?.headRef).toHaveLength(255)
    expect(job.pullRequest?.headSha).toBe('')
  })

  it('knows Gitea and Forgejo, and GitHub Enterprise Server by its addresses', () => {
    expect(readJob({ ...env, GITEA_ACTIONS: 'true', GITHUB_GRAPHQL_URL: '' }, {})).toMatchObject({
      forge: 'gitea',
      graphqlUrl: ''
    })
    const ghes = readJob(
      { ...env, GITHUB_API_URL: 'https://ghe.example.com/api/v3/', GITHUB_SERVER_URL: 'https://ghe.example.com/' },
      {}
    )
    expect(ghes.apiUrl).toBe('https://ghe.example.com/api/v3')
    expect(ghes.runUrl).toBe('https://ghe.example.com/acme/shop/actions/runs/42')
  })

  it('links to the run as the forge numbers its pages', () => {
    const forgejo = { ...env, FORGEJO_ACTIONS: 'true', GITHUB_SERVER_URL: 'https://codeberg.org' }
    const run = (more: object) => readJob({ ...forgejo, ...more }, {}).runUrl
    expect(run({ GITHUB_RUN_NUMBER: '36' })).toBe('https://codeberg.org/acme/shop/actions/runs/36')
    expect(run({})).toBe('https://codeberg.org/acme/shop/actions/runs/42')
    expect(readJob({ ...env, GITHUB_RUN_NUMBER: '36' }, {}).runUrl).toBe('https://github.com/acme/shop/actions/runs/42')
  })

  it('reads the payloads that GitHub gives as examples', () => {
    const payloads = examples.find(({ name }) => name === 'pull_request')?.examples ?? []
    const read = payloads.map(payload => readJob({ ...env, GITHUB_REPOSITORY: 'Codertocat/Hello-World' }, payload))
    const pulls = read.flatMap(job => job.pullRequest ?? [])
    expect(pulls.length).toBeGreaterThan(10)
    for (const pull of pulls) {
      expect(pull).toMatchObject({ number: 2, headRef: expect.stringMatching(/^\w/), fork: false })
      expect(pull.headSha).toMatch(/^[0-9a-f]{40}$/)
    }
    expect(pulls.filter(({ action, state }) => action === 'closed' && state === 'closed').length).toBeGreaterThan(0)
  })
})
