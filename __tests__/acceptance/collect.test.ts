import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions } from '../../testbed/images.ts'
import { label } from '../../src/model.js'
import { collectGarbage } from '../../src/stages/collect.js'
import { removeStack } from '../../src/stages/remove.js'
import { stageRun, type StageRun } from './stages.ts'

/** What goes and what stays when several stacks and several nodes share a swarm. */
let bed: Bed
let run: StageRun
let image: string

beforeAll(async () => {
  bed = await openBed({ name: 'collect', builder: false, servers: 2 })
  run = await stageRun(bed.server)
  image = (await pushVersions(bed.registry))[0]?.pinned ?? ''
}, 240_000)

afterAll(async () => {
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

const docker = (...args: string[]) => bed.server.docker(...args)
const namespace = (stack: string) => ['--label', `com.docker.stack.namespace=${stack}`]
const create = (name: string, stack: string, ...more: string[]) =>
  docker(
    'service',
    'create',
    '--detach',
    '--no-resolve-image',
    '--env',
    'PORT=',
    '--name',
    name,
    ...namespace(stack),
    ...more,
    image
  )

describe('in a swarm of several stacks', () => {
  it('collects no secret that a service of another stack uses, or could roll back to', async () => {
    const { engine } = run.host
    const names = ['used', 'previous', 'free']
    for (const name of names) {
      await engine.createObject('secret', `a_${name}`, Buffer.from(name), {
        [label.namespace]: 'a',
        [label.kind]: 'secret'
      })
    }
    await create('b_web', 'b', '--secret', 'a_previous')
    await docker(
      'service',
      'update',
      '--detach',
      '--no-resolve-image',
      '--secret-rm',
      'a_previous',
      '--secret-add',
      'a_used',
      'b_web'
    )
    expect(await collectGarbage(run.ports, engine, { stack: 'a', keep: 3 })).toMatchObject({
      secrets: ['a_free'],
      configs: [],
      releases: [],
      images: []
    })
    await docker('service', 'rollback', '--detach', 'b_web')
    expect(
      await docker('service', 'inspect', '-f', '{{json .Spec.TaskTemplate.ContainerSpec.Secrets}}', 'b_web')
    ).toContain('a_previous')
    await docker('service', 'rm', 'b_web')
  }, 60_000)

  it('removes nothing when it is told so before, and asks only where there is something to remove', async () => {
    const { engine } = run.host
    let asked = 0
    const beforeRemoval = (): Promise<void> => {
      asked += 1
      return Promise.reject(new Error('the lock is lost'))
    }
    const collect = () => collectGarbage(run.ports, engine, { stack: 'held', keep: 3, beforeRemoval })
    await collect()
    expect(asked).toBe(0)
    await engine.createObject('secret', 'held_free', Buffer.from('x'), {
      [label.namespace]: 'held',
      [label.kind]: 'secret'
    })
    await expect(collect()).rejects.toThrow('the lock is lost')
    expect(asked).toBe(1)
    expect(await docker('secret', 'ls', '--format', '{{.Name}}')).toContain('held_free')
    await docker('secret', 'rm', 'held_free')
  }, 60_000)

  it('removes a stack but for what another one uses, and says so', async () => {
    const { engine } = run.host
    await docker('network', 'create', '--driver', 'overlay', ...namespace('c'), 'c_shared')
    await engine.createObject('secret', 'c_shared', Buffer.from('x'), { [label.namespace]: 'c' })
    await create('c_web', 'c', '--network', 'c_shared')
    await create('d_web', 'd', '--network', 'c_shared', '--secret', 'c_shared')
    const gone = await removeStack(run.ports, engine, { stack: 'c', volumes: true, timeoutMs: 60_000 })
    expect(gone).toMatchObject({ existed: true, removed: { services: 1, networks: 0, secrets: 0 } })
    expect(gone.left.slice(0, 2)).toEqual([
      'Network c_shared is in use by d_web.',
      'Secret c_shared is in use by another stack.'
    ])
    await docker('service', 'rm', 'd_web')
    const rest = await removeStack(run.ports, engine, { stack: 'c', volumes: true, timeoutMs: 60_000 })
    expect(rest.removed).toMatchObject({ networks: 1, secrets: 1 })
  }, 120_000)

  it('does not wait for a node that is down, and says what stays there', async () => {
    const { engine } = run.host
    const second = bed.servers[1]
    await create('e_web', 'e', '--constraint', `node.hostname==${second?.name}`)
    await eventually(async () =>
      (await docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}}')).includes('e_web 1/1')
    )
    await second?.powerOff()
    await eventually(async () =>
      (await docker('node', 'ls', '--format', '{{.Hostname}} {{.Status}}')).includes(`${second?.name} Down`)
    )
    const gone = await removeStack(run.ports, engine, { stack: 'e', volumes: false, timeoutMs: 30_000 })
    expect(gone.left).toContain(`What runs on ${second?.name} stays until that node is back: it is down.`)
  }, 120_000)
})

async function eventually(is: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 240; i++) {
    if (await is()) return
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  throw new Error('it never came about')
}
