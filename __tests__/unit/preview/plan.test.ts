import { describe, expect, it } from '@jest/globals'
import type { PullRequest } from '../../../src/job.js'
import { previewPlan, settlePlan, type PreviewWish } from '../../../src/preview/plan.js'

const pull: PullRequest = {
  number: 7,
  headRef: 'feature/$(id)',
  headSha: 'a'.repeat(40),
  baseRef: 'main',
  action: 'opened',
  state: 'open',
  merged: false,
  draft: false,
  fork: false
}
const wish: PreviewWish = {
  enabled: true,
  stack: 'shop',
  urlTemplate: 'https://pr-{number}.example.com',
  credentials: true
}

function planOf(
  change: Partial<PullRequest>,
  more: Partial<PreviewWish> & { eventName?: string; actor?: string } = {}
): ReturnType<typeof previewPlan> {
  const { eventName = 'pull_request', actor = 'mona', ...wishes } = more
  return previewPlan(
    { repository: 'acme/shop', eventName, actor, pullRequest: { ...pull, ...change } },
    { ...wish, ...wishes }
  )
}

describe('previewPlan', () => {
  it('deploys, and gives the compose file names that are safe everywhere', () => {
    const plan = planOf({})
    expect(plan).toEqual({
      kind: 'deploy',
      stack: 'shop-pr-7',
      number: 7,
      label: 'acme/shop#7',
      url: 'https://pr-7.example.com',
      variables: {
        PREVIEW: 'true',
        PREVIEW_NUMBER: '7',
        PREVIEW_BRANCH: expect.stringMatching(/^feature-id-[0-9a-f]{6}$/),
        PREVIEW_STACK: 'shop-pr-7',
        PREVIEW_HOST: 'pr-7.example.com',
        PREVIEW_URL: 'https://pr-7.example.com'
      }
    })
  })

  it('has a preview without a URL', () => {
    const plan = previewPlan(
      { repository: 'acme/shop', eventName: 'pull_request', actor: 'mona', pullRequest: pull },
      { enabled: true, stack: 'shop', credentials: true }
    )
    expect(plan).toMatchObject({ kind: 'deploy', url: null, variables: { PREVIEW_URL: '', PREVIEW_HOST: '' } })
  })

  it.each<[string, Partial<PullRequest>, Parameters<typeof planOf>[1], string]>([
    ['a push to it', { action: 'synchronize' }, {}, 'deploy'],
    ['reopening', { action: 'reopened' }, {}, 'deploy'],
    ['a draft', { draft: true }, {}, 'deploy'],
    ['closing', { action: 'closed', state: 'closed' }, {}, 'remove'],
    ['merging', { action: 'closed', state: 'closed', merged: true }, {}, 'remove'],
    ['a label on a closed one', { action: 'labeled', state: 'closed' }, {}, 'skip'],
    ['a fork without secrets', { fork: true }, { credentials: false }, 'skip'],
    ['closing a fork without secrets', { fork: true, action: 'closed' }, { credentials: false }, 'skip'],
    ['a fork that was given secrets by its owner', { fork: true }, {}, 'deploy'],
    ['a fork with pull_request_target', { fork: true }, { eventName: 'pull_request_target' }, 'skip'],
    [
      'closing a fork with pull_request_target',
      { fork: true, action: 'closed' },
      { eventName: 'pull_request_target' },
      'remove'
    ],
    ['Dependabot without secrets', {}, { actor: 'dependabot[bot]', credentials: false }, 'skip'],
    ['Dependabot with secrets', {}, { actor: 'dependabot[bot]' }, 'deploy'],
    ['somebody who forgot the key: the connection says so', {}, { credentials: false }, 'deploy'],
    ['previews that are off', {}, { enabled: false }, 'none']
  ])('on %s', (_, change, more, kind) => {
    expect(planOf(change, more).kind).toBe(kind)
  })

  it('is none of its business without a pull request', () => {
    expect(previewPlan({ repository: 'acme/shop', eventName: 'push', actor: 'mona' }, wish)).toEqual({ kind: 'none' })
  })

  it('never recommends to hand secrets to a fork', () => {
    const plan = planOf({ fork: true }, { credentials: false })
    expect(plan.kind === 'skip' && plan.reason).toBe(
      'Pull request #7 comes from a fork, whose runs get no secrets: it has no preview. Somebody of this repository ' +
        'may read the code and push the branch here to see it live.'
    )
  })
})

describe('settlePlan', () => {
  const closing = { action: 'closed', state: 'closed' } as const

  it.each([
    ['a deploy of an open one goes on', {}, 'open', 'deploy'],
    ['a deploy of one that was closed meanwhile does not bring it back', {}, 'closed', 'skip'],
    ['a removal of a closed one goes on', closing, 'closed', 'remove'],
    ['a removal of one that was reopened leaves it', closing, 'open', 'skip']
  ] as const)('%s', (_, change, state, kind) => {
    expect(settlePlan(planOf(change), { state }).kind).toBe(kind)
  })

  it('believes the event when GitHub could not say', () => {
    expect(settlePlan(planOf({}), null).kind).toBe('deploy')
    expect(settlePlan(planOf(closing), null).kind).toBe('remove')
  })
})
