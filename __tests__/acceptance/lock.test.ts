import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { EngineError, type Clock, type Engine } from '../../src/ports.js'
import { lockName } from '../../src/release/lease.js'
import { acquireLock, type LockRequest } from '../../src/stages/lock.js'
import { stageRun, type StageRun } from './stages.ts'

let bed: Bed
let run: StageRun

beforeAll(async () => {
  bed = await openBed({ name: 'lock', builder: false, registry: false })
  run = await stageRun(bed.server)
}, 240_000)

afterAll(async () => {
  await run?.host[Symbol.asyncDispose]()
  await bed?.close()
})

function request(stack: string, actor: string, more: Partial<LockRequest> = {}): LockRequest {
  const owner = { runUrl: `https://github.com/o/r/actions/runs/${actor}`, actor, command: 'deploy' }
  return { stack, owner, timeoutMs: 60_000, ...more }
}

const configs = () => bed.server.docker('config', 'ls', '--format', '{{.Name}}')

/** A clock on which every wait takes two minutes. */
function hurried(clock: Clock): Clock {
  let ahead = 0
  return {
    now: () => clock.now() + ahead,
    sleep: async () => {
      ahead += 120_000
      await clock.sleep(50)
    }
  }
}

describe('the lock of a stack', () => {
  it('lets one run in at a time, of many that come at once', async () => {
    let inside = 0
    let most = 0
    const enter = async (index: number) => {
      await using _lock = await acquireLock(run.ports, run.host.engine, request('many', `a${index}`))
      most = Math.max(most, ++inside)
      await new Promise(resolve => setTimeout(resolve, 20))
      inside--
    }
    await Promise.all(Array.from({ length: 6 }, (_, index) => enter(index)))
    expect(most).toBe(1)
    expect(await configs()).not.toContain('many')
  }, 90_000)

  it('says for whom it waits, and gives up in the end', async () => {
    await using lock = await acquireLock(run.ports, run.host.engine, request('busy', 'octocat'))
    run.lines.length = 0
    await expect(
      acquireLock(run.ports, run.host.engine, request('busy', 'hubot', { timeoutMs: 2_500 }))
    ).rejects.toThrow(
      /Stack busy is locked by the deploy of octocat, https:\/\/.*\/octocat, since .* UTC; waited [23] s/
    )
    expect(run.lines.filter(line => line.startsWith('Waiting'))).toHaveLength(1)
    await lock.assertHeld()
  }, 30_000)

  it('asks the holder to stop, and begins when it has', async () => {
    const lock = await acquireLock(run.ports, run.host.engine, request('asked', 'octocat'))
    const order: string[] = []
    lock.lost.addEventListener('abort', () => {
      order.push(String((lock.lost.reason as Error).message))
      setTimeout(() => {
        order.push('released')
        void lock[Symbol.asyncDispose]()
      }, 3_000)
    })
    await using _next = await acquireLock(
      run.ports,
      run.host.engine,
      request('asked', 'hubot', { ask: 'it was closed' })
    )
    order.push('entered')
    expect(order).toEqual(['This run of stack asked was asked to stop: it was closed.', 'released', 'entered'])
  }, 60_000)

  it('takes over from a run that is dead, which can do no harm when it wakes up', async () => {
    const dead = await acquireLock({ ...run.ports, clock: asleep() }, run.host.engine, request('dead', 'sleeper'))
    const next = await acquireLock(
      { ...run.ports, clock: hurried(run.ports.clock) },
      run.host.engine,
      request('dead', 'hubot', { timeoutMs: 600_000 })
    )
    await expect(dead.assertHeld()).rejects.toThrow('The lock of stack dead was removed')
    await dead[Symbol.asyncDispose]()
    await next.assertHeld()
    expect(await configs()).toContain(lockName('dead'))
    await next[Symbol.asyncDispose]()
    expect(await configs()).not.toContain(lockName('dead'))
  }, 30_000)

  it('does not take over from a run that renews it', async () => {
    const first = await acquireLock({ ...run.ports, clock: fastBeat() }, run.host.engine, request('alive', 'octocat'))
    const second = acquireLock(
      { ...run.ports, clock: hurriedOnce(run.ports.clock, 84_000) },
      run.host.engine,
      request('alive', 'hubot', { timeoutMs: 94_000 })
    )
    await expect(second).rejects.toThrow('locked by the deploy of octocat')
    await first.assertHeld()
    await first[Symbol.asyncDispose]()
  }, 60_000)

  it.each([
    ['was made all the same', true],
    ['was not made', false]
  ])('is held by a run whose connection broke off when it asked for it, and it %s', async (_what, isMade) => {
    const { engine } = run.host
    let calls = 0
    const breaking: Engine = {
      ...engine,
      inOrder: () => breaking,
      createObject: async (...args) => {
        if (++calls > 1) return await engine.createObject(...args)
        if (isMade) await engine.createObject(...args)
        throw new EngineError(0, 'socket hang up')
      }
    }
    let remembered = ''
    const lock = await acquireLock(run.ports, breaking, {
      ...request('broke', 'octocat'),
      remember: id => (remembered = id)
    })
    await lock.assertHeld()
    expect((await engine.config(remembered))?.Spec.Name).toBe(lockName('broke'))
    expect(calls).toBe(isMade ? 1 : 2)
    await lock[Symbol.asyncDispose]()
    expect(await engine.config(remembered)).toBeNull()
  })

  it('notices that somebody removed it, or the whole job was cancelled meanwhile', async () => {
    const lock = await acquireLock(run.ports, run.host.engine, request('lost', 'octocat'))
    await bed.server.docker('config', 'rm', lockName('lost'))
    await expect(lock.assertHeld()).rejects.toThrow('was removed while this run held it')
    await lock[Symbol.asyncDispose]()
    const other = await stageRun(bed.server)
    await using _lock = await acquireLock(run.ports, run.host.engine, request('cancel', 'octocat'))
    const waiting = acquireLock(other.ports, other.host.engine, request('cancel', 'hubot'))
    setTimeout(other.cancel, 300)
    await expect(waiting).rejects.toThrow('Cancelled while waiting')
    await other.host[Symbol.asyncDispose]()
  }, 30_000)

  /** Never wakes up from its waits until they are ended. */
  function asleep(): Clock {
    const { clock } = run.ports
    return { now: () => clock.now(), sleep: (_ms, signal) => clock.sleep(3_600_000, signal) }
  }

  /** Renews twenty times as often. */
  function fastBeat(): Clock {
    const { clock } = run.ports
    return { now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms / 20, signal) }
  }

  /** The first wait takes longer than it seems. */
  function hurriedOnce(clock: Clock, by: number): Clock {
    let ahead = 0
    return {
      now: () => clock.now() + ahead,
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal)
        ahead = by
      }
    }
  }
})
