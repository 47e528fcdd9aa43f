import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

// The machine may be busy with other beds.
jest.setTimeout(120_000)

/** A port of the routing mesh is one service's: it moves between those of a stack, there and back. */
let bed: Bed
let images: readonly Pushed[]
let workshop: Workshop

beforeAll(async () => {
  bed = await openBed({ name: 'ports' })
  images = await pushVersions(bed.registry)
  workshop = new Workshop(bed, { stack: 'shop', 'stable-for': '1s' })
}, 240_000)

afterAll(async () => {
  workshop.close()
  await bed?.close()
})

const port = { ports: ['9191:80'] }
const service = (more: Readonly<Record<string, unknown>> = {}): object =>
  web(images[0]?.reference ?? '', { deploy: { endpoint_mode: 'vip' }, ...more })
const crash = { environment: { EXIT_AFTER: '0', EXIT_CODE: '7' } }

/**
 * Key of each service of the stack, with the ports that it publishes; when what was replaced has ended, which a good rollout does not wait for.
 */
async function published(): Promise<Readonly<Record<string, string>>> {
  const list = () => bed.server.docker('service', 'ls', '--format', '{{.Name}} {{.Replicas}} {{.Ports}}')
  let lines = await list()
  for (let i = 0; i < 50 && / [2-9]\/1/.test(lines); i++) {
    await new Promise(resolve => setTimeout(resolve, 200))
    lines = await list()
  }
  const rows = lines.split('\n').filter(line => line !== '')
  return Object.fromEntries(
    rows.map(row => [row.slice('shop_'.length, row.indexOf(' ')), row.slice(row.indexOf(' ')).trim()])
  )
}
const open = '1/1 *:9191->80/tcp'

describe('a published port', () => {
  it('goes to the service that another is renamed to', async () => {
    expect((await workshop.compose({ web: service(port), api: service() }).run()).outputs['status']).toBe('deployed')
    const result = await workshop.compose({ app: service(port), api: service() }).run()
    expect(`${result.outputs['status']}\n${result.log}`).toMatch(/^deployed/)
    expect(result.log).toContain('shop_web gives 9191/tcp away')
    expect(await published()).toEqual({ app: open, api: '1/1' })
  })

  it('goes from one that stays to a new one, and to another that is there', async () => {
    const front = await workshop.compose({ app: service(), api: service(), front: service(port) }).run()
    expect(`${front.outputs['status']}\n${front.log}`).toMatch(/^deployed/)
    expect(await published()).toEqual({ app: '1/1', api: '1/1', front: open })
    const api = await workshop.compose({ app: service(), api: service(port), front: service() }).run()
    expect(`${api.outputs['status']}\n${api.log}`).toMatch(/^deployed/)
    expect(await published()).toEqual({ app: '1/1', api: open, front: '1/1' })
  })

  it('goes back with the release that had it elsewhere', async () => {
    const result = await workshop.run({ command: 'rollback', release: 'r2' })
    expect(`${result.outputs['status']}\n${result.log}`).toMatch(/^deployed/)
    expect(await published()).toEqual({ app: open, api: '1/1' })
  })

  it.each([
    ['one that is renamed', () => ({ srv: service({ ...port, ...crash }), api: service() })],
    ['one that stays', () => ({ app: service(), api: service(), front: service({ ...port, ...crash }) })]
  ])('is given back to %s, where the one that got it does not run', async (_, services) => {
    const result = await workshop.compose(services()).run({ timeout: '90s' })
    expect(`${result.outputs['status']}\n${result.log}`).toMatch(/^rolled-back/)
    expect(await published()).toEqual({ app: open, api: '1/1' })
    const again = await workshop.compose({ app: service(port), api: service() }).run()
    expect(`${again.outputs['status']}\n${again.log}`).toMatch(/^(unchanged|deployed)/)
    expect(await published()).toEqual({ app: open, api: '1/1' })
  })

  it('goes to one whose turn comes before that of the one that has it', async () => {
    const app = service({ depends_on: { api: { condition: 'service_healthy' } } })
    const result = await workshop.compose({ app, api: service(), front: service(port) }).run()
    expect(`${result.outputs['status']}\n${result.log}`).toMatch(/^deployed/)
    expect(await published()).toEqual({ app: '1/1', api: '1/1', front: open })
  })

  it('changes places with another', async () => {
    const other = { ports: ['9192:80'] }
    await workshop.compose({ app: service(other), api: service(), front: service(port) }).run()
    const result = await workshop.compose({ app: service(port), api: service(), front: service(other) }).run()
    expect(`${result.outputs['status']}\n${result.log}`).toMatch(/^deployed/)
    expect(await published()).toEqual({ app: open, api: '1/1', front: '1/1 *:9192->80/tcp' })
  })
})

describe('what Swarm cannot change', () => {
  const networks = { back: {} }
  const stack = (migrate: object, back: object) =>
    workshop.compose({ web: service({ networks: ['back'] }), migrate }, { networks: { back } })
  const job = () => ({ ...service(), deploy: { mode: 'replicated-job', restart_policy: { condition: 'none' } } })

  it('is said before anything is changed, all of it', async () => {
    const fixed = new Workshop(bed, { stack: 'fixed', 'stable-for': '1s' })
    workshop.close()
    workshop = fixed
    expect((await stack(service(), networks.back).run()).outputs['status']).toBe('deployed')
    const result = await stack(job(), { internal: true, driver_opts: { encrypted: '' } }).run()
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toContain('migrate is `replicated` in the swarm and is to be `replicated-job`')
    expect(result.log).toContain(
      'The network back is there, but not as the compose file wants it (internal: wanted, encrypted: wanted)'
    )
    expect(result.log).toContain('Nothing that runs was changed.')
    expect((await stack(service(), networks.back).run()).outputs['status']).toBe('unchanged')
    const renamed = await workshop
      .compose(
        {
          web: service({ networks: ['inside'] }),
          'migrate-job': { ...job(), environment: { PORT: '', EXIT_AFTER: '0' } }
        },
        { networks: { inside: { internal: true } } }
      )
      .run()
    expect(`${renamed.outputs['status']}\n${renamed.log}`).toMatch(/^deployed/)
    expect(await bed.server.docker('network', 'inspect', '-f', '{{.Internal}}', 'fixed_inside')).toMatch(/^true/)
  })
})
