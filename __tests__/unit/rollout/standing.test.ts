import { describe, expect, it } from '@jest/globals'
import type { Service, Task } from '../../../src/engine-types.js'
import { standingOf } from '../../../src/rollout/standing.js'
import type { ServiceMode } from '../../../src/rollout/types.js'
import { look, service, task } from './scene.js'

const policy = (Condition: string): Partial<Task> => ({ Spec: { RestartPolicy: { Condition } } })
const failed = { Status: { State: 'failed', Err: 'task: non-zero exit (3)' } }

function standing(one: Service, tasks: Task[], mode: ServiceMode = 'replicated'): ReturnType<typeof standingOf> {
  const { at, nodes = [] } = look(100, [one], tasks)
  return standingOf(one, mode, { tasks, nodes, at })
}

const job = (completions: number): Service => {
  const plain = service('db')
  const Mode = { ReplicatedJob: { TotalCompletions: completions, MaxConcurrent: 1 } }
  return { ...plain, Spec: { ...plain.Spec, Mode }, JobStatus: { JobIteration: { Index: 7 } } }
}
const run = (id: string, state: string, more: Partial<Task> = {}): Task =>
  task('db', id, state, 10, { JobIteration: { Index: 7 }, Slot: Number(id), ...more })

describe('how it stands with a service', () => {
  it.each<[string, Service, Task[], ServiceMode, string, string]>([
    ['whose tasks run', service('web'), [task('web', 'a', 'running', 10)], 'replicated', '1/1 running', ''],
    [
      'that is down, with what its last task says',
      service('web', { replicas: 2 }),
      [task('web', 'a', 'running', 10), task('web', 'b', 'failed', 20, { Slot: 2, ...failed })],
      'replicated',
      '1/2 failed',
      '1 more task to run; the last is failed: task: non-zero exit (3)'
    ],
    ['that is to have no task', service('web', { replicas: 0 }), [], 'replicated', '0/0 running', ''],
    [
      'that is a one-shot and done',
      service('seed'),
      [task('seed', 'a', 'complete', 10, policy('none'))],
      'replicated',
      '1/1 running',
      ''
    ],
    [
      'that ended well at the second try',
      service('seed'),
      [
        task('seed', 'a', 'failed', 10, { ...policy('on-failure'), ...failed }),
        task('seed', 'b', 'complete', 20, policy('on-failure'))
      ],
      'replicated',
      '1/1 running',
      ''
    ],
    [
      'that is a one-shot and failed',
      service('seed'),
      [task('seed', 'a', 'failed', 10, { ...policy('none'), ...failed })],
      'replicated',
      '0/1 failed',
      '1 more task to run; the last is failed: task: non-zero exit (3)'
    ],
    [
      'that is a job and done',
      job(2),
      [run('0', 'complete'), run('1', 'complete')],
      'replicated-job',
      '2/2 completed',
      '2 tasks completed'
    ],
    [
      'that is a job whose last run failed, whatever the run before did',
      job(1),
      [run('0', 'complete', { JobIteration: { Index: 3 } }), run('0', 'failed', { ID: 'x', ...failed })],
      'replicated-job',
      '0/1 failed',
      '1 more task to complete; the last is failed: task: non-zero exit (3)'
    ]
  ])('%s', (_, one, tasks, mode, short, reason) => {
    const { replicas, verdict, reason: said } = standing(one, tasks, mode)
    expect([`${replicas.running}/${replicas.desired} ${verdict}`, said]).toEqual([short, reason])
  })

  it('on a node that is down does not count as running', () => {
    const one = service('web')
    const nodes = [{ ID: 'n1', Version: { Index: 1 }, Spec: {}, Status: { State: 'down' } }]
    const tasks = [task('web', 'a', 'running', 10)]
    expect(standingOf(one, 'replicated', { tasks, nodes, at: 100_000 })).toMatchObject({ verdict: 'failed' })
  })
})
