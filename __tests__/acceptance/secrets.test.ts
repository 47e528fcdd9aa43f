import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { label, type ObjectNeed } from '../../src/model.js'
import type { Ports } from '../../src/ports.js'
import { ensureObjects, findExternals, readObjects, type Objects } from '../../src/stages/objects.js'
import { scratch } from '../scratch.ts'
import { stageRun, type StageRun } from './stages.ts'

jest.setTimeout(60_000)

let bed: Bed
let run: StageRun
let ports: Ports
let masks: string[]

beforeAll(async () => {
  bed = await openBed({ name: 'secrets', builder: false })
  run = await stageRun(bed.server)
  masks = []
  ports = { ...run.ports, log: { ...run.ports.log, mask: value => void masks.push(value) } }
}, 240_000)

afterAll(async () => {
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

const need = (key: string, source: ObjectNeed['source'], more: Partial<ObjectNeed> = {}): ObjectNeed => ({
  kind: 'secret',
  key,
  source,
  services: ['web'],
  at: { file: 'compose.yaml', line: 3 },
  ...more
})
const variable = (key: string): ObjectNeed => need(key, { from: 'environment', variable: key })

async function ensure(stack: string, needs: ObjectNeed[], values: Record<string, string> = {}): Promise<Objects> {
  const plan = await readObjects(ports, { needs, values: new Map(Object.entries(values)), workspace: '/' })
  expect(plan.problems).toEqual([])
  return await ensureObjects(ports, run.host.engine, { stack, plan })
}

interface Listed {
  readonly Spec: { readonly Name: string; readonly Labels: Record<string, string> }
}
const list = async (kind: 'secrets' | 'configs'): Promise<Listed[]> =>
  (await bed.server.api('GET', `/${kind}`)) as Listed[]

describe('ensureObjects', () => {
  it('makes each value once, labelled, under a name that only changes with it', async () => {
    const first = await ensure('shop', [variable('A'), variable('B')], { A: 'value a', B: 'value b' })
    expect(first.made).toHaveLength(2)
    expect(first.names['secret:A']).toMatch(/^shop_A-[0-9a-f]{12}$/)
    expect((await ensure('shop', [variable('A'), variable('B')], { A: 'value a', B: 'value b' })).made).toEqual([])
    const second = await ensure('shop', [variable('A'), variable('B')], { A: 'value a\n', B: 'value b' })
    expect(second.made).toEqual([second.names['secret:A']])
    expect(second.names['secret:B']).toBe(first.names['secret:B'])
    const made = (await list('secrets')).find(object => object.Spec.Name === first.names['secret:A'])
    expect(made?.Spec.Labels).toEqual({ [label.namespace]: 'shop', [label.kind]: 'secret' })
  })

  it('has a key of its own for each stack', async () => {
    const one = await ensure('one', [variable('A')], { A: 'same value' })
    const two = await ensure('two', [variable('A')], { A: 'same value' })
    expect(one.names['secret:A']?.slice(-12)).not.toBe(two.names['secret:A']?.slice(-12))
    const keys = (await list('configs')).filter(object => object.Spec.Labels[label.kind] === 'key')
    expect(keys.map(object => object.Spec.Name)).toEqual(
      expect.arrayContaining(['one_swarm-rollout.key', 'two_swarm-rollout.key'])
    )
  })

  it('agrees with another run that does the same at the same time', async () => {
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => ensure('race', [variable('A'), variable('B')], { A: 'value a', B: 'value b' }))
    )
    expect(new Set(runs.map(each => JSON.stringify(each.names))).size).toBe(1)
    expect(runs.flatMap(each => each.made)).toHaveLength(2)
  })

  it('brings every byte to the task', async () => {
    const folder = scratch('secrets')
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    writeFileSync(join(folder, 'binary'), bytes)
    const text = `-----BEGIN "KEY"-----\r\n$HOME \${x} a=b '\u00fc\u{1f511}\n\n`
    const { names } = await ensure(
      'bytes',
      [
        need('binary', { from: 'file', path: join(folder, 'binary') }),
        variable('TEXT'),
        need('conf', { from: 'content', content: text }, { kind: 'config' })
      ],
      { TEXT: text }
    )
    const image = await pushApp(bed.registry, { name: 'bytes:1', cmd: ['sleep', '3600'] })
    const mount = (name: string) => `source=${name},target=/run/secrets/x`
    const binary = names['secret:binary'] ?? ''
    const service = [
      'service',
      'create',
      '--name',
      'bytes',
      '--secret',
      mount(binary),
      '--secret',
      `source=${names['secret:TEXT']},target=/run/secrets/text`,
      '--config',
      `source=${names['config:conf']},target=/conf`,
      image.pinned
    ]
    await bed.server.docker(...service)
    const container = (
      await bed.server.docker('ps', '-q', '--filter', 'label=com.docker.swarm.service.name=bytes')
    ).trim()
    const read = async (path: string) =>
      Buffer.from((await bed.server.docker('exec', container, 'base64', path)).replaceAll('\n', ''), 'base64')
    expect(await read('/run/secrets/x')).toEqual(bytes)
    expect((await read('/run/secrets/text')).toString()).toBe(text)
    expect((await read('/conf')).toString()).toBe(text)
    await bed.server.docker('service', 'rm', 'bytes')
  })
})

describe('externals', () => {
  it('are made when somebody gives them, and must be there when nobody does', async () => {
    await bed.server.api('POST', '/secrets/create', { Name: 'there-and-more', Data: 'eA==' })
    const external = (name: string) => need(name, { from: 'external', name })
    const plan = await readObjects(ports, {
      needs: [external('given'), external('there'), external('there-and-more')],
      values: new Map([['GIVEN', 'some value']]),
      workspace: '/'
    })
    const problems = await findExternals(run.host.engine, plan.externals)
    expect(problems.map(problem => problem.message)).toEqual([
      'The swarm has no secret there, which the compose file calls external, and `secrets` has no value to make it of.'
    ])
    expect(problems[0]?.at).toEqual({ file: 'compose.yaml', line: 3 })
    const { names } = await ensureObjects(ports, run.host.engine, { stack: 'ext', plan })
    expect(names['secret:there-and-more']).toBe('there-and-more')
    expect(names['secret:given']).toMatch(/^ext_given-/)
  })
})

it('masks before it logs', async () => {
  await ensure('masks', [variable('A')], { A: 'a marked value' })
  expect(masks).toEqual(expect.arrayContaining(['a marked value', Buffer.from('a marked value').toString('base64')]))
  expect(run.lines.join('\n')).not.toContain('a marked value')
})
