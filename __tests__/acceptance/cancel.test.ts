import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { existsSync, readdirSync } from 'node:fs'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { until } from '../../testbed/processes.ts'
import { Workshop, web } from './workshop.ts'

/** A job that is cancelled, or killed, leaves the old version serving and nothing behind. */
let bed: Bed
let versions: Pushed[]

beforeAll(async () => {
  bed = await openBed({ name: 'cancel' })
  versions = await pushVersions(bed.registry)
}, 180_000)

afterAll(async () => {
  await bed.close()
}, 60_000)

const good = (): object => web(versions[0]?.reference ?? '')
/** Never healthy, and given longer to become so than any test waits. */
const slow = (): object =>
  web(versions[1]?.reference ?? '', { environment: { HEALTHY_AFTER: 'never' }, healthcheck: { start_period: '10m' } })

async function running(stack: string): Promise<string> {
  return await bed.server.docker(
    'ps',
    '--format',
    '{{.Image}} {{.Status}}',
    '--filter',
    `label=com.docker.stack.namespace=${stack}`
  )
}

async function locks(): Promise<string> {
  return await bed.server.docker('config', 'ls', '-q', '--filter', 'label=swarm-rollout.kind=lock')
}

/** Connections to the server that still stand, by sshd's own processes. */
async function connections(): Promise<number> {
  const processes = await bed.server.exec(['ps', '-eo', 'args'])
  return processes.split('\n').filter(line => line.startsWith('sshd: deploy')).length
}

describe('a job', () => {
  it('that is cancelled before the action has begun does not begin in its post step', async () => {
    const workshop = new Workshop(bed, { stack: 'unborn' })
    const result = await workshop.compose({ web: good() }).start().cancel()
    expect(result).toMatchObject({ status: 'cancelled', log: '', outputs: {}, post: { exitCode: 0, log: '' } })
    expect(await bed.server.docker('service', 'ls', '-q')).toBe('')
    result.clean()
    workshop.close()
  }, 60_000)
})

describe('a rollout', () => {
  it('that is cancelled goes back, says so, and leaves no lock, key or connection', async () => {
    const workshop = new Workshop(bed, { stack: 'cancelled' })
    await workshop.compose({ web: good() }).run()
    const run = workshop.compose({ web: slow() }).start()
    await run.waitForLog(/1 starting/, 60_000)
    const result = await run.cancel()
    expect(result.outputs['status']).toBe('cancelled')
    expect(result.log).toContain('r1')
    expect(result.leftovers).toEqual([])
    expect(
      existsSync(result.runnerTemp)
        ? readdirSync(result.runnerTemp).filter(name => name.startsWith('swarm-rollout'))
        : []
    ).toEqual([])
    expect(await locks()).toBe('')
    expect(await connections()).toBe(0)
    expect(await running('cancelled')).toContain('(healthy)')
    // What runs in the end is what ran before, and the next run finds nothing to repair.
    const next = await workshop.compose({ web: good() }).run()
    expect(next.status).toBe('success')
    expect(await running('cancelled')).toContain(versions[0]?.reference ?? 'none')
    result.clean()
    workshop.close()
  }, 180_000)

  it('that is killed together with its runner is repaired by the next run', async () => {
    const workshop = new Workshop(bed, { stack: 'killed' })
    await workshop.compose({ web: good() }).run()
    const run = workshop.compose({ web: slow() }).start()
    await run.waitForLog(/1 starting/, 60_000)
    const result = await run.kill()
    expect(result.post).toBeUndefined()
    expect(await running('killed')).toContain('(healthy)')
    const next = await workshop.compose({ web: good() }).run({ 'lock-timeout': '3m' })
    expect(next).toMatchObject({ status: 'success' })
    expect(next.log).toMatch(/Waiting for the lock of stack killed/)
    expect(await running('killed')).toContain(versions[0]?.reference ?? 'none')
    // The other version's container may still be at its shutdown.
    await until('the version that was given up to be gone', 20_000, async () =>
      (await running('killed')).includes(versions[1]?.reference ?? 'none') ? undefined : true
    )
    result.clean()
    workshop.close()
  }, 300_000)
})
