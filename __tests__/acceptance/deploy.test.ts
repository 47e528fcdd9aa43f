import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

/** The main job: a push to main, its good end, and its bad one. */
let bed: Bed
let versions: Pushed[]

beforeAll(async () => {
  bed = await openBed({ name: 'deploy' })
  versions = await pushVersions(bed.registry)
}, 180_000)

afterAll(async () => {
  await bed.close()
}, 60_000)

const image = (version: 1 | 2 | 3): string => versions[version - 1]?.reference ?? ''

/** The version that a stack's web service serves, asked from inside its running container. */
async function serving(stack: string): Promise<string> {
  const id =
    (await bed.server.docker('ps', '-q', '--filter', `label=com.docker.swarm.service.name=${stack}_web`))
      .trim()
      .split('\n')[0] ?? ''
  return (await bed.server.docker('exec', id, 'wget', '-q', '-O-', 'http://127.0.0.1:8080/version')).trim()
}

describe('a stack of one web service', () => {
  const stack = 'shop'
  let workshop: Workshop
  beforeAll(() => {
    workshop = new Workshop(bed, { stack })
  })
  afterAll(() => workshop.close())

  it('is deployed, with one SSH handshake', async () => {
    workshop.compose({ web: web(image(1)) })
    const before = bed.server.handshakes()
    const result = await workshop.run()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', stack, release: 'r1' } })
    expect(bed.server.handshakes() - before).toBe(1)
    expect(await serving(stack)).toBe('version 1')
    expect(JSON.parse(result.outputs['images'] ?? '')).toEqual({ web: versions[0]?.pinned })
    expect(result.summary).toContain('Deployed')
    expect(result.leftovers).toEqual([])
  }, 120_000)

  it('is not touched when nothing changed', async () => {
    const version = await bed.server.docker('service', 'inspect', '-f', '{{.Version.Index}}', `${stack}_web`)
    const result = await workshop.run()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'unchanged', release: 'r1' } })
    expect(await bed.server.docker('service', 'inspect', '-f', '{{.Version.Index}}', `${stack}_web`)).toBe(version)
  }, 60_000)

  it('rolls out a new version', async () => {
    workshop.compose({ web: web(image(2)) })
    const result = await workshop.run()
    expect(result).toMatchObject({
      status: 'success',
      outputs: { status: 'deployed', release: 'r2', 'previous-release': 'r1' }
    })
    expect(await serving(stack)).toBe('version 2')
  }, 120_000)

  it('stays at the old version, red and with the reason, when the new one never gets healthy', async () => {
    workshop.compose({
      web: web(image(3), { environment: { HEALTHY_AFTER: 'never', PRINT: 'cannot reach the database' } })
    })
    const result = await workshop.run()
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back', 'previous-release': 'r2' } })
    expect(result.log).toContain('cannot reach the database')
    expect(result.log).toMatch(/unhealthy|healthcheck/)
    expect(result.annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'compose.yaml' }))
    expect(await serving(stack)).toBe('version 2')
    // Red only once the swarm has finished going back.
    expect(await bed.server.docker('service', 'inspect', '-f', '{{.UpdateStatus.State}}', `${stack}_web`)).toMatch(
      /rollback_completed|completed/
    )
  }, 120_000)

  it('can be deployed again after that', async () => {
    workshop.compose({ web: web(image(3)) })
    expect(await workshop.run()).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await serving(stack)).toBe('version 3')
  }, 120_000)
})

describe('a first deploy', () => {
  it('that crash-loops is red within its timeout, with the exit code and the last lines', async () => {
    const workshop = new Workshop(bed, { stack: 'crash' })
    workshop.compose({
      web: web(image(1), {
        environment: { EXIT_AFTER: '0', EXIT_CODE: '7', PRINT_ERROR: 'no such table: users' },
        healthcheck: { disable: true }
      })
    })
    const result = await workshop.run()
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toContain('no such table: users')
    expect(result.log).toMatch(/exit(ed)? (with )?(code )?7/)
    // Pressing "re-run" makes nothing better: nothing has changed, and nothing runs.
    expect(await workshop.run()).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    workshop.close()
  }, 120_000)

  it('that dies late, after the engine’s monitor window but inside stable-for, is red', async () => {
    const workshop = new Workshop(bed, { stack: 'late', 'stable-for': '12s' })
    workshop.compose({
      web: web(image(1), { environment: { EXIT_AFTER: '8', EXIT_CODE: '1' }, healthcheck: { disable: true } })
    })
    expect(await workshop.run()).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    workshop.close()
  }, 120_000)
})
