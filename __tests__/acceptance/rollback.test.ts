import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import type { StepResult } from '../../testbed/runner.ts'
import { Workshop, web } from './workshop.ts'

/** Back to the release before, by itself when a rollout fails and by hand afterwards; always the whole stack. */
let bed: Bed
let versions: Pushed[]

beforeAll(async () => {
  bed = await openBed({ name: 'rollback' })
  versions = await pushVersions(bed.registry)
}, 180_000)

afterAll(async () => {
  await bed.close()
}, 60_000)

const image = (version: 1 | 2 | 3): string => versions[version - 1]?.reference ?? ''
const pinned = (version: 1 | 2 | 3): string => versions[version - 1]?.pinned ?? ''
const crash = { EXIT_AFTER: '0', EXIT_CODE: '7' }
const bare = (version: 1 | 2 | 3, environment: object = {}, more: object = {}): object =>
  web(image(version), { environment: { PORT: '', ...environment }, healthcheck: { disable: true }, ...more })

/** What the engine itself says of each service: the image of its Spec, and the tasks that run. */
async function state(stack: string): Promise<Record<string, string>> {
  const format = '{{.Name}}|{{.Replicas}}'
  const lines = (
    await bed.server.docker(
      'service',
      'ls',
      '--format',
      format,
      '--filter',
      `label=com.docker.stack.namespace=${stack}`
    )
  )
    .trim()
    .split('\n')
    .filter(line => line !== '')
  const found = await Promise.all(
    lines.map(async line => {
      const [name = '', replicas = ''] = line.split('|')
      const of = await bed.server.docker('service', 'inspect', '-f', '{{.Spec.TaskTemplate.ContainerSpec.Image}}', name)
      return [name.slice(stack.length + 1), `${of.trim()} ${replicas.split(' ')[0]}`] as const
    })
  )
  return Object.fromEntries(found)
}

/** Looks until the tasks of the versions before have ended: a good rollout does not wait for their grace period. */
async function expectState(stack: string, expected: Record<string, string>): Promise<void> {
  let found = await state(stack)
  for (let i = 0; i < 50 && JSON.stringify(found).includes('2/1'); i++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    found = await state(stack)
  }
  expect(found).toEqual(expected)
}

async function fromInside(stack: string, path: string): Promise<string> {
  const filter = `label=com.docker.swarm.service.name=${stack}_web`
  const [id = ''] = (await bed.server.docker('ps', '-q', '--filter', filter)).trim().split('\n')
  return (await bed.server.docker('exec', id, 'wget', '-q', '-O-', `http://127.0.0.1:8080${path}`)).trim()
}

async function verdicts(stack: string): Promise<readonly string[]> {
  const format = '{{index .Spec.Labels "swarm-rollout.release"}} {{index .Spec.Labels "swarm-rollout.verdict"}}'
  const filter = [
    '--filter',
    `label=com.docker.stack.namespace=${stack}`,
    '--filter',
    'label=swarm-rollout.kind=release'
  ]
  const ids = (await bed.server.docker('config', 'ls', '-q', ...filter)).trim().split('\n')
  return (await bed.server.docker('config', 'inspect', '-f', format, ...ids)).trim().split('\n').sort()
}

const commit = (digit: string) => ({ env: { GITHUB_SHA: digit.repeat(40) } })

describe('by hand', () => {
  const stack = 'hand'
  let workshop: Workshop
  const withSecret = (version: 1 | 2 | 3): object =>
    web(image(version), {
      environment: { SECRET_FILE: '/run/secrets/token' },
      secrets: ['token']
    })
  const release = (version: 1 | 2 | 3, more: Record<string, object> = {}): Promise<StepResult> =>
    workshop
      .compose({ web: withSecret(version), ...more }, { secrets: { token: { environment: 'TOKEN' } } })
      .run({ secrets: `TOKEN=value-of-${version}` }, commit(`${version}`))

  beforeAll(async () => {
    workshop = new Workshop(bed, { stack, 'stable-for': '1s', 'keep-releases': '10' })
    const migrate = {
      image: image(1),
      environment: { PORT: '', EXIT_AFTER: '0', PRINT: 'migrates' },
      deploy: { mode: 'replicated-job', restart_policy: { condition: 'none' } }
    }
    expect((await release(1, { migrate })).outputs).toMatchObject({ status: 'deployed', release: 'r1' })
    expect((await release(2, { extra: bare(2) })).outputs).toMatchObject({ status: 'deployed', release: 'r2' })
  }, 180_000)
  afterAll(() => workshop.close())

  it('restores the whole release: images, secrets, and the services that it had', async () => {
    expect(await fromInside(stack, '/secret')).toBe('value-of-2')
    const result = await workshop.run({ command: 'rollback' })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r3' } })
    expect(JSON.parse(result.outputs['images'] ?? '')).toEqual({ web: pinned(1), migrate: pinned(1) })
    expect(await fromInside(stack, '/version')).toBe('version 1')
    expect(await fromInside(stack, '/secret')).toBe('value-of-1')
    // The job of release 1 is not run again, and what release 1 did not have is gone.
    await expectState(stack, { web: `${pinned(1)} 1/1` })
    expect(result.log).not.toContain('value-of-')
  }, 120_000)

  it('can itself be rolled back', async () => {
    const result = await workshop.run({ command: 'rollback', release: 'previous' })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r4' } })
    await expectState(stack, { web: `${pinned(2)} 1/1`, extra: `${pinned(2)} 1/1` })
    expect(await fromInside(stack, '/secret')).toBe('value-of-2')
  }, 120_000)

  it('takes a release id or a commit', async () => {
    expect((await workshop.run({ command: 'rollback', release: 'r1' })).outputs['release']).toBe('r5')
    expect(await fromInside(stack, '/version')).toBe('version 1')
    expect((await workshop.run({ command: 'rollback', release: '2222222' })).outputs['release']).toBe('r6')
    expect(await fromInside(stack, '/version')).toBe('version 2')
  }, 120_000)

  it('to what is live already changes nothing', async () => {
    const before = await bed.server.docker('service', 'inspect', '-f', '{{.Version.Index}}', `${stack}_web`)
    const result = await workshop.run({ command: 'rollback', release: '2222222' })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'unchanged' } })
    expect(await bed.server.docker('service', 'inspect', '-f', '{{.Version.Index}}', `${stack}_web`)).toBe(before)
  }, 60_000)

  it('to a release that does not exist is red, lists those that do, and changes nothing', async () => {
    const before = await state(stack)
    const result = await workshop.run({ command: 'rollback', release: 'r77' })
    expect(result.status).toBe('failure')
    expect(result.log).toMatch(/There is no release "r77".*\n?.*r5 \(1111111/)
    await expectState(stack, before)
  }, 60_000)

  it('to a release whose secret is gone is refused before anything changes', async () => {
    const names = (await bed.server.docker('secret', 'ls', '--format', '{{.Name}}')).trim().split('\n')
    const specs = await bed.server.docker('service', 'inspect', '-f', '{{json .Spec}}', `${stack}_web`)
    const [old = ''] = names.filter(name => name.startsWith(`${stack}_token`) && !specs.includes(name))
    // Only the PreviousSpec names it, which does not keep the engine from removing it.
    await bed.server.docker('secret', 'rm', old)
    const before = await state(stack)
    const result = await workshop.run({ command: 'rollback', release: 'r1' })
    expect(result.status).toBe('failure')
    expect(result.log).toContain(`secret ${old}`)
    expect(result.log).toContain('Nothing was changed')
    await expectState(stack, before)
  }, 60_000)
})

describe('by itself', () => {
  it('takes every service back when one fails, and the new one away', async () => {
    const stack = 'whole'
    const workshop = new Workshop(bed, { stack, 'stable-for': '1s' })
    await workshop.compose({ web: bare(1), api: bare(1), still: bare(1) }).run()
    const result = await workshop.compose({ web: bare(2), api: bare(2, crash), still: bare(1), extra: bare(2) }).run()
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
    await expectState(stack, {
      web: `${pinned(1)} 1/1`,
      api: `${pinned(1)} 1/1`,
      still: `${pinned(1)} 1/1`
    })
    expect(await verdicts(stack)).toEqual(['r1 deployed', 'r2 rolled-back'])
    workshop.close()
  }, 120_000)

  it('keeps the old secret through a rotation that fails, and can roll back to it', async () => {
    const stack = 'rotate'
    const workshop = new Workshop(bed, { stack, 'stable-for': '1s', 'keep-releases': '1' })
    const secrets = { secrets: { token: { environment: 'TOKEN' } } }
    const service = (environment: object): object =>
      web(image(1), { environment: { SECRET_FILE: '/run/secrets/token', ...environment }, secrets: ['token'] })
    const run = (value: string, environment: object = {}) =>
      workshop.compose({ web: service(environment) }, secrets).run({ secrets: `TOKEN=${value}` })
    expect((await run('first')).outputs['status']).toBe('deployed')
    expect((await run('second')).outputs['status']).toBe('deployed')
    expect((await run('third', crash)).outputs['status']).toBe('rolled-back')
    expect(await fromInside(stack, '/secret')).toBe('second')
    expect((await run('fourth')).outputs['status']).toBe('deployed')
    expect(await fromInside(stack, '/secret')).toBe('fourth')
    // One release is kept, and what the service's PreviousSpec names.
    const names = (await bed.server.docker('secret', 'ls', '--format', '{{.Name}}')).trim().split('\n')
    expect(names.filter(name => name.startsWith(`${stack}_`))).toHaveLength(2)
    expect(await verdicts(stack)).toEqual(['r4 deployed'])
    workshop.close()
  }, 180_000)

  it('takes back what the CLI had already applied when it refuses the rest', async () => {
    const stack = 'refused'
    const workshop = new Workshop(bed, { stack, 'stable-for': '1s' })
    await workshop.compose({ a: bare(1), b: bare(1) }).run()
    const before = await state(stack)
    // Only the manager itself reads a constraint, when it is asked to update the service.
    const bad = bare(2, {}, { deploy: { placement: { constraints: ['node.labels.x ~ y'] } } })
    const result = await workshop.compose({ a: bare(2), b: bad }).run()
    expect(result.status).toBe('failure')
    expect(result.log).toMatch(/refused stack refused/)
    await expectState(stack, before)
    expect(await verdicts(stack)).not.toContain('r2 pending')
    workshop.close()
  }, 120_000)

  it('goes back when a URL does not answer', async () => {
    const stack = 'verify'
    const workshop = new Workshop(bed, { stack, 'stable-for': '1s' })
    await workshop.compose({ web: bare(1) }).run()
    const result = await workshop.compose({ web: bare(2) }).run({ 'verify-url': 'http://127.0.0.1:9/', timeout: '20s' })
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back' } })
    await expectState(stack, { web: `${pinned(1)} 1/1` })
    workshop.close()
  }, 120_000)

  it('leaves everything where that is wanted, and the next deploy starts from there', async () => {
    const stack = 'left'
    const workshop = new Workshop(bed, { stack, 'stable-for': '1s', 'on-failure': 'leave' })
    await workshop.compose({ web: bare(1), api: bare(1) }).run()
    const result = await workshop.compose({ web: bare(2), api: bare(2, crash) }).run()
    expect(result.status).toBe('failure')
    expect((await state(stack))['web']).toContain(pinned(2))
    // What is there is the one that failed, and the one before it the way back: once each.
    expect(result.summary).not.toContain('runs now')
    const seen = await workshop.run({ command: 'status' })
    expect(seen.outputs).toMatchObject({ release: 'r2' })
    const listed = [...(seen.summary ?? '').matchAll(/^\| <code>(r\d+)<\/code>([^|]*) \|/gm)]
    expect(listed.map(([, id = '', mark = '']) => `${id}${mark}`)).toEqual(['r2 ← runs now', 'r1'])
    const back = await workshop.run({ command: 'rollback' })
    expect(back).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    await expectState(stack, { web: `${pinned(1)} 1/1`, api: `${pinned(1)} 1/1` })
    workshop.close()
  }, 120_000)
})
