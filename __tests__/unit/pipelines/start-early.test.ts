import { describe, expect, it } from '@jest/globals'
import type { Stack } from '../../../src/model.js'
import { startEarly } from '../../../src/pipelines/rollout/apply-and-watch.js'
import type { Wanted } from '../../../src/pipelines/rollout/wanted.js'
import type { Run } from '../../../src/pipelines/run/run.js'
import type { Host, RunOptions } from '../../../src/ports.js'
import type { Change } from '../../../src/release/compare.js'

const change = (key: string): Change => ({
  kind: 'update',
  service: `shop_${key}`,
  key,
  job: false,
  why: 'changed',
  fields: [],
  drift: [],
  image: key
})

/** What is started for these phases where these services change; and what the CLI, which is told to end by the signal, was given. */
function early(phases: readonly (readonly string[])[], changed: readonly string[], covered: readonly string[] = []) {
  const [asked, argv, given] = [[] as string[], [] as string[], [] as string[]]
  const openFront = (questions: readonly string[]) => {
    asked.push(...questions.filter(question => question.startsWith('/secrets')))
    return Promise.resolve({ dockerHost: 'unix:///s', [Symbol.asyncDispose]: () => Promise.resolve() })
  }
  const run = async (words: readonly string[], { stdin, signal }: RunOptions) => {
    argv.push(...words)
    const ended = new Promise<string>(done => {
      if (signal?.aborted === true) done('ended')
      signal?.addEventListener('abort', () => done('ended'))
    })
    given.push(await Promise.race([stdin as Promise<string>, ended]))
    return { code: 0, stdout: '', stderr: '' }
  }
  const keys = phases.flat()
  const stack: Stack = {
    services: Object.fromEntries(keys.map(key => [key, { image: key, secrets: [{ source: key }] }])),
    secrets: Object.fromEntries(keys.map(key => [key, { external: true, name: `${key}.1` }]))
  }
  const wanted = {
    target: { stack: 'shop' },
    stack,
    phases,
    session: { pullConfig: '/c', covers: (image: string) => covered.includes(image) }
  } as unknown as Wanted
  const ports = { env: {}, log: { info: () => undefined }, shell: { run } }
  const cli = startEarly({ ports } as unknown as Run, { openFront } as unknown as Host, wanted, changed.map(change))
  return { cli, asked, argv, given, stack }
}

describe('the docker CLI that starts early', () => {
  it('asks about what changes, and gets its stack file later', async () => {
    const { cli, asked, given, stack } = early([['web', 'same']], ['web'])
    expect(asked).toHaveLength(1)
    expect(decodeURIComponent(asked.join())).toContain('web.1')
    expect((await cli?.deploy(stack))?.code).toBe(0)
    expect(Object.keys((JSON.parse(given.join()) as Stack).services)).toEqual(['same', 'web'])
  })

  it('is not for a later phase, which may have to wait for longer than the CLI may take', () => {
    expect(early([['db'], ['web']], ['web']).cli).toBeNull()
    expect(early([['db'], ['web']], []).cli).toBeNull()
  })

  it('is for those with a login first, as they are applied', async () => {
    const { cli, argv } = early([['web', 'own']], ['web', 'own'], ['own'])
    await new Promise(done => setImmediate(done))
    expect(cli?.withRegistryAuth).toBe(true)
    expect(argv).toContain('--with-registry-auth')
    await cli?.[Symbol.asyncDispose]()
  })

  it('ends with what it was started for, without a stack file', async () => {
    const { cli, given } = early([['web']], ['web'])
    await cli?.[Symbol.asyncDispose]()
    expect(given).toEqual(['ended'])
  })
})
