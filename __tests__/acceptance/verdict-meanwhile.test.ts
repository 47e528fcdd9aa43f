import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp, type Pushed } from '../../testbed/images.ts'
import type { RunningStep } from '../../testbed/runner.ts'
import { Workshop, web } from './workshop.ts'

/** What happens to a rollout while it is watched: somebody else, the connection, the engine, a node. One manager, two workers. */
let bed: Bed
let app: Pushed
const workshops: Workshop[] = []

beforeAll(async () => {
  bed = await openBed({ name: 'meanwhile', servers: 3, builder: false })
  app = await pushApp(bed.registry, { name: 'app:1' })
}, 180_000)

afterAll(async () => {
  for (const workshop of workshops) workshop.close()
  await bed.close()
}, 60_000)

/** A service that takes its time to become healthy, on the workers. */
const slow = (version: string, more: object = {}): object =>
  web(app.reference, {
    environment: { VERSION: version, HEALTHY_AFTER: '3' },
    healthcheck: { start_period: '30s' },
    deploy: {
      replicas: 2,
      placement: { constraints: ['node.role == worker'] },
      update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s' },
      ...more
    }
  })

/** A stack whose first version runs, and the second one on its way: the swarm is at its update. */
async function underWay(stack: string, inputs: Readonly<Record<string, string>> = {}): Promise<RunningStep> {
  const workshop = new Workshop(bed, { stack, timeout: '150s', ...inputs })
  workshops.push(workshop)
  expect(await workshop.compose({ web: slow('1') }).run({ 'stable-for': '0s' })).toMatchObject({ status: 'success' })
  const step = workshop.compose({ web: slow('2') }).start()
  await step.waitForLog(/web +the swarm updates it/, 60_000)
  return step
}

interface Live {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: {
    readonly Labels: Record<string, string>
    readonly TaskTemplate: { readonly ContainerSpec: { Env: string[] } }
  }
}
const live = (stack: string) => bed.server.api('GET', `/services/${stack}_web`) as Promise<Live>
const nodesOf = (stack: string) =>
  bed.server.docker(
    'service',
    'ps',
    '-f',
    'desired-state=running',
    '--format',
    '{{.Node}} {{.CurrentState}}',
    `${stack}_web`
  )

describe('while a rollout is watched', () => {
  it('another deploy comes in between: this run says so, and takes nothing back', async () => {
    const step = await underWay('overtaken')
    const { ID, Version, Spec } = await live('overtaken')
    const ContainerSpec = { ...Spec.TaskTemplate.ContainerSpec, Env: ['VERSION=3'] }
    const theirs = {
      ...Spec,
      Labels: { ...Spec.Labels, 'swarm-rollout.release': 'r99' },
      TaskTemplate: { ...Spec.TaskTemplate, ContainerSpec }
    }
    await bed.server.api('POST', `/services/${ID}/update?version=${Version.Index}`, theirs)
    const result = await step.result
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'overtaken' } })
    expect(result.log).toContain('release r99 was deployed over it')
    expect((await live('overtaken')).Spec.TaskTemplate.ContainerSpec.Env).toEqual(['VERSION=3'])
  }, 120_000)

  it('the service is removed: this run is red', async () => {
    const step = await underWay('removed')
    await bed.server.api('DELETE', '/services/removed_web')
    const result = await step.result
    expect(result.status).toBe('failure')
    expect(result.log).toContain('it was removed while its rollout was watched')
  }, 120_000)

  it('the time runs out: this run is red, and says what was missing', async () => {
    const workshop = new Workshop(bed, { stack: 'late', timeout: '8s' })
    workshops.push(workshop)
    const never = web(app.reference, { environment: { HEALTHY_AFTER: 'never' }, healthcheck: { start_period: '10m' } })
    const result = await workshop.compose({ web: never }).run()
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toMatch(
      /not finished: still waits for 1 more task to run: web\.1 .* its healthcheck has not passed/
    )
  }, 120_000)

  it('the SSH connection breaks: this run goes on and is green', async () => {
    const step = await underWay('dropped')
    const each =
      'for p in /proc/[0-9]*; do if grep -qa "^sshd.*deploy" $p/cmdline 2>/dev/null; then kill ${p#/proc/}; fi; done'
    await bed.server.exec(['sh', '-c', each])
    expect(await step.result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(bed.server.sshdLog()).toMatch(/Accepted publickey for deploy/)
  }, 120_000)

  it('the manager’s engine dies and comes back: this run says so once, goes on and is green', async () => {
    const step = await underWay('restarted')
    await bed.server.crashEngine()
    await step.waitForLog(/The engine does not answer, trying again/, 30_000)
    await bed.server.startEngine()
    const result = await step.result
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(result.log.match(/The engine does not answer/g)).toHaveLength(1)
    expect(result.log.match(/The engine answers again/g)).toHaveLength(1)
  }, 180_000)

  it('a node goes down: what ran there counts again only when it runs elsewhere', async () => {
    const step = await underWay('node-down', { 'stable-for': '25s' })
    await step.waitForLog(/web +2 of 2 running\n/, 60_000)
    const before = await nodesOf('node-down')
    const workers = bed.servers.slice(1)
    const victim = workers.find(({ name }) => before.includes(name))
    const survivor = workers.find(server => server !== victim)
    await victim?.crashEngine()
    const result = await step.result
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(result.log).toMatch(new RegExp(`Node ${victim?.name ?? ''} is down[^]*web +2 of 2 running`))
    expect((await nodesOf('node-down')).match(new RegExp(`${survivor?.name ?? ''} Running`, 'g'))).toHaveLength(2)
  }, 180_000)
})
