import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { EngineError, type Engine, type Host } from '../../src/ports.js'
import { initSwarm, openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { pushVersions } from '../../testbed/images.ts'
import { generationsHere } from '../../testbed/toolchain.ts'
import { Caller } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

const generations = generationsHere()

let bed: Bed
let server: Server
let host: Host
let engine: Engine
let image: string
beforeAll(async () => {
  const servers = generations.map(each => ({ engine: each, joins: 'none' as const }))
  bed = await openBed({ name: 'engine', builder: false, servers, swarm: false })
  await Promise.all(bed.servers.map(each => initSwarm(each)))
  image = (await pushVersions(bed.registry))[0]?.reference ?? ''
}, 180_000)
afterAll(async () => {
  await bed.close()
})

const failure = async (asked: Promise<unknown>): Promise<EngineError> => {
  const thrown: unknown = await asked.then(
    () => new Error('it did not fail'),
    (error: unknown) => error
  )
  expect(thrown).toBeInstanceOf(EngineError)
  return thrown as EngineError
}

const until = async <T>(asked: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await asked()
    if (found !== undefined) return found
    await new Promise(done => setTimeout(done, 200))
  }
}

describe.each(generations)('the engine %s', generation => {
  beforeAll(async () => {
    server = bed.servers[generations.indexOf(generation)] as Server
    host = await new Caller().connect({ host: server.host, key: bed.sshKey, knownHosts: bed.knownHosts })
    engine = host.engine
  })
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
  })

  it('speaks the newest API version that both sides know', async () => {
    const own = await server.docker('version', '--format', '{{.Server.Version}} {{.Server.APIVersion}}')
    const [version, theirs = ''] = own.split(' ')
    const minor = Math.min(51, Number(/^1\.(\d+)$/.exec(theirs)?.[1]))
    expect(await engine.version()).toEqual({ api: `1.${minor}`, engine: version })
  })

  it.each(['secret', 'config'] as const)(
    'keeps a %s, finds it by its whole name and labels, and lets it go',
    async kind => {
      const labels = { 'com.docker.stack.namespace': 'shop', color: 'blue' }
      const id = await engine.createObject(kind, 'shop_key', Buffer.from('value'), labels)
      await engine.createObject(kind, 'shop_key2', Buffer.from('value'), {})
      expect((await failure(engine.createObject(kind, 'shop_key', Buffer.from('value'), {}))).status).toBe(409)
      const [found, ...more] = await engine.objects(kind, { name: 'shop_key' })
      expect(more).toEqual([])
      expect(found?.ID).toBe(id)
      expect(await engine.objects(kind, { stack: 'shop', labels: ['color=blue'] })).toEqual([found])
      expect(await engine.objects(kind, { stack: 'shop', labels: ['color=red'] })).toEqual([])
      if (found === undefined) throw new Error('not found')
      await engine.labelObject(kind, found, { ...labels, color: 'red' })
      expect((await engine.objects(kind, { name: 'shop_key' }))[0]?.Spec.Labels?.['color']).toBe('red')
      expect((await failure(engine.labelObject(kind, found, labels))).message).toMatch(/out of sequence/)
      if (kind === 'config') expect((await engine.config(id))?.Spec.Data).toBe(Buffer.from('value').toString('base64'))
      expect(await engine.removeObject(kind, id)).toBe(true)
      expect(await engine.removeObject(kind, id)).toBe(true)
    }
  )

  it('shows services with their status, tasks, and the log of a task without its framing', async () => {
    const secret = await engine.createObject('secret', 'web_key', Buffer.from('x'), {})
    const heard: string[] = []
    const ear = new AbortController()
    const listening = (async () => {
      // from now on, also if the connection for it takes longer than the first change
      const filter = { types: ['service'], since: Date.now() - 1_000 }
      for await (const event of engine.events(filter, ear.signal)) heard.push(event.Action)
    })()
    await engine.call('POST', '/services/create', {
      body: {
        Name: 'web_app',
        Labels: { 'com.docker.stack.namespace': 'web' },
        TaskTemplate: {
          ContainerSpec: {
            Image: image,
            Command: ['sh', '-c', 'echo to stdout; echo to stderr >&2; exec sleep 1000'],
            Secrets: [{ SecretID: secret, SecretName: 'web_key', File: { Name: 'k', UID: '0', GID: '0', Mode: 292 } }]
          }
        },
        Mode: { Replicated: { Replicas: 1 } }
      }
    })
    const service = await until(async () =>
      (await engine.services('web')).find(each => each.ServiceStatus?.RunningTasks === 1)
    )
    expect(service.Spec.Name).toBe('web_app')
    expect(await engine.services('other')).toEqual([])
    const tasks = await engine.tasks([service.ID])
    expect(tasks.map(task => task.Status.State)).toEqual(['running'])
    expect(await engine.tasksOfStack('web')).toEqual(tasks)
    const [task] = tasks
    const lines = await until(async () => {
      const log = await engine.taskLogs(task?.ID ?? '', 10)
      return log.length === 2 ? log : undefined
    })
    expect([...lines].sort()).toEqual(['to stderr', 'to stdout'])
    expect(await engine.taskLogs(task?.ID ?? '', 1)).toHaveLength(1)
    expect(await engine.taskLogs('nosuchtask', 1)).toEqual([])
    expect((await engine.container(task?.Status.ContainerStatus?.ContainerID ?? ''))?.State?.ExitCode).toBe(0)
    expect(await engine.container('nosuchcontainer')).toBe(null)
    expect(await engine.removeObject('secret', secret)).toBe(false)
    const fresh = await engine.service(service.ID)
    await engine.updateService(service.ID, fresh?.Version.Index ?? 0, {
      ...service.Spec,
      Labels: { ...service.Spec.Labels, a: 'b' }
    })
    expect((await failure(engine.updateService(service.ID, 1, service.Spec))).message).toMatch(/out of sequence/)
    await engine.removeService(service.ID)
    await engine.removeService(service.ID)
    expect(await engine.service(service.ID)).toBe(null)
    await until(() => Promise.resolve(heard.includes('remove') ? true : undefined))
    ear.abort()
    await listening
    expect(heard).toEqual(expect.arrayContaining(['create', 'update', 'remove']))
  }, 30_000)

  it('makes and removes networks, and lists a stack’s own', async () => {
    const labels = { 'com.docker.stack.namespace': 'web' }
    const id = await engine.createNetwork({ Name: 'web_net', Driver: 'overlay', Labels: labels })
    expect((await engine.networks({ stack: 'web' })).map(network => network.Name)).toEqual(['web_net'])
    await engine.removeNetwork(id)
    await engine.removeNetwork(id)
    expect(await engine.networks({ stack: 'web' })).toEqual([])
  })

  it('finds the digest of a reference in its registry, in its own words when it cannot', async () => {
    expect((await engine.distribution(image)).digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect((await failure(engine.distribution(`${bed.registry}/nothing:here`))).status).toBeGreaterThanOrEqual(400)
  })

  it('removes volumes and images, gone ones too', async () => {
    await server.docker('volume', 'create', '--label', 'com.docker.stack.namespace=web', 'web_data')
    expect(await engine.volumes('web')).toEqual(['web_data'])
    expect(await engine.removeVolume('web_data')).toBe(true)
    expect(await engine.removeVolume('web_data')).toBe(true)
    expect(await engine.removeImage('nothing:here')).toBe(true)
  })
})
