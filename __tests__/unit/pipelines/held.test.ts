import { describe, expect, it } from '@jest/globals'
import { askWhetherHeld } from '../../../src/pipelines/site/lock.js'
import type { Clock } from '../../../src/ports.js'

/** A lock that answers as told, a runner's clock that is set by hand, and how often the lock was asked for. */
function scene(answers: readonly ('ours' | 'lost')[]) {
  let [now, asked] = [0, 0]
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() }
  const assertHeld = () => (answers[asked++] === 'lost' ? Promise.reject(new Error('lost')) : Promise.resolve())
  return { held: askWhetherHeld(clock, { assertHeld }), pass: (ms: number) => (now += ms), asked: () => asked }
}

describe('whether the lock is held, asked ahead of a change', () => {
  it('is asked once where the change follows soon', async () => {
    const { held, pass, asked } = scene(['ours', 'lost'])
    pass(4_000)
    await held()
    expect(asked()).toBe(1)
  })

  it('is asked again where something took long in between: it may be another run’s by then', async () => {
    const { held, pass, asked } = scene(['ours', 'lost'])
    pass(100_000)
    await expect(held()).rejects.toThrow('lost')
    expect(asked()).toBe(2)
  })

  it('is told when the change comes, not before', async () => {
    const { held } = scene(['lost'])
    await new Promise(done => setImmediate(done))
    await expect(held()).rejects.toThrow('lost')
  })
})
