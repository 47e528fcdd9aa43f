import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

/** What `status` says of a stack, by the tasks that there are. */
let bed: Bed
let versions: Pushed[]
let workshop: Workshop

beforeAll(async () => {
  bed = await openBed({ name: 'status' })
  versions = await pushVersions(bed.registry)
  workshop = new Workshop(bed, { stack: 'shown' })
}, 180_000)

afterAll(async () => {
  workshop.close()
  await bed.close()
}, 60_000)

interface Row {
  readonly key: string
  readonly verdict: string
  readonly running: number
  readonly desired: number
  readonly reason: string
}

async function rows(): Promise<Readonly<Record<string, string>>> {
  const result = await workshop.run({ command: 'status' }, { env: { GITHUB_SHA: 'e'.repeat(40) } })
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'status', stack: 'shown', release: 'r1' } })
  expect(result.summary).toContain('ddddddd')
  expect(result.summary).not.toContain('eeeeeee')
  const services = JSON.parse(result.outputs['services'] ?? '[]') as readonly Row[]
  return Object.fromEntries(
    services.map(({ key, verdict, running, desired }) => [key, `${running}/${desired} ${verdict}`])
  )
}

describe('status', () => {
  it('counts what has run to its end, shows the commit that runs, and what is down', async () => {
    const image = versions[0]?.reference ?? ''
    const ends = { image, environment: { EXIT_AFTER: '0', EXIT_CODE: '0', PORT: '' } }
    workshop.compose({
      web: web(image),
      seed: { ...ends, restart: 'no' },
      migrate: { ...ends, deploy: { mode: 'replicated-job' } },
      everywhere: { ...ends, deploy: { mode: 'global-job' } }
    })
    const deployed = await workshop.run({}, { env: { GITHUB_SHA: 'd'.repeat(40) } })
    expect(deployed).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await rows()).toEqual({
      web: '1/1 running',
      seed: '1/1 running',
      migrate: '1/1 completed',
      everywhere: '1/1 completed'
    })
  }, 120_000)

  it('says of a service that is down what its last task says', async () => {
    const label = 'com.docker.stack.namespace=shown'
    const image = versions[0]?.reference ?? ''
    const args = ['--name', 'shown_stuck', '--label', label, '--constraint', 'node.labels.disk==fast', image]
    await bed.server.docker('service', 'create', '-d', ...args)
    const tasks = () => bed.server.docker('service', 'ps', '--no-trunc', '--format', '{{.Error}}', 'shown_stuck')
    while (!(await tasks()).includes('no suitable node')) await new Promise(resolve => void setTimeout(resolve, 200))
    const result = await workshop.run({ command: 'status' })
    const services = JSON.parse(result.outputs['services'] ?? '[]') as readonly Row[]
    expect(services.find(({ key }) => key === 'stuck')).toMatchObject({
      running: 0,
      desired: 1,
      verdict: 'failed',
      reason: expect.stringMatching(/^1 more task to run; the last is pending: no suitable node/)
    })
  }, 60_000)
})
