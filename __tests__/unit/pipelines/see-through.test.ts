import { describe, expect, it } from '@jest/globals'
import type { Info, Service, Task } from '../../../src/engine-types.js'
import { seeThrough } from '../../../src/pipelines/rollout/see-through.js'
import { EngineError, type Engine, type Host, type Ports } from '../../../src/ports.js'
import type { Target } from '../../../src/rollout/types.js'
import { inOrderOf } from '../ordered.js'
import { at, service, target, task } from '../rollout/scene.js'

/** A swarm that has left two tasks in one place, until it is updated; what it is asked is written down. */
function crowded(answers: readonly ('stale' | 'refused' | 'ok')[], helps: boolean) {
  let now = 1_000_000
  const asked: string[] = []
  const lines: string[] = []
  let live: Service = service('web')
  let tasks: readonly Task[] = [task('web', 'a', 'running', 900), task('web', 'b', 'running', 901)]
  const engine: Partial<Engine> = {
    info: () => Promise.resolve({ SystemTime: at(now / 1_000) } as Info),
    services: () => Promise.resolve([live]),
    service: () => Promise.resolve(live),
    tasks: () => Promise.resolve(tasks),
    call: <T>() => Promise.resolve(tasks as T),
    nodes: () => Promise.resolve([]),
    inOrder: () => inOrderOf(engine as Engine),
    // eslint-disable-next-line require-yield
    async *events(_types, signal) {
      await new Promise(done => signal.addEventListener('abort', done, { once: true }))
    },
    updateService: (id, version, spec) => {
      const answer = answers[asked.length]
      asked.push(`${id} ${version} ${spec === live.Spec ? 'the same' : 'another'}`)
      live = { ...live, Version: { Index: live.Version.Index + 1 } }
      if (answer === 'stale') return Promise.reject(new EngineError(500, 'update out of sequence'))
      if (answer === 'refused') return Promise.reject(new EngineError(500, 'no leader'))
      if (helps) tasks = tasks.slice(0, 1)
      return Promise.resolve()
    }
  }
  const ports = {
    clock: {
      now: () => now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>(done => {
          if (signal?.aborted === true) done()
          else if (ms >= 5_000) signal?.addEventListener('abort', () => done(), { once: true })
          else setImmediate(() => done(void (now += ms)))
        })
    },
    cancelled: new AbortController().signal,
    log: {
      info: (line: string) => lines.push(line),
      debug: () => undefined,
      warning: (line: string) => lines.push(line)
    }
  } as unknown as Ports
  const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 0 }
  const run = (of: Target) => seeThrough(ports, { engine } as unknown as Host, [of], options)
  return { asked, lines, run }
}

describe('a second task in one place', () => {
  it('is taken away by an update to the same definition, repeated when it comes too late', async () => {
    const { asked, run } = crowded(['stale', 'ok'], true)
    const { verdict, services } = await run(target('web'))
    expect({ verdict, reason: services[0]?.reason }).toEqual({ verdict: 'deployed', reason: '1 of 1 task runs' })
    expect(asked).toEqual(['id-web 20 the same', 'id-web 21 the same'])
  })

  it.each<[string, readonly ('ok' | 'refused')[]]>([
    ['the swarm does not take it away', ['ok']],
    ['the swarm cannot be asked', ['refused']]
  ])('is named, and turns nothing red, when %s', async (_, answers) => {
    const { asked, run } = crowded(answers, false)
    const { verdict, services } = await run(target('web'))
    expect(verdict).toBe('deployed')
    expect(services[0]?.reason).toContain('1 more task in the same place')
    expect(asked).toHaveLength(1)
  })

  it('of a service that this run did not touch is left alone', async () => {
    const { asked, run } = crowded([], false)
    expect((await run(target('web', { touched: false }))).verdict).toBe('deployed')
    expect(asked).toEqual([])
  })
})
