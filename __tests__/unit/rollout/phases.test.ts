import { describe, expect, it } from '@jest/globals'
import type { Task } from '../../../src/engine-types.js'
import { at, look, play, service, target, task } from './scene.js'

/** A worker that dies until redis answers, at 12 s, and then runs; made by the first phase together with redis. */
const died = (id: string, made: number, more: Partial<Task> = {}) =>
  task('worker', id, 'failed', made + 2, {
    CreatedAt: at(made),
    Status: { State: 'failed', Err: 'task: non-zero exit (1)' },
    ...more
  })
const redisUp = task('redis', 'redis-1', 'running', 12)
const services = [service('worker'), service('redis')]
const both = [target('worker'), target('redis')]

describe('the watch of a later phase', () => {
  const failures = (made: readonly number[]) => made.map((seconds, index) => died(`w${index}`, seconds))
  const up = task('worker', 'w9', 'running', 20)
  const laterOn = (made: readonly number[]) =>
    play(
      [...both, target('web', { touched: false })],
      [40, 41].map(seconds =>
        look(
          seconds,
          [...services, service('web')],
          [redisUp, up, task('web', 'web-1', 'running', 1), ...failures(made)]
        )
      )
    ).last

  it('does not count what failed in an earlier one before the others were up', () => {
    const early = play(both, [
      look(1, services, [task('worker', 'w0', 'running', 1), task('redis', 'redis-1', 'starting', 1)]),
      look(4, services, [died('w0', 1), task('redis', 'redis-1', 'starting', 1)]),
      look(8, services, [died('w0', 1), died('w1', 5), task('redis', 'redis-1', 'starting', 1)]),
      look(11.9, services, [died('w0', 1), died('w1', 5), died('w2', 9), task('redis', 'redis-1', 'starting', 1)]),
      ...[20, 30, 31].map(seconds => look(seconds, services, [...failures([1, 5, 9]), redisUp, up]))
    ])
    expect(early.last.verdict).toBe('deployed')
    expect(laterOn([1, 5, 9]).verdict).toBe('deployed')
  })

  it('does count what failed when they were', () => {
    expect(laterOn([13, 16, 18]).verdict).toBe('failed')
    expect(laterOn([13, 16, 18]).services.get('shop_worker')).toMatchObject({
      is: 'failed',
      reason: 'its tasks fail again and again (3 times in the same place)'
    })
    expect(laterOn([9, 13, 16]).verdict).toBe('deployed')
  })

  it('counts a task whose time is not known as begun with the look that showed it first', () => {
    const { CreatedAt: _, ...timeless } = died('w0', 1)
    const tasks = ['a', 'b', 'c'].map(ID => ({ ...timeless, ID }))
    const { last } = play(both, [look(40, services, [redisUp, up, ...tasks])])
    expect(last.services.get('shop_worker')?.is).toBe('failed')
  })
})
