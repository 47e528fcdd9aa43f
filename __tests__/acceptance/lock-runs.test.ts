import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

let bed: Bed
let images: string[]

beforeAll(async () => {
  bed = await openBed({ name: 'lock-runs' })
  images = (await pushVersions(bed.registry)).map(({ reference }) => reference)
}, 180_000)

afterAll(async () => {
  await bed.close()
}, 60_000)

describe('two runs at once', () => {
  it('of one stack deploy one after the other, and the later one says for whom it waits', async () => {
    const workshops = images
      .slice(0, 2)
      .map(image => new Workshop(bed, { stack: 'shared', 'stable-for': '2s' }).compose({ web: web(image) }))
    const env = (run: number) => ({ env: { GITHUB_RUN_ID: `${1000 + run}`, GITHUB_ACTOR: `actor-${run}` } })
    const results = await Promise.all(workshops.map((workshop, index) => workshop.run({}, env(index))))
    expect(results.map(({ status }) => status)).toEqual(['success', 'success'])
    expect(results.map(({ outputs }) => outputs['release']).sort()).toEqual(['r1', 'r2'])
    const later = results.find(({ outputs }) => outputs['release'] === 'r2')
    const earlier = results.findIndex(({ outputs }) => outputs['release'] === 'r1')
    expect(later?.log).toMatch(new RegExp(`held by the deploy of actor-${earlier}, .*/runs/${1000 + earlier}`))
    expect(results[earlier]?.log).not.toContain('Waiting for the lock')
    // What runs is what the later one deployed.
    const image = await bed.server.docker(
      'service',
      'inspect',
      '-f',
      '{{.Spec.TaskTemplate.ContainerSpec.Image}}',
      'shared_web'
    )
    expect(image).toContain(images[earlier === 0 ? 1 : 0] ?? 'none')
    expect(await bed.server.docker('config', 'ls', '-q', '--filter', 'label=swarm-rollout.kind=lock')).toBe('')
    for (const workshop of workshops) workshop.close()
  }, 180_000)

  it('of two stacks do not wait for each other', async () => {
    const workshops = ['left', 'right'].map(stack =>
      new Workshop(bed, { stack }).compose({ web: web(images[0] ?? '') })
    )
    const results = await Promise.all(workshops.map(workshop => workshop.run()))
    expect(results.map(({ outputs }) => outputs['release'])).toEqual(['r1', 'r1'])
    expect(results.map(({ log }) => log).join()).not.toContain('Waiting for the lock')
    for (const workshop of workshops) workshop.close()
  }, 120_000)

  it('gives up in the end, red, with nothing changed', async () => {
    const holder = new Workshop(bed, { stack: 'held' })
    const slow = web(images[0] ?? '', { environment: { HEALTHY_AFTER: '25' }, healthcheck: { start_period: '60s' } })
    const run = holder.compose({ web: slow }).start()
    await run.waitForLog(/starting/, 60_000)
    const late = new Workshop(bed, { stack: 'held', 'lock-timeout': '3s' }).compose({ web: web(images[1] ?? '') })
    const result = await late.run()
    expect(result.status).toBe('failure')
    expect(result.log).toMatch(/Stack held is locked by the deploy of .*waited \d+ s/)
    expect((await run.result).outputs).toMatchObject({ status: 'deployed', release: 'r1' })
    for (const workshop of [holder, late]) workshop.close()
  }, 180_000)
})
