import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

/** A part of a volume, which an engine before 26 takes for the whole volume without a word. */
let bed: Bed
let workshop: Workshop
let version: string
let image: string

beforeAll(async () => {
  bed = await openBed({ name: 'old-engine', builder: false })
  version = await bed.server.docker('version', '--format', '{{.Server.Version}}')
  image = (await pushApp(bed.registry, { name: 'app:1' })).reference
  workshop = new Workshop(bed, { stack: 'shop' })
  await bed.server.docker('volume', 'create', 'data')
  // the folder in it, made by a container that has the whole of it
  await bed.server.docker('run', '--rm', '-v', 'data:/all', '--entrypoint', 'mkdir', image, '/all/deep')
}, 180_000)

afterAll(async () => {
  workshop.close()
  await bed.close()
}, 60_000)

interface Finding {
  readonly rule: string
  readonly level: string
  readonly message: string
  readonly line?: number
}

const deploy = async (silence: object = {}) => {
  const volumes = [{ type: 'volume', source: 'data', target: '/data', volume: { subpath: 'deep' } }]
  workshop.compose(
    { web: web(image, { volumes, ...silence }) },
    { volumes: { data: { external: true, name: 'data' } } }
  )
  const { status, outputs } = await workshop.run()
  const findings = JSON.parse(outputs['findings'] ?? '[]') as readonly Finding[]
  return { status, findings: findings.filter(({ rule }) => rule === 'old-engine') }
}

const mounted = async (): Promise<string> => {
  const [id = ''] = (await bed.server.docker('ps', '-q', '--filter', 'name=shop_web')).split('\n')
  return bed.server.docker('exec', id, 'ls', '/data')
}

it('is a part on an engine that knows it; a deploy to an older one stops before anything is changed', async () => {
  const { status, findings } = await deploy()
  if (Number.parseInt(version, 10) >= 26) {
    expect({ status, findings }).toEqual({ status: 'success', findings: [] })
    expect(await mounted()).toBe('')
  } else {
    expect(status).toBe('failure')
    expect(findings).toEqual([
      expect.objectContaining({
        level: 'error',
        message: `\`subpath\` of the volume at /data of web needs Docker Engine 26, and ${bed.server.name} has ${version}: older ones mount the whole volume, without a word.`,
        line: expect.any(Number)
      })
    ])
    expect(await bed.server.docker('service', 'ls', '-q')).toBe('')
  }
}, 120_000)

it('is what was said of it, where the user would have it all the same', async () => {
  const { status, findings } = await deploy({ 'x-swarm-rollout': { ignore: ['old-engine'] } })
  expect({ status, findings }).toEqual({ status: 'success', findings: [] })
  expect(await mounted()).toBe(Number.parseInt(version, 10) >= 26 ? '' : 'deep')
}, 120_000)
