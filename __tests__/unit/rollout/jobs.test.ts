import { describe, expect, it } from '@jest/globals'
import type { Service, Task } from '../../../src/engine-types.js'
import { upSince } from '../../../src/rollout/slots.js'
import { look, play, service, target, task } from './scene.js'

const job = (iteration: number, mode: NonNullable<Service['Spec']['Mode']> = { ReplicatedJob: {} }): Service => {
  const made = service('migrate', { JobStatus: { JobIteration: { Index: iteration } } })
  return { ...made, Spec: { ...made.Spec, Mode: mode } }
}
const run = (id: string, state: string, iteration: number, more: Partial<Task> = {}): Task =>
  task('migrate', id, state, 1, { JobIteration: { Index: iteration }, DesiredState: 'complete', ...more })

describe('a job that this deploy did not touch', () => {
  const untouched = target('migrate', { mode: 'replicated-job', touched: false, jobIterationBefore: 3 })

  it.each<[string, Task[], string]>([
    ['has completed', [run('a', 'complete', 3)], 'deployed'],
    ['is still running, left by a run that was killed', [run('a', 'running', 3)], 'pending'],
    ['runs again, having completed before', [run('a', 'complete', 2), run('b', 'running', 3)], 'pending'],
    [
      'failed meanwhile, for good',
      [run('a', 'failed', 3, { DesiredState: 'shutdown', Spec: { RestartPolicy: { Condition: 'none' } } })],
      'failed'
    ]
  ])('%s', (_title, tasks, is) => {
    const looks = [2, 10, 20].map(seconds => look(seconds, [job(3)], tasks))
    expect(play([untouched], looks).last.services.get('shop_migrate')?.is).toBe(is)
  })
})

describe('a global job', () => {
  it.each([
    ['does not wait for a node that is drained', 'drain', 'deployed'],
    ['waits for one that is there', 'active', 'pending']
  ])('%s', (_title, Availability, is) => {
    const global = target('migrate', { mode: 'global-job', touched: false })
    const tasks = [run('a', 'complete', 3), run('b', 'shutdown', 3, { NodeID: 'n2' })]
    const seen = look(2, [job(3, { GlobalJob: {} })], tasks)
    const other = { ID: 'n2', Version: { Index: 1 }, Spec: { Availability }, Status: { State: 'ready' } }
    const { last } = play([global], [{ ...seen, nodes: [...(seen.nodes ?? []), other] }])
    expect(last.services.get('shop_migrate')?.is).toBe(is)
  })
})

describe('the others of a job', () => {
  it.each<[string, Task[], number | null]>([
    ['are not kept waiting by a run that failed once', [run('a', 'failed', 4), run('b', 'complete', 4)], 0],
    ['wait while it runs', [run('a', 'running', 4)], null],
    ['do not take its last run for this one', [run('a', 'complete', 3)], null]
  ])('%s', (_title, tasks, since) => {
    const migrate = target('migrate', { mode: 'replicated-job', jobIterationBefore: 3 })
    const iteration = tasks.at(-1)?.JobIteration?.Index ?? 0
    const { observation } = play([migrate], [look(2, [job(iteration)], tasks)])
    const seen = observation.services.get('shop_migrate')
    if (!seen) throw new Error('not seen')
    expect(upSince(observation, seen)).toBe(since)
  })
})
