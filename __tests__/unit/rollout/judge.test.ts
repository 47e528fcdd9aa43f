import { describe, expect, it } from '@jest/globals'
import { dueAt, judge } from '../../../src/rollout/judge.js'
import { observe, startObservation } from '../../../src/rollout/observe.js'
import { at, look, play, service, target, task } from './scene.js'

const running = (since: number, key = 'web') => task(key, `${key}-1`, 'running', since)
const verdicts = (played: ReturnType<typeof play>) => played.judgements.map(({ verdict }) => verdict)

describe('time', () => {
  it('counts how long a task is up from its own start, not from the first look', () => {
    const long = [look(100, [service('web')], [running(5)]), look(100.1, [service('web')], [running(5)])]
    expect(verdicts(play([target('web')], long))).toEqual(['pending', 'deployed'])
  })

  it('waits for the window of a task that has just come up', () => {
    const fresh = [100, 109.9, 110.1].map(seconds => look(seconds, [service('web')], [running(100)]))
    expect(verdicts(play([target('web')], fresh))).toEqual(['pending', 'pending', 'deployed'])
  })

  it('does not believe a clock that says a task ran before it was seen not to', () => {
    const starting = look(100, [service('web')], [task('web', 'web-1', 'starting', 90)])
    const behind = (seconds: number) => look(seconds, [service('web')], [running(90)])
    expect(verdicts(play([target('web')], [starting, behind(101), behind(109), behind(111.1)]))).toEqual([
      'pending',
      'pending',
      'pending',
      'deployed'
    ])
  })

  it('does not believe a clock that says a task ran before the look that did not show it', () => {
    const none = look(100, [service('web')], [])
    const behind = (seconds: number) => look(seconds, [service('web')], [running(40)])
    expect(verdicts(play([target('web')], [none, behind(101), behind(109.9), behind(110)]))).toEqual([
      'pending',
      'pending',
      'pending',
      'deployed'
    ])
  })

  it('takes the leader’s clock where ours is behind it', () => {
    const ahead = [
      look(50, [service('web', { UpdatedAt: at(100) })], [running(95)]),
      look(51, [service('web')], [running(95)])
    ]
    expect(play([target('web')], ahead).observation.at).toBe(100_000)
  })

  it('ends at the timeout, and says what is missing', () => {
    const slow = look(10, [service('web')], [task('web', 'web-1', 'starting', 9)])
    const { last } = play([target('web')], [slow], { now: 600_000 })
    expect(last.verdict).toBe('timeout')
    expect(last.services.get('shop_web')).toEqual({ is: 'pending', waitsFor: '1 more task to run' })
  })

  it('ends at the timeout when the engine never answered', () => {
    expect(play([target('web')], [], { now: 599_999 }).last.verdict).toBe('pending')
    expect(play([target('web')], [], { now: 600_000 }).last.verdict).toBe('timeout')
  })

  it('concludes nothing from time that passed without a look', () => {
    const observation = [100, 100.2].reduce(
      (seen, seconds) => observe(seen, look(seconds, [service('web')], [running(99)])),
      startObservation([target('web')], 99_000)
    )
    const rules = { timeoutMs: 600_000, stableForMs: 10_000 }
    expect(judge(observation, { ...rules, now: 300_000 }).verdict).toBe('pending')
  })
})

describe('one look alone', () => {
  it('is not enough: the record must be the same before and after its tasks were read', () => {
    const { last } = play([target('web')], [look(100, [service('web')], [running(5)])])
    expect(last.verdict).toBe('pending')
    expect(dueAt(last)).toBe(0)
  })

  it('in which the service changed does not mix two versions', () => {
    const before = look(100, [service('web')], [running(5)])
    const changed = look(101, [service('web', { Version: { Index: 30 } })], [running(5)])
    expect(verdicts(play([target('web')], [before, changed, { ...changed, at: 102_000 }]))).toEqual([
      'pending',
      'pending',
      'deployed'
    ])
  })
})

describe('nil and completed', () => {
  const old = running(5)
  it('nil right after an update is not done: the tasks are of the version before', () => {
    const looks = [100, 101].map(seconds => look(seconds, [service('web')], [old], []))
    const { last } = play([target('web')], looks)
    expect(last.services.get('shop_web')).toEqual({
      is: 'pending',
      waitsFor: '1 task of the version before to be replaced'
    })
  })

  it('completed is not done while a task is missing', () => {
    const completed = service('web', { replicas: 2, UpdateStatus: { State: 'completed' } })
    const { last } = play(
      [target('web')],
      [100, 101].map(seconds => look(seconds, [completed], [old]))
    )
    expect(last.verdict).toBe('pending')
  })

  it('updating is not done while the monitor window lasts', () => {
    const updating = service('web', { UpdateStatus: { State: 'updating' } })
    const { last } = play(
      [target('web')],
      [100, 101].map(seconds => look(seconds, [updating], [old]))
    )
    expect(last.services.get('shop_web')).toEqual({ is: 'pending', waitsFor: 'the swarm to end its update' })
  })

  it('completed by a rollback that says nothing of it is a rollback, as there is no PreviousSpec', () => {
    const { PreviousSpec: _, ...back } = service('web', { release: 'r1', UpdateStatus: { State: 'completed' } })
    const { last } = play(
      [target('web')],
      [100, 101].map(seconds => look(seconds, [back], [old]))
    )
    expect(last.services.get('shop_web')).toEqual({
      is: 'rolled-back',
      reason: 'the swarm rolled it back to release r1'
    })
  })

  it('completed by somebody else’s update is theirs', () => {
    const theirs = service('web', { release: 'r3', UpdateStatus: { State: 'completed' } })
    const { last } = play(
      [target('web')],
      [100, 101].map(seconds => look(seconds, [theirs], [old]))
    )
    expect(last.verdict).toBe('overtaken')
  })
})

describe('a second task in one place', () => {
  const twice = (seconds: number) => look(seconds, [service('web')], [running(5), task('web', 'web-2', 'running', 6)])
  it('is waited for to go, and told when it does not', () => {
    const played = play([target('web')], [100, 114.9, 115].map(twice))
    expect(verdicts(played)).toEqual(['pending', 'pending', 'deployed'])
    expect(played.last.services.get('shop_web')).toMatchObject({
      reason: '1 of 1 task runs, and 1 more task in the same place, which the swarm has not taken away'
    })
  })
})

describe('several services', () => {
  const failed = (id: string, since: number) =>
    task('api', id, 'rejected', since, { Status: { State: 'rejected', Err: 'No such image: x' } })
  const bad = (seconds: number) => [
    look(
      seconds,
      [service('web'), service('api')],
      [task('web', 'web-1', 'starting', 1), failed('a', 90), failed('b', 91)]
    )
  ]

  it('gives the others a moment to come to an end once one has failed', () => {
    const looks = [100, 104.9, 105].flatMap(bad)
    const played = play([target('web'), target('api')], looks)
    expect(verdicts(played)).toEqual(['pending', 'pending', 'failed'])
    expect(played.last.services.get('shop_web')?.is).toBe('pending')
  })

  it('waits for what the swarm is rolling back, however long that takes', () => {
    const back = (seconds: number, State: string) =>
      look(
        seconds,
        [service('web', { release: 'r1', UpdateStatus: { State }, Version: { Index: State.length } }), service('api')],
        [running(5), failed('a', 90), failed('b', 91)]
      )
    const looks = [
      back(100, 'rollback_started'),
      back(130, 'rollback_started'),
      back(131, 'rollback_completed'),
      back(132, 'rollback_completed')
    ]
    const played = play([target('web'), target('api')], looks)
    expect(verdicts(played)).toEqual(['pending', 'pending', 'pending', 'failed'])
    expect(played.last.services.get('shop_web')?.is).toBe('rolled-back')
  })

  it('keeps what failed failed, though it comes up in the meantime', () => {
    const recovered = [106, 120].map(seconds =>
      look(
        seconds,
        [service('web'), service('api')],
        [running(5), running(100, 'api'), failed('a', 90), failed('b', 91)]
      )
    )
    const played = play([target('web'), target('api')], [...bad(100), ...recovered])
    expect(played.last.verdict).toBe('failed')
  })

  it('an overtaken one makes the whole overtaken, which nobody may then take back', () => {
    const looks = [100, 106].map(seconds =>
      look(seconds, [service('web', { release: 'r9' }), service('api')], [failed('a', 90), failed('b', 91)])
    )
    expect(play([target('web'), target('api')], looks).last.verdict).toBe('overtaken')
  })

  it('none at all is deployed', () => expect(play([], [look(1, [], [])]).last.verdict).toBe('deployed'))
})

describe('a task that no node takes', () => {
  const waits = (seconds: number, more: ReturnType<typeof task>[] = [], state = 'ready') => {
    const stuck = task('web', 'web-1', 'pending', 90, { Status: { State: 'pending', Err: 'no suitable node (x)' } })
    const snapshot = look(seconds, [service('web')], [stuck, ...more])
    return { ...snapshot, nodes: snapshot.nodes?.map(node => ({ ...node, Status: { State: state } })) ?? [] }
  }
  const leaving = task('web', 'web-0', 'running', 1, { DesiredState: 'shutdown' })

  it('fails after ten seconds', () => {
    expect(verdicts(play([target('web')], [waits(100), waits(109.9), waits(110)]))).toEqual([
      'pending',
      'pending',
      'failed'
    ])
  })

  it('is waited for while a predecessor is about to make room', () => {
    expect(verdicts(play([target('web')], [waits(100, [leaving]), waits(130, [leaving]), waits(139)]))).not.toContain(
      'failed'
    )
  })

  it('is waited for a little longer while a node is down, whose tasks make no room', () => {
    const looks = [waits(100, [leaving], 'down'), waits(129, [leaving], 'down'), waits(130, [leaving], 'down')]
    expect(verdicts(play([target('web')], looks))).toEqual(['pending', 'pending', 'failed'])
  })
})

describe('failures', () => {
  const dies = (id: string, since: number, more = {}) =>
    task('web', id, 'failed', since, { Status: { State: 'failed', Err: 'task: non-zero exit (1)' }, ...more })

  it.each([
    ['by its own time', { UpdatedAt: at(90) }],
    ['by the start of its rollout', { UpdatedAt: at(99), UpdateStatus: { State: 'completed', StartedAt: at(90) } }]
  ])('of the same version from before this run’s update, %s, do not count', (_, updated) => {
    // the task's version index is higher than that of the service before: it failed after the service had last been written
    const failed = (since: number) => ['a', 'b', 'c'].map(id => dies(id, since, { Version: { Index: 15 } }))
    const looks = (since: number) =>
      [100, 101].map(s => look(s, [service('web', updated)], [running(60), ...failed(since)]))
    expect(play([target('web')], looks(50)).last.verdict).toBe('deployed')
    expect(play([target('web')], looks(91)).last.verdict).toBe('failed')
  })

  it('of a service that this run did not touch count from the first look on', () => {
    const old = ['a', 'b', 'c'].map(id => dies(id, 50))
    const looks = [100, 101].map(seconds => look(seconds, [service('web')], [running(60), ...old]))
    expect(play([target('web', { touched: false })], looks).last.verdict).toBe('deployed')
  })

  it('of tasks that were told to go do not count', () => {
    const told = (state: string) =>
      ['a', 'b', 'c'].map(id => ({
        ...dies(id, 100),
        Status: { State: state, Timestamp: at(100) },
        DesiredState: 'shutdown'
      }))
    const looks = [
      look(100, [service('web')], [running(80), ...told('running')]),
      ...[101, 102].map(s => look(s, [service('web')], [running(80), ...told('failed')]))
    ]
    expect(play([target('web')], looks).last.verdict).toBe('deployed')
  })

  it('after a while ask for twice as long a life', () => {
    const first = look(80, [service('web')], [task('web', 'a', 'running', 80)])
    const died = (seconds: number) => look(seconds, [service('web')], [dies('a', 95), running(96)])
    const looks = [first, died(96), died(107), died(125), died(127)]
    expect(verdicts(play([target('web')], looks))).toEqual(['pending', 'pending', 'pending', 'pending', 'deployed'])
  })

  it('ask for it too when the healthcheck stopped the task before it ever ran', () => {
    const gone = { Status: { State: 'complete', Timestamp: at(95) }, DesiredState: 'shutdown' }
    const first = look(80, [service('web')], [task('web', 'a', 'starting', 80)])
    const passed = look(95, [service('web')], [task('web', 'a', 'running', 95)])
    const died = (seconds: number) =>
      look(seconds, [service('web')], [task('web', 'a', 'complete', 95, gone), running(96)])
    for (const between of [[], [passed]]) {
      const played = play([target('web')], [first, ...between, died(96), died(107), died(125), died(127)])
      expect(verdicts(played).slice(-3)).toEqual(['pending', 'pending', 'deployed'])
    }
  })

  it('three in one slot are a crash loop, one in each of three slots are not', () => {
    const spread = ['1', '2', '3'].map(id => dies(id, 99, { Slot: Number(id) }))
    const loop = ['1', '2', '3'].map(id => dies(id, 99))
    const next = task('web', 'next', 'ready', 99)
    expect(play([target('web')], [look(100, [service('web')], [next, ...spread])]).last.verdict).toBe('pending')
    expect(play([target('web')], [look(100, [service('web')], [next, ...loop])]).last.verdict).toBe('failed')
  })

  it('of which one could not be started are no end yet, two are', () => {
    const refused = (id: string, since: number) =>
      task('web', id, 'rejected', since, {
        Status: { State: 'rejected', Err: 'No such image: app:2' }
      })
    const looks = (...failed: ReturnType<typeof task>[]) => [
      look(100, [service('web')], [task('web', 'next', 'ready', 99), ...failed])
    ]
    expect(play([target('web')], looks(dies('a', 95), refused('b', 96))).last.verdict).toBe('pending')
    expect(play([target('web')], looks(dies('a', 95), refused('b', 96), refused('c', 97))).last.verdict).toBe('failed')
  })

  it.each([
    'node is missing network attachments, ip addresses may be exhausted',
    'invalid pool request: Pool overlaps with other one on this address space'
  ])('of a network that is not in order yet (%s) have half a minute', error => {
    const refused = (id: string, since: number) =>
      task('web', id, 'rejected', since, { Status: { State: 'rejected', Err: error } })
    const looks = (...failed: ReturnType<typeof task>[]) => [
      look(130, [service('web')], [task('web', 'next', 'ready', 129), ...failed])
    ]
    const soon = ['a', 'b', 'c', 'd', 'e'].map((id, index) => refused(id, 90 + index))
    expect(play([target('web')], looks(...soon)).last.verdict).toBe('pending')
    expect(play([target('web')], looks(...soon, refused('f', 119))).last.verdict).toBe('pending')
    expect(play([target('web')], looks(...soon, refused('f', 120))).last.verdict).toBe('failed')
  })

  it('that the engine forgot meanwhile still count', () => {
    const looks = ['1', '2', '3'].map((id, index) =>
      look(100 + index, [service('web')], [dies(id, 99 + index), task('web', `n${id}`, 'ready', 99)])
    )
    expect(play([target('web')], looks).last.verdict).toBe('failed')
  })

  it('wait for the service that they may be waiting for', () => {
    const loop = ['1', '2', '3'].map(id => dies(id, 99))
    const services = [service('web'), service('db')]
    const dbStarts = look(100, services, [...loop, task('web', 'n', 'ready', 99), task('db', 'db-1', 'starting', 90)])
    const dbRuns = look(101, services, [...loop, running(101), running(100.5, 'db')])
    const played = play(
      [target('web'), target('db')],
      [dbStarts, dbRuns, { ...dbRuns, at: 112_000 }, { ...dbRuns, at: 113_000 }]
    )
    expect(verdicts(played)).toEqual(['pending', 'pending', 'deployed', 'deployed'])
  })
})
