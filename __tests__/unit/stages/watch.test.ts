import { describe, expect, it } from '@jest/globals'
import type { Info, Task } from '../../../src/engine-types.js'
import { EngineError, type Engine, type Ports } from '../../../src/ports.js'
import { watch } from '../../../src/stages/watch.js'
import { inOrderOf } from '../ordered.js'
import { at, service, target, task } from '../rollout/scene.js'

const hour = 3_600

/** A runner whose short waits take no time, and whose long ones end only by their signal. */
function runner(cancelled: AbortSignal): Ports {
  let now = 1_000_000
  const clock: Ports['clock'] = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise(done => {
        if (signal?.aborted === true) done()
        else if (ms >= 5_000) signal?.addEventListener('abort', () => done(), { once: true })
        else setImmediate(() => done(void (now += ms)))
      })
  }
  return { clock, cancelled, log: { info: () => undefined, debug: () => undefined } } as unknown as Ports
}

/** A swarm with one service, whose clock is ahead of the runner's by so many seconds. */
function swarm(tasks: readonly Task[], ahead: number, more: Partial<Engine> = {}): Engine {
  const engine: Partial<Engine> = {
    info: () => Promise.resolve({ Name: 'n1', SystemTime: at(1_000 + ahead) } as Info),
    services: () => Promise.resolve([service('web')]),
    tasks: () => Promise.resolve(tasks),
    call: <T>() => Promise.resolve(tasks as T),
    nodes: () => Promise.resolve([]),
    // eslint-disable-next-line require-yield
    async *events(_types, signal) {
      await new Promise(done => signal.addEventListener('abort', done, { once: true }))
    },
    inOrder: () => inOrderOf(engine as Engine),
    ...more
  }
  return engine as Engine
}

describe('a watch', () => {
  it('does not take another clock for the time that it has', async () => {
    let looks = 0
    const engine = swarm([task('web', 'a', 'running', 900 + hour)], hour, {
      services: () =>
        looks++ === 0 ? Promise.reject(new EngineError(0, 'no answer')) : Promise.resolve([service('web')])
    })
    const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 0 }
    const rollout = await watch(runner(new AbortController().signal), engine, [target('web')], options)
    expect(rollout.verdict).toBe('deployed')
  })

  it('is done with one look where nothing has moved: services before and after their tasks', async () => {
    const asked: string[] = []
    const tasks = [task('web', 'a', 'running', 900)]
    const engine = swarm(tasks, 0, {
      services: () => Promise.resolve([service('web')]).finally(() => asked.push('services')),
      tasks: () => Promise.resolve(tasks).finally(() => asked.push('tasks'))
    })
    const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 0 }
    const rollout = await watch(runner(new AbortController().signal), engine, [target('web')], options)
    expect(rollout.verdict).toBe('deployed')
    expect(asked).toEqual(['services', 'tasks', 'services'])
  })

  it('looks just when the tasks have been up for long enough, where nothing else is missing', async () => {
    const engine = swarm([task('web', 'a', 'running', 998.7)], 0)
    const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 3_000 }
    const rollout = await watch(runner(new AbortController().signal), engine, [target('web')], options)
    expect(rollout).toMatchObject({ verdict: 'deployed', endedAt: 1_001_700 })
  })

  it('looks again where the service was another before its tasks were read', async () => {
    const asked: string[] = []
    const tasks = [task('web', 'a', 'running', 900)]
    let version = 20
    const engine = swarm(tasks, 0, {
      services: () =>
        Promise.resolve([service('web', { Version: { Index: version } })]).finally(() => asked.push('services')),
      tasks: () =>
        Promise.resolve(tasks).finally(() => {
          asked.push('tasks')
          version = 21
        })
    })
    const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 0 }
    const rollout = await watch(runner(new AbortController().signal), engine, [target('web')], options)
    expect(rollout.verdict).toBe('deployed')
    expect(asked).toEqual(['services', 'tasks', 'services', 'tasks', 'services'])
  })

  it('that is cancelled does not wait for the log of a task', async () => {
    const job = new AbortController()
    const failed = task('web', 'a', 'failed', 1_000, {
      Status: { State: 'failed', ContainerStatus: { ContainerID: 'c' } }
    })
    const engine = swarm([failed], 0, {
      taskLogs: () => {
        setImmediate(() => job.abort())
        return new Promise(() => undefined)
      }
    })
    const options = { stack: 'shop', timeoutMs: 600_000, stableForMs: 0 }
    const rollout = await watch(runner(job.signal), engine, [target('web')], options)
    expect(rollout.verdict).toBe('cancelled')
  }, 2_000)
})
