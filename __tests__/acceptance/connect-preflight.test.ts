import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { systemClock } from '../../src/adapters/clock.js'
import { preflight, type PreflightOptions, type PreflightReport } from '../../src/stages/preflight.js'
import type { Ports } from '../../src/ports.js'
import { openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { Caller } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
let worker: Server
let outside: Server
beforeAll(async () => {
  bed = await openBed({ name: 'preflight', servers: [{}, {}, { joins: 'none' }], builder: false })
  ;[, worker, outside] = bed.servers as [Server, Server, Server]
}, 120_000)
afterAll(async () => {
  await bed.close()
})

const ports = { clock: systemClock } as Ports
const nothing: PreflightOptions = { externals: { networks: [], volumes: [] } }

const look = async (server: Server, options = nothing): Promise<PreflightReport> => {
  await using host = await new Caller().connect({ host: server.host, key: bed.sshKey, knownHosts: bed.knownHosts })
  return await preflight(ports, host, options)
}

const words = (report: PreflightReport): string =>
  report.problems.map(problem => `${problem.message} ${problem.remedy ?? ''}`).join('\n')

describe('preflight', () => {
  it('finds nothing on a swarm that is well, in few requests', async () => {
    const caller = new Caller()
    const host = await caller.connect({ host: bed.server.host, key: bed.sshKey, knownHosts: bed.knownHosts })
    const report = await preflight(ports, host, nothing)
    await host[Symbol.asyncDispose]()
    expect(report.problems).toEqual([])
    expect(report.checks.map(check => `${check.name} ${check.state}`)).toEqual([
      'engine ok',
      'swarm ok',
      'managers ok',
      'nodes ok',
      'clock ok',
      'disk ok'
    ])
    expect(report.checks.find(({ name }) => name === 'nodes')?.detail).toBe('2 × linux/amd64')
    // six connections opened by as many pings, and a question each for the engine and for the nodes
    expect(caller.lines.join()).toContain('Engine API requests: 8')
  })

  it('says how to get a swarm, where there is none', async () => {
    expect(words(await look(outside))).toMatch(/swarm mode is not active.*docker swarm init.*command: setup/)
  })

  it('says who is a manager, where the server is none', async () => {
    expect(words(await look(worker))).toMatch(
      new RegExp(`is a worker.*${bed.server.address.replaceAll('.', '\\.')}.*docker node promote ${worker.name}`)
    )
  })

  it('names every external thing that is missing, at once', async () => {
    await bed.server.docker('network', 'create', 'local-one')
    await bed.server.docker('network', 'create', '-d', 'overlay', 'shared')
    await bed.server.docker('volume', 'create', 'there')
    const externals = { networks: ['shared', 'host', 'local-one', 'missing'], volumes: ['there', 'elsewhere'] }
    const report = await look(bed.server, { ...nothing, externals })
    expect(words(report)).toMatch(/local-one belongs to one node only[\s\S]*missing does not exist/)
    expect(report.problems).toHaveLength(2)
    const warnings = report.checks.filter(check => check.state === 'warning')
    expect(warnings.map(check => check.detail)).toEqual([
      expect.stringContaining('elsewhere is not on the connected node')
    ])
  })

  it('asks the manager for the registry that the nodes will pull from', async () => {
    const about = async (repository: string) => {
      const { checks, problems } = await look(bed.server, { ...nothing, repositories: [repository] })
      return { check: checks.find(({ name }) => name === 'registry'), problems }
    }
    expect((await about(`${bed.registry}/no/such-image`)).check).toEqual({
      name: 'registry',
      state: 'ok',
      detail: `${bed.registry} answers the manager`
    })
    const closed = await about(`${bed.address}:5999/shop/web`)
    expect(closed.check?.detail).toMatch(/5999 cannot be reached from the manager.*connection refused/)
    expect(closed.problems).toHaveLength(1)
    const nameless = await about('registry.invalid/shop/web')
    expect(nameless.check).toMatchObject({
      state: 'problem',
      detail: expect.stringMatching(/registry\.invalid cannot be reached/)
    })
  })

  it('warns of a node that is down, and stops where no node can take a task', async () => {
    await bed.server.docker('node', 'update', '--availability', 'drain', bed.server.name)
    await bed.server.docker('node', 'update', '--availability', 'pause', worker.name)
    expect(words(await look(bed.server))).toMatch(/No node of the swarm is ready and active/)
    await bed.server.docker('node', 'update', '--availability', 'active', bed.server.name)
    await worker.powerOff()
    const down = async (): Promise<string> => await bed.server.docker('node', 'ls', '--format', '{{.Status}}')
    while (!(await down()).includes('Down')) await new Promise(done => setTimeout(done, 500))
    const report = await look(bed.server)
    expect(report.problems).toEqual([])
    expect(report.checks.find(check => check.name === 'nodes')).toMatchObject({
      state: 'warning',
      detail: `1 × linux/amd64; down: ${worker.name}`
    })
  }, 60_000)
})
