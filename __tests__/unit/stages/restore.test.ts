import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import { EngineError, type Engine, type Host, type Ports } from '../../../src/ports.js'
import { restore } from '../../../src/stages/restore.js'
import { entry, live, stackOf } from '../release/swarm.js'

type Answer = 'ok' | 'lost' | 'lost after it' | 'no leader' | 'swarm back' | 'refused'

/** A service at the failed release r2, and an engine that answers the requests to change it one after the other as it is told. */
function world(answers: readonly Answer[], reads: readonly ('ok' | 'no leader')[] = []) {
  let [now, asked, read] = [live('shop', 'web', { image: 'app:2', release: 'r2', version: 20 }), 0, 0]
  const versions: number[] = []
  const become = (release: string) => {
    now = { ...live('shop', 'web', { image: 'app:1', release }), ID: now.ID, Version: { Index: now.Version.Index + 1 } }
  }
  const change = (carriedOut: () => void): Promise<void> => {
    const answer = answers[asked++] ?? 'refused'
    if (answer === 'ok' || answer === 'lost after it') carriedOut()
    if (answer === 'swarm back') become('r1')
    if (answer === 'ok') return Promise.resolve()
    if (answer.startsWith('lost')) return Promise.reject(new EngineError(0, 'The connection was lost.'))
    return Promise.reject(new EngineError(answer === 'refused' ? 400 : 500, `The engine says: ${answer}`))
  }
  const engine: Partial<Engine> = {
    services: () => Promise.resolve([now]),
    service: () =>
      reads[read++] === 'no leader' ? Promise.reject(new EngineError(503, 'no leader')) : Promise.resolve(now),
    updateService: (_id, version) => {
      versions.push(version)
      return change(() => become('r1'))
    },
    removeService: () => change(() => undefined)
  }
  const slept: number[] = []
  const ports = {
    log: { info: () => undefined },
    clock: { sleep: (ms: number) => Promise.resolve(void slept.push(ms)) },
    cancelled: new AbortController().signal
  } as unknown as Ports
  const before = live('shop', 'web', { image: 'app:1', release: 'r1' })
  const back = (was: readonly Service[]) =>
    restore(ports, { engine } as unknown as Host, {
      stack: 'shop',
      release: 'r2',
      rendered: stackOf({ web: { image: 'app:2', release: 'r2' } }),
      jobs: [],
      before: was,
      last: entry('r1', { rendered: stackOf(was.length === 0 ? {} : { web: { release: 'r1' } }) }),
      redeploy: () => Promise.reject(new Error('not needed'))
    })
  return { back: () => back([before]), takeAway: () => back([]), versions, slept }
}

describe('a service that is put back', () => {
  it.each<[string, readonly Answer[], readonly ('ok' | 'no leader')[], readonly number[]]>([
    ['at once', ['ok'], [], [20]],
    ['again where the request was lost on the way', ['lost', 'ok'], [], [20, 20]],
    ['once where only the answer was lost', ['lost after it'], [], [20]],
    ['when the swarm has a leader again', ['no leader', 'no leader', 'ok'], ['no leader', 'ok'], [20, 20, 20]],
    ['not at all where the swarm does it in the same moment', ['swarm back'], [], [20]]
  ])('%s', async (_, answers, reads, versions) => {
    const { back, ...seen } = world(answers, reads)
    const { complete, left, targets } = await back()
    expect({ complete, left, keys: targets.map(({ key, release }) => [key, release]) }).toEqual({
      complete: true,
      left: [],
      keys: [['web', 'r1']]
    })
    expect(seen.versions).toEqual(versions)
    expect(seen.slept).toHaveLength(versions.length - 1)
  })

  it('stays as it is where the engine refuses twice, the second time with all others put back', async () => {
    const { back, slept, versions } = world(['refused', 'refused'])
    const { complete, left } = await back()
    expect({ complete, left }).toEqual({
      complete: false,
      left: ['web could not be put back: The engine says: refused']
    })
    expect([versions, slept]).toEqual([[20, 20], []])
  })

  it('is given up after ten tries', async () => {
    const { back, versions } = world(Array.from({ length: 20 }, () => 'lost'))
    expect(await back()).toMatchObject({ complete: false, left: [expect.stringContaining('connection was lost')] })
    expect(versions).toHaveLength(10)
  })
})

describe('a service that is taken away', () => {
  it('is tried again while the swarm has no leader', async () => {
    const { takeAway, slept } = world(['no leader', 'ok'])
    expect(await takeAway()).toMatchObject({ complete: true, left: [] })
    expect(slept).toHaveLength(1)
  })
})
