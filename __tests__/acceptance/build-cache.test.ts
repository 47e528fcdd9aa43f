import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { startCacheService, type CacheService } from '../../testbed/cache-service.ts'
import { pushApp } from '../../testbed/images.ts'
import { githubBuildCache } from '../../src/adapters/cache.js'
import { readJob } from '../../src/job.js'
import { buildImages, type BuildRequest } from '../../src/pipelines/images/build-images.js'
import type { Ports } from '../../src/ports.js'
import { openRegistrySession } from '../../src/stages/login.js'
import { scratch } from '../scratch.ts'
import { stageRun, type StageRun } from './stages.ts'

jest.setTimeout(120_000)

let bed: Bed
let run: StageRun
let ports: Ports
let service: CacheService
let folder: string

beforeAll(async () => {
  bed = await openBed({ name: 'cache', builder: { containerdStore: true } })
  run = await stageRun(bed.server)
  service = await startCacheService()
  const temp = scratch('cache')
  // The client of the cache service reads its own process's environment.
  Object.assign(process.env, service.env, { RUNNER_TEMP: temp, GITHUB_WORKSPACE: temp })
  ports = {
    ...run.ports,
    env: { ...run.ports.env, ...bed.builderEnv, RUNNER_OS: 'Linux', RUNNER_ARCH: 'X64' },
    cache: githubBuildCache(temp, run.ports.log)
  }
  const base = (await pushApp(bed.registry, { name: 'base:1' })).reference
  folder = scratch('context')
  writeFileSync(
    join(folder, 'Dockerfile'),
    `FROM ${base} AS build\nRUN echo made slow | tee /slow\nFROM ${base}\nCOPY --from=build /slow /slow\nRUN echo made last | tee /last\n`
  )
}, 240_000)

afterAll(async () => {
  for (const name of Object.keys(service?.env ?? {})) Reflect.deleteProperty(process.env, name)
  await service?.[Symbol.asyncDispose]()
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

async function build(cache: BuildRequest['cache']): Promise<string[]> {
  run.lines.length = 0
  // As on a hosted runner: a builder that remembers nothing.
  await bed.builder?.docker('builder', 'prune', '--all', '--force')
  await bed.builder?.docker('image', 'prune', '--all', '--force')
  await using session = await openRegistrySession(ports, { registry: bed.registry, verify: false })
  await buildImages(ports, {
    builds: [{ service: 'web', build: { context: folder, network: 'none' } }],
    values: new Map(),
    stack: 'shop',
    registry: bed.registry,
    tags: [],
    job: { ...readJob({}, undefined), refName: 'main', ref: 'refs/heads/main' },
    platforms: ['linux/amd64'],
    cache,
    mode: 'always',
    session,
    workspace: folder
  })
  return [...run.lines]
}

/** The steps that were carried out, by what they print; one that comes from a cache prints nothing. */
const ran = (lines: string[]) => lines.flatMap(line => /^#\d+ [\d.]+ made (\w+)$/.exec(line)?.[1] ?? [])

it('carries a folder from run to run by the cache service, and saves it only when it changed', async () => {
  expect(ran(await build('local'))).toEqual(['slow', 'last'])
  expect(service.saved).toEqual([expect.stringMatching(/^swarm-rollout-Linux-X64-shop-[0-9a-f]{16}$/)])
  const second = await build('local')
  expect(ran(second)).toEqual([])
  expect(second).toContain(`Build cache ${service.saved[0]}.`)
  expect(service.saved).toHaveLength(1)
})

it('keeps the cache of a build in the registry', async () => {
  expect(ran(await build('registry'))).toEqual(['slow', 'last'])
  expect(ran(await build('registry'))).toEqual([])
})

it('keeps the last stage of a build in the image itself', async () => {
  expect(ran(await build('auto'))).toEqual(['slow', 'last'])
  expect(ran(await build('auto'))).toEqual([])
})

it('keeps nothing when told to', async () => {
  await build('none')
  expect(ran(await build('none'))).toEqual(['slow', 'last'])
})
