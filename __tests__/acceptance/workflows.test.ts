import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { startGithub, type FakeGithub } from '../../testbed/github/server.ts'
import { stateOf } from '../../testbed/github/store.ts'
import { pushBase } from '../../testbed/images.ts'
import type { Server } from '../../testbed/server.ts'
import { scratch } from '../scratch.ts'
import { Actions, matrixOf } from './workflow-files.ts'

/** Each of the example workflows does on real servers what it says. Previews have a suite of their own. */
let bed: Bed
let github: FakeGithub
let actions: Actions
let base: string
const workspace = scratch('workflows')
const push = { name: 'push', payload: {} }
/** The registry of the bed takes no login, and nobody serves www.example.com. */
const here = {
  'pull-username': '',
  'pull-password': '',
  'registry-username': '',
  'registry-password': '',
  'verify-url': ''
}

beforeAll(async () => {
  // Two servers that are no swarm together.
  bed = await openBed({ name: 'workflows', servers: [{}, { joins: 'none' }] })
  const other = bed.servers[1]
  await other?.api('POST', '/swarm/init', { ListenAddr: '0.0.0.0:2377', AdvertiseAddr: other.address })
  github = await startGithub()
  actions = new Actions(bed, github, workspace)
  base = (await pushBase(bed.registry)).reference
}, 180_000)

afterAll(async () => {
  actions.clean()
  await github.close()
  await bed.close()
}, 60_000)

afterEach(() => {
  expect(github.violations).toEqual([])
})

const health = { test: ['CMD', '/bin/healthy'], interval: '500ms', timeout: '2s', retries: 3 }
const policy = { order: 'start-first', failure_action: 'rollback', monitor: '2s' }
const web = {
  build: '.',
  healthcheck: health,
  stop_grace_period: '1s',
  deploy: { replicas: 1, endpoint_mode: 'dnsrr', update_config: policy }
}

function write(version: string, services: object = { web }): void {
  writeFileSync(join(workspace, 'compose.yaml'), JSON.stringify({ services }))
  writeFileSync(join(workspace, 'Dockerfile'), `FROM ${base}\nENV VERSION=${version}\nCMD ["/bin/app"]\n`)
}

async function serving(stack: string, server: Server = bed.server): Promise<string> {
  const filter = `label=com.docker.swarm.service.name=${stack}_web`
  const [id = ''] = (await server.docker('ps', '-q', '--filter', filter)).trim().split('\n')
  return (await server.docker('exec', id, 'wget', '-q', '-O-', 'http://127.0.0.1:8080/version')).trim()
}

const states = () => github.repository.deployments.map(one => [one.environment, stateOf(one)])

describe('production.yml', () => {
  it('makes a push to main live, and a Deployment of it', async () => {
    write('1')
    const result = await actions.run({ file: 'production.yml', event: push, with: here })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed', stack: 'shop', release: 'r1' } })
    expect(await serving('shop')).toBe('version 1')
    expect(states()).toEqual([['production', 'success']])
  }, 120_000)

  it('is red, and the old version serves, when the new one is broken', async () => {
    write('broken', { web: { ...web, environment: { EXIT_AFTER: '0', EXIT_CODE: '3', PRINT_ERROR: 'no <database>' } } })
    const result = await actions.run({ file: 'production.yml', event: push, with: here })
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'rolled-back', stack: 'shop' } })
    expect(result.summary).toMatch(/^## ↩️ Rolled back/)
    expect(result.summary).toContain('no <database>')
    expect(await serving('shop')).toBe('version 1')
    expect(states()).toEqual([
      ['production', 'success'],
      ['production', 'failure']
    ])
  }, 120_000)
})

describe('rollback.yml', () => {
  it('goes back to the release that somebody chose, and says so on GitHub', async () => {
    write('2')
    await actions.run({ file: 'production.yml', event: push, with: here })
    expect(await serving('shop')).toBe('version 2')
    const result = await actions.run({
      file: 'rollback.yml',
      event: { name: 'workflow_dispatch', payload: { inputs: { release: 'r1' } } },
      values: { 'inputs.release': 'r1' },
      with: { 'pull-username': '', 'pull-password': '' }
    })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await serving('shop')).toBe('version 1')
    expect(result.summary).toContain('Releases to go back to')
    expect(github.repository.deployments.map(stateOf)).toEqual(['inactive', 'failure', 'inactive', 'success'])
  }, 180_000)

  it('says which releases there are when the one that was asked for is not', async () => {
    const result = await actions.run({
      file: 'rollback.yml',
      values: { 'inputs.release': 'r99; touch /tmp/pwned' },
      with: { 'pull-username': '', 'pull-password': '' }
    })
    expect(result).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(result.log).toMatch(/no release .*r99; touch[\s\S]*\br1\b/i)
    await expect(bed.server.exec(['ls', '/tmp/pwned'])).rejects.toThrow()
    expect(await serving('shop')).toBe('version 1')
  }, 60_000)
})

describe('migrations.yml', () => {
  const gated = (migrate: object) => ({
    migrate: { build: '.', ...migrate },
    web: { ...web, depends_on: { migrate: { condition: 'service_completed_successfully' } } }
  })

  it('runs the job to its end before it touches what waits for it', async () => {
    write('3', gated({ environment: { EXIT_AFTER: '1', PORT: '' } }))
    const result = await actions.run({ file: 'migrations.yml', event: push, with: { ...here, timeout: '90s' } })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await serving('shop')).toBe('version 3')
    expect(result.summary).toMatch(/migrate/)
  }, 120_000)

  it('leaves what waits for it as it is when it fails', async () => {
    write('4', gated({ environment: { EXIT_AFTER: '1', EXIT_CODE: '1', PORT: '', PRINT: 'relation exists' } }))
    const result = await actions.run({ file: 'migrations.yml', event: push, with: { ...here, timeout: '60s' } })
    expect(result).toMatchObject({ status: 'failure' })
    expect(result.log).toContain('relation exists')
    expect(await serving('shop')).toBe('version 3')
  }, 120_000)
})

describe('servers.yml', () => {
  it('deploys to each server, with a Deployment of its own', async () => {
    write('5')
    github.repository.deployments.length = 0
    const rows = matrixOf('servers.yml')
    expect(rows).toHaveLength(2)
    for (const [index, row] of rows.entries()) {
      const server = bed.servers[index] ?? bed.server
      const result = await actions.run({
        file: 'servers.yml',
        event: push,
        values: { 'matrix.name': row['name'] ?? '', 'matrix.host': row['host'] ?? '' },
        with: { ...here, host: server.host }
      })
      expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
      expect(await serving('shop', server)).toBe('version 5')
    }
    expect(states()).toEqual([
      ['production-europe', 'success'],
      ['production-america', 'success']
    ])
  }, 180_000)
})

describe('registry-less.yml', () => {
  it('carries the image over the connection', async () => {
    write('6')
    const result = await actions.run({ file: 'registry-less.yml', event: push })
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await serving('shop')).toBe('version 6')
    expect(JSON.parse(result.outputs['images'] ?? '{}')).not.toMatchObject({
      web: expect.stringContaining(bed.registry)
    })
  }, 120_000)
})
