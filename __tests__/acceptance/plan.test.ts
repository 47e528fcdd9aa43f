import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushBase, pushVersions, type Pushed } from '../../testbed/images.ts'
import { until } from '../../testbed/processes.ts'
import { Workshop, web } from './workshop.ts'

/** What plan says is what deploy then does. */
let bed: Bed
let versions: Pushed[]
let base: Pushed
let workshop: Workshop

beforeAll(async () => {
  bed = await openBed({ name: 'plan' })
  ;[versions, base] = await Promise.all([pushVersions(bed.registry), pushBase(bed.registry)])
  // the bridge that a new swarm makes on its node by itself, some time after it was told to begin: no plan's doing
  await until('docker_gwbridge', 30_000, () => bed.server.docker('network', 'inspect', 'docker_gwbridge'))
  workshop = new Workshop(bed, {
    stack: 'planned',
    registry: `${bed.registry}/octocat`,
    secrets: 'API_KEY=first-value'
  })
}, 180_000)

afterAll(async () => {
  workshop.close()
  await bed.close()
}, 60_000)

const image = (version: 1 | 2 | 3): string => versions[version - 1]?.reference ?? ''
const secrets = { secrets: { api_key: { external: true } } }

/** Everything about the swarm that a plan must leave as it is. */
async function fingerprint(): Promise<string> {
  const parts = await Promise.all([
    bed.server.docker('service', 'ls', '-q'),
    bed.server.docker('config', 'ls', '-q'),
    bed.server.docker('secret', 'ls', '-q'),
    bed.server.docker('network', 'ls', '-q')
  ])
  return parts.join('\n')
}

interface PlannedChange {
  readonly service: string
  readonly kind: string
  readonly fields: readonly { readonly name: string; readonly after?: string }[]
}

async function planned(inputs: Record<string, string> = {}): Promise<readonly PlannedChange[]> {
  const before = await fingerprint()
  const result = await workshop.run({ command: 'plan', ...inputs })
  expect(result).toMatchObject({ status: 'success', outputs: { status: 'planned' } })
  expect(await fingerprint()).toBe(before)
  return JSON.parse(result.outputs['changes'] ?? '') as PlannedChange[]
}

const kinds = (changes: readonly PlannedChange[]): Record<string, string> =>
  Object.fromEntries(changes.map(({ service, kind }) => [service, kind]))

describe('a plan', () => {
  it('of a new stack creates everything, and changes nothing itself', async () => {
    workshop
      .write({
        'app/Dockerfile': 'ARG BASE\nFROM ${BASE}\nCOPY page /page\nCMD ["sleep", "1000"]\n',
        'app/page': 'one\n'
      })
      .compose(
        {
          web: web(image(1), { secrets: ['api_key'] }),
          built: {
            build: { context: './app', args: { BASE: base.reference } },
            stop_grace_period: '1s',
            deploy: { endpoint_mode: 'dnsrr' }
          }
        },
        secrets
      )
    expect(kinds(await planned())).toEqual({ web: 'create', built: 'create' })
  }, 60_000)

  it('right after a deploy is empty', async () => {
    expect(await workshop.run()).toMatchObject({ outputs: { status: 'deployed' } })
    expect(kinds(await planned())).toEqual({ web: 'unchanged', built: 'unchanged' })
  }, 120_000)

  it('names variables, never values, and says which images and secrets change', async () => {
    workshop.write({ 'app/page': 'two\n' }).compose(
      {
        web: web(image(2), { secrets: ['api_key'], environment: { TOKEN: 'tell-nobody' } }),
        built: {
          build: { context: './app', args: { BASE: base.reference } },
          stop_grace_period: '1s',
          deploy: { endpoint_mode: 'dnsrr' }
        }
      },
      secrets
    )
    const changes = await planned({ secrets: 'API_KEY=second-value' })
    expect(kinds(changes)).toEqual({ web: 'update', built: 'update' })
    const text = JSON.stringify(changes)
    expect(text).toContain('TOKEN')
    expect(text).toContain(image(2))
    expect(text).not.toContain('tell-nobody')
    expect(text).not.toContain('second-value')
  }, 60_000)

  it('is what a deploy then does', async () => {
    workshop.compose({ web: web(image(2), { secrets: ['api_key'] }) }, secrets)
    expect(kinds(await planned())).toEqual({ web: 'update', built: 'remove' })
    expect(await workshop.run()).toMatchObject({ outputs: { status: 'deployed' } })
    expect((await bed.server.docker('service', 'ls', '--format', '{{.Name}} {{.Image}}')).trim()).toBe(
      `planned_web ${image(2)}`
    )
  }, 120_000)
})
