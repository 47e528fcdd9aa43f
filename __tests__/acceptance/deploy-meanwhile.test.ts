import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createServer, request, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { scratch } from '../scratch.ts'
import { Workshop, web } from './workshop.ts'

/** What a deploy finds that somebody, or a run that was killed, has done to the stack; jobs run once all the same. */
let bed: Bed
let versions: Pushed[]

beforeAll(async () => {
  bed = await openBed({ name: 'between', builder: false })
  versions = await pushVersions(bed.registry)
}, 180_000)

afterAll(async () => {
  await bed.close()
}, 60_000)

const image = (version: 1 | 2): string => versions[version - 1]?.reference ?? ''
const pinned = (version: 1 | 2): string => versions[version - 1]?.pinned ?? ''
const once = (environment: object = {}): object => ({
  image: image(1),
  environment: { PORT: '', EXIT_AFTER: '0', ...environment },
  deploy: { mode: 'replicated-job', restart_policy: { condition: 'none' } }
})

interface Live {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: { readonly Labels: Record<string, string> } & Record<string, unknown>
}
interface LiveTask {
  readonly Status: { readonly State: string }
  readonly Spec: { readonly ContainerSpec: { readonly Image: string; readonly Env: readonly string[] } }
}
const service = (name: string) => bed.server.api('GET', `/services/${name}`) as Promise<Live>
const tasks = (name: string) =>
  bed.server.api('GET', `/tasks?filters=${encodeURIComponent(JSON.stringify({ service: [name] }))}`) as Promise<
    LiveTask[]
  >

/** The engine's socket, behind which somebody is faster each of the first `times` that the CLI updates this service. */
async function someoneFaster(
  name: string,
  times: number
): Promise<Disposable & { socket: string; hits: () => number }> {
  const folder = scratch('faster')
  const { ID } = await service(name)
  let hits = 0
  const changeIt = async () => {
    const { Version, Spec } = await service(name)
    const theirs = { ...Spec, Labels: { ...Spec.Labels, somebody: `${++hits}` } }
    await bed.server.api('POST', `/services/${ID}/update?version=${Version.Index}`, theirs)
  }
  const server = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming
    const isUpdate =
      method === 'POST' && url.includes(`/services/${ID}/update`) && /docker-client/i.test(headers['user-agent'] ?? '')
    const before = isUpdate && hits < times ? changeIt() : Promise.resolve()
    void before.then(() => {
      const onward = request({ socketPath: bed.server.socket, method, path: url, headers }, answer => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      onward.on('error', () => outgoing.destroy())
      outgoing.on('close', () => onward.destroy())
      incoming.pipe(onward)
    })
  })
  const socket = join(folder, 'docker.sock')
  await new Promise<void>(done => server.listen(socket, done))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { socket, hits: () => hits, [Symbol.dispose]: close }
}

/** Takes every request and answers none. */
async function silentServer(): Promise<{ server: HttpServer; url: string }> {
  const server = createServer(() => undefined)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

describe('a deploy', () => {
  it('that somebody is faster than, twice, hands over only what is missing: each job runs once', async () => {
    const workshop = new Workshop(bed, { stack: 'faster' })
    const jobs = (VERSION: string) => ({ a: once({ VERSION }), b: once({ VERSION }), c: once({ VERSION }) })
    await workshop.compose({ web: web(image(1)), ...jobs('1') }).run()
    using faster = await someoneFaster('faster_web', 2)
    const result = await workshop
      .compose({ web: web(image(2)), ...jobs('2') })
      .run({ host: `unix://${faster.socket}`, 'ssh-key': '', 'ssh-known-hosts': '' })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r2' } })
    expect(faster.hits()).toBe(2)
    const ran = (await Promise.all(['a', 'b', 'c'].map(key => tasks(`faster_${key}`)))).map(
      list => list.filter(({ Spec }) => Spec.ContainerSpec.Env.includes('VERSION=2')).length
    )
    expect(ran).toEqual([1, 1, 1])
    expect((await service('faster_web')).Spec.Labels).not.toHaveProperty('somebody')
    workshop.close()
  }, 180_000)

  it('makes a job anew whose image somebody changed, which then runs once, as the file says', async () => {
    const workshop = new Workshop(bed, { stack: 'job' })
    const files = { web: web(image(1)), migrate: once() }
    expect((await workshop.compose(files).run()).outputs['status']).toBe('deployed')
    await bed.server.docker('service', 'update', '--detach', '--no-resolve-image', '--image', image(2), 'job_migrate')
    const changed = await service('job_migrate')
    const result = await workshop.run()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', release: 'r2' } })
    // "its last update had not finished" comes first where the job of the change by hand is still starting
    expect(result.log).toMatch(/migrate: .*changed by hand \(image/)
    expect((await service('job_migrate')).ID).not.toBe(changed.ID)
    expect((await tasks('job_migrate')).map(({ Status, Spec }) => [Status.State, Spec.ContainerSpec.Image])).toEqual([
      ['complete', pinned(1)]
    ])
    expect((await workshop.run()).outputs).toMatchObject({ status: 'unchanged', release: 'r2' })
    workshop.close()
  }, 180_000)

  it('of what a killed run had brought up to the end proves it, and restarts nothing', async () => {
    const workshop = new Workshop(bed, { stack: 'killed' })
    await workshop.compose({ web: web(image(1)), migrate: once() }).run()
    const { server, url } = await silentServer()
    const killed = workshop
      .compose({ web: web(image(2)), migrate: once({ VERSION: '2' }) })
      .start({ 'verify-url': url })
    await killed.waitForLog(/web +deployed: 1 of 1 task runs/, 90_000)
    const result = await killed.kill()
    // as the post step would, and 90 s would
    await bed.server.docker('config', 'rm', 'killed.lock')
    const before = await Promise.all([service('killed_web'), service('killed_migrate')])
    const next = await workshop.run()
    expect(next).toMatchObject({
      status: 'success',
      outputs: { status: 'deployed', release: 'r3', 'previous-release': 'r1' }
    })
    const after = await Promise.all([service('killed_web'), service('killed_migrate')])
    expect(after.map(({ Version }) => Version.Index)).toEqual(before.map(({ Version }) => Version.Index))
    expect((await workshop.run()).outputs).toMatchObject({ status: 'unchanged', release: 'r3' })
    const back = await workshop.run({ command: 'rollback' })
    expect(back.outputs).toMatchObject({ status: 'deployed', release: 'r4' })
    expect(JSON.stringify((await service('killed_web')).Spec)).toContain(pinned(1))
    result.clean()
    server.closeAllConnections()
    server.close()
    workshop.close()
  }, 300_000)
})
