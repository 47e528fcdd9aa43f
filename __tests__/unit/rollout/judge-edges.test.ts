import { describe, expect, it } from '@jest/globals'
import type { Service, Task } from '../../../src/engine-types.js'
import { conclude } from '../../../src/rollout/outcome.js'
import { slotsOf } from '../../../src/rollout/slots.js'
import type { Snapshot, Target } from '../../../src/rollout/types.js'
import { look, play, service, target, task, type Played } from './scene.js'

const failed = (id: string, since: number, more: Partial<Task> = {}) =>
  task('web', id, 'failed', since, { Status: { State: 'failed', Err: 'task: non-zero exit (1)' }, ...more })
const loop = (many: number) => Array.from({ length: many }, (_, index) => failed(`f${index}`, 90 + index))
const next = task('web', 'next', 'ready', 98)
const state = ({ last }: Played) => last.services.get('shop_web')

describe('a crash loop while the swarm is at its update', () => {
  const updating = (FailureAction?: string) => {
    const { Spec, ...rest } = service('web', { UpdateStatus: { State: 'updating' } })
    return { ...rest, Spec: { ...Spec, ...(FailureAction === undefined ? {} : { UpdateConfig: { FailureAction } }) } }
  }
  const after = (many: number, action?: string) =>
    state(play([target('web')], [look(100, [updating(action)], [next, ...loop(many)])]))?.is

  it.each([[undefined], ['pause'], ['rollback']])(
    'is left to the updater where it will act (%s), up to five times',
    action => {
      expect(after(4, action)).toBe('pending')
      expect(after(5, action)).toBe('failed')
    }
  )
  it('is final after three where it goes on', () => expect(after(3, 'continue')).toBe('failed'))

  it('is left to the updater where the restart policy gives up, and not where it goes on', () => {
    const ended = failed('f', 90)
    const lost = { ...ended, Spec: { RestartPolicy: { Condition: 'none' } } }
    const alone = (action?: string) => state(play([target('web')], [look(100, [updating(action)], [lost])]))?.is
    expect(alone('rollback')).toBe('pending')
    expect(alone('continue')).toBe('failed')
  })
})

describe('a job', () => {
  const job = (Index: number, TotalCompletions = 1) => {
    const { Spec, ...rest } = service('web', { JobStatus: { JobIteration: { Index } } })
    return { ...rest, Spec: { ...Spec, Mode: { ReplicatedJob: { TotalCompletions } } } }
  }
  const done = (iteration: number, id = 'j') =>
    task('web', id, 'complete', 90, { JobIteration: { Index: iteration }, DesiredState: 'complete' })
  const asked = (more: Partial<Target> = {}) =>
    target('web', { mode: 'replicated-job', jobIterationBefore: 3, ...more })

  it('is done when its present iteration is, not when an earlier one was', () => {
    expect(state(play([asked()], [look(100, [job(4)], [done(3)])]))).toEqual({
      is: 'pending',
      waitsFor: '1 task to complete'
    })
    expect(state(play([asked()], [look(100, [job(4)], [done(3), done(4, 'k')])]))?.is).toBe('deployed')
  })
  it('is not done before its new iteration has begun', () => {
    expect(state(play([asked()], [look(100, [job(3)], [done(3)])]))).toEqual({
      is: 'pending',
      waitsFor: 'its run to begin'
    })
  })
  it('that was not touched need not begin again', () => {
    const { last } = play([asked({ touched: false })], [look(100, [job(3)], [done(3)])])
    expect(state({ last } as Played)).toEqual({ is: 'deployed', reason: 'unchanged, so it is not run again' })
  })
  it('needs every completion', () => {
    expect(state(play([asked()], [look(100, [job(4, 2)], [done(4)])]))).toEqual({
      is: 'pending',
      waitsFor: '1 task to complete'
    })
  })
  it('that nothing is to be run of is done', () => {
    expect(state(play([asked()], [look(100, [job(4, 0)], [])]))).toEqual({
      is: 'deployed',
      reason: 'it has no task to run'
    })
  })
})

describe('one-shots', () => {
  const ended = (Condition: string) =>
    task('web', 'w', 'complete', 50, { Spec: { RestartPolicy: { Condition } }, DesiredState: 'shutdown' })
  const judged = (Condition: string) =>
    play(
      [target('web')],
      [100, 101].map(s => look(s, [service('web')], [ended(Condition)]))
    ).last.verdict
  it.each([
    ['none', 'deployed'],
    ['on-failure', 'deployed'],
    ['any', 'pending']
  ])('that exited 0 with restart condition %s: %s', (condition, verdict) => expect(judged(condition)).toBe(verdict))
})

describe('what somebody else does', () => {
  const changed = (TaskTemplate: object) => {
    const { Spec, ...rest } = service('web', { Version: { Index: 30 } })
    return { ...rest, Spec: { ...Spec, TaskTemplate: { ...Spec.TaskTemplate, ...TaskTemplate } } }
  }
  const running = task('web', 'w', 'running', 5)
  const then = (after: ReturnType<typeof service>) =>
    state(
      play(
        [target('web')],
        [look(100, [service('web')], [running]), ...[101, 102].map(s => look(s, [after], [running]))]
      )
    )

  it('a forced update of the same definition is still this run’s', () =>
    expect(then(changed({ ForceUpdate: 1 }))?.is).toBe('deployed'))
  it('another number of replicas is still this run’s', () => {
    expect(then(service('web', { Version: { Index: 30 }, replicas: 2 }))).toEqual({
      is: 'pending',
      waitsFor: '1 more task to run'
    })
  })
  it('another definition under the same label is not', () => {
    expect(then(changed({ ContainerSpec: { Image: 'app:2', Env: ['A=1'] } }))).toEqual({
      is: 'overtaken',
      reason: 'somebody else updated it meanwhile: its definition was changed'
    })
  })
  it('removing it and making it again is not', () => {
    expect(then({ ...service('web'), ID: 'id-other', Version: { Index: 30 } })?.is).toBe('overtaken')
  })
  it('an update without this action’s labels is not', () => {
    const { Spec, ...rest } = service('web', { Version: { Index: 30 } })
    expect(then({ ...rest, Spec: { ...Spec, Labels: {} } })).toMatchObject({
      is: 'overtaken',
      reason: expect.stringContaining('without a release')
    })
  })
})

describe('nodes', () => {
  const withNode = (snapshot: Snapshot, State: string, Availability = 'active'): Snapshot => ({
    ...snapshot,
    nodes: (snapshot.nodes ?? []).map(node => ({ ...node, Spec: { Availability }, Status: { State } }))
  })
  // unknown: of a node that died with the leader before, the new leader has not heard yet.
  it.each(['down', 'unknown', 'disconnected'])(
    'that are %s run nothing, whatever the records of their tasks say',
    is => {
      const looks = [100, 101].map(s => withNode(look(s, [service('web')], [task('web', 'w', 'running', 5)]), is))
      const played = play([target('web')], looks)
      expect(state(played)).toEqual({ is: 'pending', waitsFor: '1 more task to run' })
      const seen = played.observation.services.get('shop_web')
      expect(seen && slotsOf(played.observation, seen).running).toEqual([])
    }
  )

  it('of which the new leader hears again go on as before', () => {
    const at = (second: number, is: string) =>
      withNode(look(second, [service('web')], [task('web', 'w', 'running', 5)]), is)
    const looks = [at(100, 'ready'), at(101, 'unknown'), at(102, 'ready'), at(103, 'ready')]
    expect(state(play([target('web')], looks))?.is).toBe('deployed')
  })

  it.each([
    ['ready', 'active', 'failed'],
    ['ready', 'drain', 'pending'],
    ['down', 'active', 'pending']
  ])(
    'that are %s and %s: a task of a global service that is not started again there: %s',
    (nodeState, availability, is) => {
      const { Spec, ...rest } = service('web')
      const everywhere = { ...rest, Spec: { ...Spec, Mode: { Global: {} } } }
      const gone = failed('f', 95, { Spec: { RestartPolicy: { Condition: 'none' } } })
      const { Slot: _, ...globalTask } = gone
      const looks = [99, 100].map(s => withNode(look(s, [everywhere], [globalTask]), nodeState, availability))
      expect(state(play([target('web', { mode: 'global' })], looks))?.is).toBe(is)
    }
  )
})

describe('a place that stays empty', () => {
  it('is given up by the restart policy, unless that was before this run touched the service', () => {
    const alone = (touched: boolean, updated: number) => {
      const web = service('web', { UpdatedAt: new Date(updated * 1000).toISOString() })
      return state(
        play(
          [target('web', { touched })],
          [100, 104].map(s => look(s, [web], [{ ...failed('f', 80), Spec: { RestartPolicy: { Condition: 'none' } } }]))
        )
      )?.is
    }
    expect(alone(true, 70)).toBe('failed')
    expect(alone(true, 90)).toBe('pending')
    expect(alone(false, 70)).toBe('failed')
  })

  it.each<[string, NonNullable<Task['Spec']['RestartPolicy']>, number, string]>([
    ['is not, with no limit of attempts, however long its delay', { Condition: 'any', Delay: 30e9 }, 120, 'pending'],
    [
      'is not, before the delay of its last attempt',
      { Condition: 'on-failure', MaxAttempts: 3, Delay: 10e9 },
      101,
      'pending'
    ],
    ['is, after it', { Condition: 'on-failure', MaxAttempts: 3, Delay: 10e9 }, 104, 'failed']
  ])('%s', (_title, RestartPolicy, seconds, is) => {
    const rejected = task('web', 'r', 'rejected', 90, { Spec: { RestartPolicy } })
    expect(state(play([target('web')], [look(seconds, [service('web')], [rejected])]))?.is).toBe(is)
  })
})

describe('a failure that recovers', () => {
  it('is the verdict while the others come to an end', () => {
    const services = [service('web'), service('api')]
    const apiStarts = task('api', 'api-1', 'starting', 90)
    const stuck = task('web', 'w', 'pending', 90, { Status: { State: 'pending', Err: 'no suitable node (x)' } })
    const looks = [
      look(100, services, [stuck, apiStarts]),
      look(110, services, [stuck, apiStarts]),
      look(111, services, [task('web', 'w', 'running', 111), apiStarts])
    ]
    const played = play([target('web'), target('api')], looks)
    expect(played.judgements.map(({ services: all }) => all.get('shop_web')?.is)).toEqual([
      'pending',
      'failed',
      'failed'
    ])
  })
})

describe('the outcome of a service that is still on its way', () => {
  const end = (tasks: Task[], verdict: 'failed' | 'timeout') => {
    const { observation, last } = play([target('web')], [look(100, [service('web')], tasks)])
    const { services } = conclude({ observation, judgement: last, verdict, records: new Map() })
    return services[0]
  }
  const starting = task('web', 'w', 'starting', 90)
  it('has no diagnosis when another one failed and nothing is wrong with it', () => {
    expect(end([starting], 'failed')).toMatchObject({
      verdict: 'unfinished',
      reason: 'still waits for 1 more task to run'
    })
    expect(end([starting], 'failed')).not.toHaveProperty('diagnosis')
  })
  it('has one when something is', () => {
    const stuck = task('web', 'w', 'pending', 90, { Status: { State: 'pending', Err: 'no suitable node (x)' } })
    expect(end([stuck], 'failed')?.diagnosis?.cause).toBe('web.1 on one waits: no suitable node (x).')
    expect(end([next, failed('f', 90)], 'failed')?.diagnosis?.cause).toBe('web.1 on one exited with code 1.')
  })
  it.each<[string, readonly string[], RegExp]>([
    ['one of which the engine could not start', ['1', '1', 'refused'], /exited with code 1/],
    ['as many of which could not be started', ['1', 'refused', '1', 'refused'], /exited with code 1/],
    ['more of which could not be started', ['1', 'refused', 'refused'], /no image app:2/],
    ['all of which could not be started', ['refused', 'refused'], /no image app:2/]
  ])('blames what the program did itself: failures %s', (_title, ends, says) => {
    const tasks = ends.map((how, index) =>
      how === '1'
        ? failed(`f${index}`, 90 + index)
        : task('web', `f${index}`, 'rejected', 90 + index, {
            Status: { State: 'rejected', Err: 'No such image: app:2' }
          })
    )
    const { observation, last } = play([target('web')], [look(100, [service('web')], [next, ...tasks])])
    const { services } = conclude({ observation, judgement: last, verdict: 'failed', records: new Map() })
    expect(services[0]?.verdict).toBe('failed')
    expect(services[0]?.diagnosis?.cause).toMatch(says)
  })
  it('has one when the time ran out', () => {
    expect(end([starting], 'timeout')?.diagnosis?.cause).toBe(
      'web.1 on one is still starting: its healthcheck has not passed.'
    )
  })
  it('has a history without what was before', () => {
    const web = service('web', { UpdatedAt: new Date(85_000).toISOString() })
    const tasks = [failed('old', 80), failed('new', 90), next]
    const { observation, last } = play([target('web')], [look(100, [web], tasks)])
    const { services } = conclude({ observation, judgement: last, verdict: 'timeout', records: new Map() })
    expect(services[0]?.diagnosis?.history).toEqual([
      '00:01:30 web.1 on one failed: task: non-zero exit (1)',
      '00:01:38 web.1 on one ready'
    ])
  })
})

describe('tasks that were read between two readings of their service', () => {
  const web = service('web')
  const changed = service('web', { Version: { Index: 21 } })
  const up = [task('web', 'a', 'running', 90)]
  const seen = (before: Service[] | undefined) =>
    state(play([target('web')], [{ ...look(100, [web], up), ...(before && { before }) }]))

  it('belong to it in the first look already, if it was the same both times', () => {
    expect(seen([web])?.is).toBe('deployed')
    expect(seen(undefined)).toMatchObject({ is: 'pending', waitsFor: 'a second look' })
  })

  it('may belong to another version if it was not', () => {
    expect(seen([changed])).toMatchObject({ is: 'pending', waitsFor: 'a second look' })
    expect(seen([{ ...web, ID: 'another' }])).toMatchObject({ is: 'pending', waitsFor: 'a second look' })
    expect(seen([])).toMatchObject({ is: 'pending', waitsFor: 'a second look' })
  })

  it('need not be all of a global service that was just changed: the swarm may be about to make more', () => {
    const globally = { mode: 'global' as const }
    const first = { ...look(100, [web], up), before: [web] }
    expect(state(play([target('web', globally)], [first]))).toMatchObject({ is: 'pending', waitsFor: 'a second look' })
    expect(state(play([target('web', globally)], [first, look(101, [web], up)]))?.is).toBe('deployed')
    expect(state(play([target('web', { ...globally, touched: false })], [first]))?.is).toBe('deployed')
  })

  it('may belong to another version if it was not the same since, though it was the look before', () => {
    const looks = [look(100, [web], up), { ...look(101, [web], up), before: [changed] }]
    expect(state(play([target('web')], looks))?.is).toBe('pending')
  })
})
