import { describe, expect, it } from '@jest/globals'
import { blame, reasonOf, reportRollOut, statusOf, type Attempt } from '../../../src/report/roll-out.js'
import type { ReleaseEntry } from '../../../src/release/record.js'
import { entry, live } from '../release/swarm.js'
import type { Rollout, ServiceOutcome, Verdict } from '../../../src/rollout/types.js'

function rollout(verdict: Verdict): Rollout {
  return { verdict, services: [], timeline: [], startedAt: 0, endedAt: 0 }
}

/** A rollout that the swarm took back, with what became of each service. */
function outcomes(...verdicts: ('rolled-back' | 'deployed')[]): Rollout {
  const services = verdicts.map((verdict, index) => ({
    service: `shop_${index}`,
    key: `${index}`,
    touched: true,
    verdict,
    reason: '',
    replicas: { running: 1, desired: 1 },
    durationMs: 0
  }))
  return { ...rollout('rolled-back'), services }
}

function attempt(verdict: Verdict, more: Partial<Attempt> = {}): Attempt {
  return {
    stack: 'shop',
    changes: [],
    release: 'r2',
    before: [],
    last: null,
    rollout: rollout(verdict),
    problems: [],
    restored: null,
    ...more
  }
}

function restored(verdict: Verdict | null, more: Partial<NonNullable<Attempt['restored']>> = {}): Attempt['restored'] {
  const watched = verdict === null ? null : rollout(verdict)
  return { release: 'r1', left: [], complete: true, untouched: false, rollout: watched, ...more }
}

const refused = { message: 'https://shop.example/ answered 502.' }

describe('the status of a roll-out', () => {
  it.each<[string, Attempt, string]>([
    ['everything runs', attempt('deployed'), 'deployed'],
    ['nothing had changed, and it runs', attempt('deployed', { release: null }), 'unchanged'],
    ['nothing had changed, and it does not run', attempt('failed', { release: null }), 'failed'],
    ['it runs, but a URL does not answer', attempt('deployed', { problems: [refused] }), 'failed'],
    [
      'a URL does not answer, and the stack is back',
      attempt('deployed', { problems: [refused], restored: restored('deployed') }),
      'rolled-back'
    ],
    ['it failed, and the stack is back', attempt('rolled-back', { restored: restored('deployed') }), 'rolled-back'],
    ['going back failed too', attempt('rolled-back', { restored: restored('failed') }), 'failed'],
    [
      'one service could not be put back',
      attempt('failed', { restored: restored('deployed', { complete: false }) }),
      'failed'
    ],
    ['the way back was not watched', attempt('failed', { restored: restored(null) }), 'failed'],
    [
      'left as it is, and the swarm went back with every service',
      attempt('rolled-back', { rollout: outcomes('rolled-back', 'rolled-back') }),
      'rolled-back'
    ],
    [
      'left as it is, half new and half old',
      attempt('rolled-back', { rollout: outcomes('rolled-back', 'deployed') }),
      'failed'
    ],
    ['left as it is', attempt('failed'), 'failed'],
    ['the time was over', attempt('timeout'), 'failed'],
    ['another run came after it', attempt('overtaken', { restored: null }), 'overtaken'],
    ['the job was cancelled', attempt('cancelled', { restored: restored(null) }), 'cancelled']
  ])('when %s', (_, of, status) => {
    expect(statusOf(of)).toBe(status)
  })
})

describe('the row of a service that went back', () => {
  it('has the image that was wanted beside the one that runs, and the time until that was decided', () => {
    const outcome: ServiceOutcome = {
      service: 'shop_web',
      key: 'web',
      touched: true,
      verdict: 'rolled-back',
      reason: 'the swarm rolled it back',
      replicas: { running: 1, desired: 1 },
      durationMs: 0
    }
    const image = (tag: string) => ({ TaskTemplate: { ContainerSpec: { Image: `shop:${tag}` } } })
    const live = { ID: 'w', Version: { Index: 1 }, Spec: { Name: 'shop_web', ...image('1') } }
    const change = { service: 'shop_web', key: 'web', job: false, why: 'changed', fields: [], drift: [] } as const
    const of = attempt('rolled-back', {
      changes: [{ kind: 'update', ...change, image: 'shop:2' }],
      before: [live],
      rollout: { ...rollout('rolled-back'), services: [outcome], startedAt: 1_000, endedAt: 21_000 }
    })
    const head = { command: 'deploy', startedAt: 0, endedAt: 30_000, findings: [], rotated: [], releases: [], jobs: [] }
    expect(reportRollOut(of, { ...head, now: [live] }).services).toEqual([
      {
        key: 'web',
        imageBefore: 'shop:1',
        imageAfter: 'shop:1',
        imageWanted: 'shop:2',
        running: 1,
        desired: 1,
        durationMs: 20_000,
        verdict: 'rolled-back',
        reason: 'the swarm rolled it back'
      }
    ])
  })
})

describe('the releases to go back to', () => {
  const head = { command: 'deploy', startedAt: 0, endedAt: 30_000, findings: [], rotated: [], jobs: [] }

  it.each<[string, ReleaseEntry['verdict'], readonly string[]]>([
    ['was deployed', 'deployed', ['r4']],
    ['failed and was left as it is', 'failed', ['r5', 'r4']],
    ['went back', 'rolled-back', ['r4']]
  ])('after one that %s are none that run', (_, verdict, running) => {
    const releases = [entry('r5', { verdict }), entry('r4'), entry('r3')]
    const now = running.map((release, index) => live('shop', `s${index}`, { release }))
    const { releases: rows } = reportRollOut(attempt('failed', { release: 'r5' }), { ...head, now, releases })
    expect(rows.map(({ id }) => id)).toEqual(verdict === 'rolled-back' ? ['r3'] : ['r4', 'r3'])
    expect(rows.filter(({ current }) => current)).toEqual([])
  })
})

describe('the reason', () => {
  it('says which release serves', () => {
    expect(reasonOf(attempt('rolled-back', { restored: restored('deployed') }))).toBe(
      'Every service is back at release r1, which is serving.'
    )
  })

  it('does not claim a way back that was not seen', () => {
    expect(reasonOf(attempt('failed', { restored: restored('failed') }))).toContain('did not succeed')
    const begun = 'The way back to release r1 was begun, and not waited for.'
    expect(reasonOf(attempt('cancelled', { restored: restored(null) }))).toBe(begun)
    expect(reasonOf(attempt('failed', { restored: restored('cancelled') }))).toBe(begun)
  })

  it('names what was left of a first deploy', () => {
    const left = ['web was left as it is: a first deploy has nothing to go back to.']
    expect(reasonOf(attempt('failed', { restored: restored(null, { release: null, left }) }))).toBe(left[0])
  })
})

describe('the annotation of a service that failed', () => {
  const failed = (logs: readonly string[]): Attempt => {
    const [outcome] = outcomes('rolled-back').services
    const diagnosis = { cause: 'web.1 on n1 exited with code 7.', task: 'web.1', history: [], logs }
    const services = [{ ...(outcome as ServiceOutcome), key: 'web', diagnosis }]
    return attempt('rolled-back', { rollout: { ...rollout('rolled-back'), services } })
  }
  const long = 'x'.repeat(2000)

  it.each<[string, readonly string[], string | undefined]>([
    ['nothing where it said nothing', ['', '  '], undefined],
    ['what it said last', ['no such table: users', ''], 'Last lines of web.1:\n| no such table: users'],
    ['a few lines of many', [...'abcdefg'], 'Last lines of web.1:\n| c\n| d\n| e\n| f\n| g'],
    [
      'no more of long ones than fits, each of them whole',
      [long, long, 'end'],
      `Last lines of web.1:\n| ${long}\n| end`
    ],
    ['the last line, however long', ['a', `${long}${long}`], `Last lines of web.1:\n| ${long}${long}`]
  ])('has %s', (_, logs, details) => {
    const at = { file: 'compose.yaml', line: 3 }
    expect(blame(failed(logs), { web: at })).toEqual([
      { message: 'web: web.1 on n1 exited with code 7.', at, ...(details !== undefined && { details }) }
    ])
  })
})
