import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import type { Stack } from '../../../src/model.js'
import type { Engine, Host, Ports } from '../../../src/ports.js'
import type { Change } from '../../../src/release/compare.js'
import { applyStack } from '../../../src/stages/apply.js'
import { live, stackOf } from '../release/swarm.js'

const shop = 'shop'
const outOfSequence = 'failed to update service shop_web: rpc error: code = Unknown desc = update out of sequence'
const change = (key: string): Change => ({
  service: `shop_${key}`,
  key,
  job: false,
  kind: 'update',
  why: 'changed',
  fields: [],
  drift: [],
  image: 'app:2'
})

/** A swarm whose CLI ends each time as told, having got so far; what is asked of it is written down. */
async function apply(
  rendered: Stack,
  before: readonly Service[],
  runs: readonly { stderr: string; now: Service[] }[],
  stillOurs = () => Promise.resolve()
) {
  const asked: string[] = []
  let now = before
  const engine: Partial<Engine> = {
    services: () => Promise.resolve(now),
    service: id => Promise.resolve(now.find(({ ID }) => ID === id) ?? null),
    updateService: (id, _version, spec) => {
      asked.push(`update ${id} ${Object.keys(spec.Labels ?? {}).join(' ')}`)
      return Promise.resolve()
    },
    removeService: id => {
      asked.push(`remove ${id}`)
      return Promise.resolve()
    }
  }
  let count = 0
  const ports = {
    env: {},
    cancelled: new AbortController().signal,
    log: { info: () => undefined },
    shell: {
      run: async (_argv: readonly string[], options: { stdin: Promise<string> }) => {
        const end = runs[count++]
        if (end === undefined) throw new Error('the CLI is run once too often')
        asked.push(`deploy ${Object.keys((JSON.parse(await options.stdin) as Stack).services).join(' ')}`)
        now = end.now
        return { code: end.stderr === '' ? 0 : 1, stdout: '', stderr: end.stderr }
      }
    }
  } as unknown as Ports
  const openFront = () => Promise.resolve({ dockerHost: 'unix:///s', [Symbol.asyncDispose]: () => Promise.resolve() })
  const services = Object.keys(rendered.services)
  const targets = await applyStack(ports, { engine, openFront } as unknown as Host, {
    stack: shop,
    rendered,
    changes: services.map(change),
    services,
    live: before,
    dockerConfig: '/c',
    withRegistryAuth: false,
    stillOurs
  })
  return { asked, targets }
}

describe('a connection that the CLI gave up', () => {
  const rendered = stackOf({ db: { release: 'r2' }, web: { release: 'r2' } })
  const at = (db: string, web: string): Service[] => [
    live(shop, 'db', { release: db }),
    live(shop, 'web', { release: web })
  ]
  const lost = {
    stderr: 'Cannot connect to the Docker daemon at unix:///s. Is the docker daemon running?',
    now: at('r2', 'r1')
  }
  const done = { stderr: '', now: at('r2', 'r2') }

  it('is taken up again with what was not applied', async () => {
    expect((await apply(rendered, at('r1', 'r1'), [lost, done])).asked).toEqual(['deploy db web', 'deploy web'])
  })

  it('is left where another run has the stack by then', async () => {
    const theirs = () => Promise.reject(new Error('overtaken'))
    await expect(apply(rendered, at('r1', 'r1'), [lost, done], theirs)).rejects.toThrow('overtaken')
  })
})

describe('an update that the swarm got in between', () => {
  const rendered = stackOf({ db: { release: 'r2' }, web: { release: 'r2' } })
  const at = (db: string, web: string): Service[] => [
    live(shop, 'db', { release: db }),
    live(shop, 'web', { release: web })
  ]

  it.each<[string, Service[], string[]]>([
    ['is repeated for what it did not come to', at('r2', 'r1'), ['deploy db web', 'deploy web']],
    ['is repeated for all when it came to none', at('r1', 'r1'), ['deploy db web', 'deploy db web']],
    ['is not repeated when all is there', at('r2', 'r2'), ['deploy db web']]
  ])('%s', async (_title, now, expected) => {
    const runs = [
      { stderr: outOfSequence, now },
      { stderr: '', now: at('r2', 'r2') }
    ]
    expect((await apply(rendered, at('r1', 'r1'), runs)).asked).toEqual(expected)
  })

  it('is repeated as often as it gets in between again, and given up after the fifth time', async () => {
    const stale = { stderr: outOfSequence, now: at('r2', 'r1') }
    const done = { stderr: '', now: at('r2', 'r2') }
    const { asked } = await apply(rendered, at('r1', 'r1'), [stale, stale, done])
    expect(asked).toEqual(['deploy db web', 'deploy web', 'deploy web'])
    await expect(
      apply(
        rendered,
        at('r1', 'r1'),
        Array.from({ length: 5 }, () => stale)
      )
    ).rejects.toThrow(/somebody else changed its services each time/)
  })

  it('is repeated for all when they carried the label before already', async () => {
    const runs = [
      { stderr: outOfSequence, now: at('r2', 'r2') },
      { stderr: '', now: at('r2', 'r2') }
    ]
    expect((await apply(rendered, at('r2', 'r2'), runs)).asked).toEqual(['deploy db web', 'deploy db web'])
  })
})

describe('an image that was changed by hand', () => {
  const labels = { 'com.docker.stack.image': 'app:1' }

  it('is forgotten on a service', async () => {
    const before = [live(shop, 'web', { image: 'app:evil', release: 'r1', labels })]
    const { asked } = await apply(stackOf({ web: { release: 'r2' } }), before, [{ stderr: '', now: before }])
    expect(asked[0]).toMatch(/^update id-shop-web /)
    expect(asked[0]).not.toContain('com.docker.stack.image')
    expect(asked.slice(1)).toEqual(['deploy web'])
  })

  it('does not make a job run twice: it is made anew, with no run before', async () => {
    const rendered = stackOf({ migrate: { release: 'r2', deploy: { mode: 'replicated-job' } } })
    const found = live(shop, 'migrate', { image: 'app:evil', release: 'r1', labels, job: { completed: 1 } })
    const before = [{ ...found, JobStatus: { JobIteration: { Index: 5 } } }]
    const { asked, targets } = await apply(rendered, before, [{ stderr: '', now: before }])
    expect(asked).toEqual(['remove id-shop-migrate', 'deploy migrate'])
    expect(targets).toEqual([
      { service: 'shop_migrate', key: 'migrate', release: 'r2', mode: 'replicated-job', touched: true }
    ])
  })
})
