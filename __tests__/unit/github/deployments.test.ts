import { afterEach, describe, expect, it } from '@jest/globals'
import type { RunStatus } from '../../../src/report/model.js'
import { closeDeployment, openDeployment, retireDeployments } from '../../../src/stages/deployment.js'
import { stateOf } from '../../../testbed/github/store.ts'
import { world, type World } from './world.js'

let here: World
afterEach(async () => {
  await here.fake.close()
  expect(here.fake.violations).toEqual([])
})

const commit = (letter: string) => letter.repeat(40)
const logUrl = 'https://github.com/acme/shop/actions/runs/1'

async function deploy(
  status: RunStatus,
  of: { stack?: string; preview?: number; letter?: string } = {}
): Promise<void> {
  const open = await openDeployment(here, here.github, {
    environment: 'production',
    stack: of.stack ?? 'shop',
    commit: commit(of.letter ?? 'a'),
    logUrl,
    ...(of.preview !== undefined && { preview: of.preview })
  })
  if (open) await closeDeployment(here, here.github, open, { status, url: 'https://shop.example.com/' })
}

const states = () => here.fake.repository.deployments.map(one => [one.sha[0], one.task, stateOf(one)])

describe('a deployment', () => {
  it('is created, in progress, and ends with its URL and log', async () => {
    here = await world()
    await deploy('deployed')
    expect(here.fake.repository.deployments).toMatchObject([
      {
        environment: 'production',
        task: 'deploy:shop',
        description: 'Stack shop',
        transient: false,
        payload: { stack: 'shop' },
        statuses: [
          { state: 'in_progress', description: 'Rolling out', logUrl, environmentUrl: '' },
          { state: 'success', description: 'Deployed', logUrl, environmentUrl: 'https://shop.example.com/' }
        ]
      }
    ])
  })

  it('that succeeds makes the older ones of its stack inactive, and no others', async () => {
    here = await world()
    await deploy('deployed', { letter: 'a' })
    await deploy('deployed', { letter: 'b', stack: 'other' })
    await deploy('failed', { letter: 'c' })
    await deploy('deployed', { letter: 'd' })
    expect(states()).toEqual([
      ['a', 'deploy:shop', 'inactive'],
      ['b', 'deploy:other', 'success'],
      ['c', 'deploy:shop', 'failure'],
      ['d', 'deploy:shop', 'success']
    ])
  })

  it.each<[RunStatus, string]>([
    ['unchanged', 'success'],
    ['rolled-back', 'failure'],
    ['failed', 'failure'],
    ['cancelled', 'error'],
    ['overtaken', 'inactive']
  ])('of a run that ended as %s is %s', async (status, state) => {
    here = await world()
    await deploy(status)
    expect(states()[0]?.[2]).toBe(state)
  })

  it('of a run that deployed nothing is no more', async () => {
    here = await world()
    await deploy('skipped')
    expect(states()).toEqual([])
  })

  it('that is gone when its run ends is nothing to warn of', async () => {
    here = await world()
    const of = { environment: 'preview', stack: 'shop-pr-7', commit: commit('a'), preview: 7, logUrl }
    const open = await openDeployment(here, here.github, of)
    await retireDeployments(here, here.github, of)
    if (open) await closeDeployment(here, here.github, open, { status: 'cancelled' })
    expect([open, here.lines]).toEqual([expect.anything(), []])
  })

  it('that fails leaves the one before as what serves', async () => {
    here = await world()
    await deploy('deployed', { letter: 'a' })
    await deploy('rolled-back', { letter: 'b' })
    expect(states().map(([, , state]) => state)).toEqual(['success', 'failure'])
  })

  it('closes what a run that was cut off left open', async () => {
    here = await world()
    await openDeployment(here, here.github, { environment: 'production', stack: 'shop', commit: commit('a'), logUrl })
    await deploy('deployed', { letter: 'b' })
    expect(states().map(([, , state]) => state)).toEqual(['inactive', 'success'])
  })

  it('of a preview is transient, and gone with it', async () => {
    here = await world()
    await deploy('deployed', { stack: 'shop-pr-7', preview: 7, letter: 'a' })
    await deploy('deployed', { stack: 'shop-pr-7', preview: 7, letter: 'b' })
    await deploy('deployed', { stack: 'shop-pr-8', preview: 8, letter: 'c' })
    expect(here.fake.repository.deployments[0]).toMatchObject({
      transient: true,
      description: 'Preview of pull request #7',
      payload: { stack: 'shop-pr-7', pull_request: '7' }
    })
    await retireDeployments(here, here.github, { environment: 'production', stack: 'shop-pr-7' })
    expect(states()).toEqual([['c', 'deploy:shop-pr-8', 'success']])
    await retireDeployments(here, here.github, { environment: 'production', stack: 'shop-pr-7' })
    expect(here.lines).toEqual([])
  })

  it('that the token may not write is one warning that names the permission', async () => {
    here = await world({ permissions: { deployments: 'none' } })
    await deploy('deployed')
    expect(here.lines).toEqual([
      'warning: GitHub did not let this run record the deployment: 403 Resource not accessible by integration. ' +
        'The rollout itself is not affected. Add `deployments: write` under `permissions:` of this job. Runs of forks ' +
        'have a token that can only read. Where the job has an `environment:` of its own, GitHub records one already: ' +
        'set `environment: false`.'
    ])
  })

  it('is one line on a forge that has none', async () => {
    here = await world({ forge: 'gitea', author: { login: 'gitea-actions', type: 'Bot' } })
    await deploy('deployed')
    expect(here.lines).toEqual(['info: This forge cannot record the deployment: skipped.'])
    expect(here.fake.calls).toEqual([])
  })

  it('survives a commit that GitHub does not know', async () => {
    here = await world()
    const of = { environment: 'production', stack: 'shop', commit: 'gone', logUrl }
    expect(await openDeployment(here, here.github, of)).toBeNull()
    expect(here.lines[0]).toContain('No ref found for: gone')
  })
})
