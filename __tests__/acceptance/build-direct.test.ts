import { describe, expect, it, jest } from '@jest/globals'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { until } from '../../testbed/processes.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import type { Service } from '../../src/engine-types.js'
import { UserError } from '../../src/errors.js'
import { readJob } from '../../src/job.js'
import { directPorts } from '../../src/images/direct.js'
import type { Stack } from '../../src/model.js'
import { carryBuilds } from '../../src/pipelines/images/carry-builds.js'
import type { BuiltImages } from '../../src/pipelines/images/build-images.js'
import type { Host, Ports } from '../../src/ports.js'
import { openRegistrySession } from '../../src/stages/login.js'
import { openDirectRegistry } from '../../src/stages/transfer.js'
import { scratch } from '../scratch.ts'
import { Caller } from './ssh-caller.ts'
import { stageRun } from './stages.ts'

jest.setTimeout(120_000)

interface World extends AsyncDisposable {
  readonly bed: Bed
  readonly host: Host
  readonly ports: Ports
  readonly lines: string[]
}

async function world(options: Parameters<typeof openBed>[0]): Promise<World> {
  const bed = await openBed({ registry: false, ...options })
  const { server, sshKey, knownHosts } = bed
  const host = await new Caller().connect({ host: server.host, key: sshKey, knownHosts })
  const run = await stageRun(server)
  const ports = { ...run.ports, env: { ...run.ports.env, ...bed.builderEnv } }
  const close = async () => {
    await host[Symbol.asyncDispose]()
    await bed.close()
  }
  return { bed, host, ports, lines: run.lines, [Symbol.asyncDispose]: close }
}

/** A context whose image runs busybox, and tells what it was made of. */
async function context(text: string): Promise<string> {
  const folder = scratch('direct')
  copyFileSync((await ensureToolchain('28')).busybox, join(folder, 'busybox'))
  writeFileSync(join(folder, 'text'), text)
  writeFileSync(
    join(folder, 'Dockerfile'),
    'FROM scratch\nCOPY busybox /bin/busybox\nCOPY text /text\nENTRYPOINT ["/bin/busybox"]\nCMD ["sleep", "100000"]\n'
  )
  return folder
}

const node = (containerdStore: boolean) =>
  containerdStore ? { daemon: { features: { 'containerd-snapshotter': true } } } : {}

async function carry(
  { ports, host }: Pick<World, 'ports' | 'host'>,
  folder: string,
  services?: Stack,
  stack = 'shop'
): Promise<BuiltImages> {
  await using session = await openRegistrySession(ports, { verify: false })
  const names = Object.keys(services?.services ?? { web: 1 })
  return await carryBuilds(ports, host, {
    builds: names.map(service => ({ service, build: { context: folder } })),
    services: services ?? { services: { web: { image: '' } } },
    live: await host.engine.services(stack),
    values: new Map(),
    stack,
    tags: [],
    job: { ...readJob({}, undefined), commit: '0123456789abcdef0123456789abcdef01234567' },
    platforms: ['linux/amd64'],
    cache: 'auto',
    mode: 'auto',
    session,
    workspace: folder
  })
}

describe.each([
  ['a builder with the containerd store and a classic node', true, false],
  ['a classic builder and a classic node', false, false],
  ['a builder and a node with the containerd store', true, true]
])('%s', (_, containerdStore, onNode) => {
  it('brings an image to the node that has neither registry nor us afterwards', async () => {
    await using here = await world({ name: 'direct', builder: { containerdStore }, servers: [node(onNode)] })
    const { bed, host, lines } = here
    const image = (await carry(here, await context('one'))).images['web'] ?? ''
    expect(image).toMatch(/^127\.0\.0\.1:6[1-4]\d{3}\/shop-web:content-[0-9a-f]{24}@sha256:[0-9a-f]{64}$/)
    expect(lines.join('\n')).toMatch(/Carried 2\.\d MB in |Carried [1-3]\.\d MB in /)
    const create = ['service', 'create', '--name', 'shop_web', '--no-resolve-image', '--restart-delay', '100ms']
    await bed.server.docker(...create, '--label', 'com.docker.stack.namespace=shop', image)
    const text = async (): Promise<string | undefined> => {
      const id = (await bed.server.docker('ps', '-q', '--filter', 'name=shop_web')).split('\n')[0] ?? ''
      return id === '' ? undefined : await bed.server.docker('exec', id, '/bin/busybox', 'cat', '/text')
    }
    expect(await until('the task', 30_000, text)).toBe('one')
    lines.length = 0
    expect((await carry(here, await context('one'))).images['web']).toBe(image)
    expect(lines).toContain('web: the node runs this content already, nothing to build or carry.')
    // From here on the runner is gone.
    await host[Symbol.asyncDispose]()
    const before = await bed.server.docker('ps', '-q', '--filter', 'name=shop_web')
    await bed.server.docker('rm', '-f', before)
    await until('another task', 30_000, async () =>
      (await text()) === 'one' && (await bed.server.docker('ps', '-q')) !== before ? true : undefined
    )
    await bed.server.powerOff()
    await bed.server.powerOn()
    expect(await until('the task after a restart of the node', 60_000, text)).toBe('one')
    await bed.server.docker('service', 'scale', 'shop_web=2')
  })
})

it('carries only what the node lacks', async () => {
  await using here = await world({ name: 'direct', builder: { containerdStore: true } })
  const sent = () => here.lines.flatMap(line => /^Carried ([\d.]+) MB/.exec(line)?.slice(1) ?? []).map(Number)
  await carry(here, await context('one'))
  await carry(here, await context('two'))
  expect(sent()).toHaveLength(2)
  expect(sent()[1]).toBeLessThan(0.1)
})

describe('two deploys at once', () => {
  /** Another stack whose best port is the same. */
  const rival = (() => {
    const best = (stack: string) => directPorts(stack)[0]
    for (let number = 1; ; number++) if (best(`shop-${number}`) === best('shop')) return `shop-${number}`
  })()
  const port = (images: BuiltImages) => Number(/^127\.0\.0\.1:(\d+)\//.exec(images.images['web'] ?? '')?.[1])
  const [best, second] = directPorts('shop')

  it('that want the same port of the server carry each its own image', async () => {
    await using here = await world({ name: 'direct', builder: { containerdStore: true } })
    const { bed, ports } = here
    await using host = await new Caller().connect({
      host: bed.server.host,
      key: bed.sshKey,
      knownHosts: bed.knownHosts
    })
    const [one, two] = [await context('one'), await context('two')]
    const images = await Promise.all([carry(here, one), carry({ ports, host }, two, undefined, rival)])
    expect(images.map(port)).toEqual([best, best])
    const texts = images.map(({ images: { web = '' } }) =>
      bed.server.docker('run', '--rm', '--network=none', web, 'cat', '/text')
    )
    expect(await Promise.all(texts)).toEqual(['one', 'two'])
  })

  it('wait for the one that has the port, and take another when it keeps it', async () => {
    await using here = await world({ name: 'direct', builder: { containerdStore: true } })
    const { bed, ports, host } = here
    await using other = await new Caller().connect({
      host: bed.server.host,
      key: bed.sshKey,
      knownHosts: bed.knownHosts
    })
    let held = await openDirectRegistry(ports, other, rival, [])
    const when = (sleep: () => Promise<void>, now = ports.clock.now) =>
      ({ host, ports: { ...ports, clock: { ...ports.clock, sleep, now } } }) as const
    let waited = false
    const released = await carry(
      when(async () => {
        if (waited) return await ports.clock.sleep(1_000)
        waited = true
        await held[Symbol.asyncDispose]()
      }),
      await context('one')
    )
    expect(port(released)).toBe(best)
    held = await openDirectRegistry(ports, other, rival, [])
    expect(held.address).toBe(`127.0.0.1:${best}`)
    let later = 0
    const impatient = when(
      async () => {
        later += 30_000
        await ports.clock.sleep(100)
      },
      () => ports.clock.now() + later
    )
    expect(port(await carry(impatient, await context('two')))).toBe(second)
    await held[Symbol.asyncDispose]()
  })
})

it('says that the disk of the node is full', async () => {
  await using here = await world({ name: 'direct', builder: { containerdStore: true } })
  // Where the engine puts what it fetches, before it unpacks it.
  await here.bed.server.exec(['mkdir', '-p', '/var/lib/docker/tmp'])
  await here.bed.server.exec(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/var/lib/docker/tmp'])
  const error = await carry(here, await context('one')).then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  expect(error).toBeInstanceOf(UserError)
  expect((error as UserError).message).toMatch(/^The disk of .* is full: the image does not fit\.$/)
})

it('refuses a service that may run where we are not', async () => {
  await using here = await world({ name: 'direct', servers: 2, builder: true })
  const [one] = here.bed.servers
  const pinned = (constraint: string): Stack => ({
    services: { web: { image: '', deploy: { placement: { constraints: [constraint] } } } }
  })
  const refused = async (services?: Stack) =>
    await carry(here, await context('one'), services).then(
      () => 'carried',
      (error: unknown) => (error instanceof UserError ? error.message : String(error))
    )
  expect(await refused()).toMatch(
    /^Service web may also run on sb\d+-2, and `transfer: direct` brings its image to the connected node only\.$/
  )
  expect(await refused(pinned('node.role == worker'))).toMatch(/^Service web may also run on/)
  expect(await refused(pinned(`node.hostname == ${one?.name ?? ''}`))).toBe('carried')
  const services = (await here.host.engine.services('shop')) as readonly Service[]
  expect(services).toEqual([])
})
