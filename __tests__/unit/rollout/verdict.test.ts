import { describe, expect, it } from '@jest/globals'
import { conclude } from '../../../src/rollout/outcome.js'
import type { Rules } from '../../../src/rollout/judge.js'
import { slotsOf } from '../../../src/rollout/slots.js'
import { fixture, replay } from './replay.js'

/** What a user should read at the end of each recorded rollout, with `stable-for` 3 s unless said. */
interface Row {
  readonly verdict: string
  readonly reasons: Readonly<Record<string, string | RegExp>>
  readonly rules?: Partial<Rules>
}

const runs = (many: number) => ({
  verdict: 'deployed',
  reasons: { web: `${many} of ${many} task${many === 1 ? ' runs' : 's run'}` }
})
const again = (times: number) => `its tasks fail again and again (${times} times in the same place): `
const noNode = (why: string): Row => ({
  verdict: 'failed',
  reasons: { web: new RegExp(`^no node can take web\\.\\d: no suitable node \\(${why}\\)$`) }
})

const table: Readonly<Record<string, Row>> = {
  'update.good': runs(2),
  'update.no-op': runs(2),
  'update.scale-up': runs(4),
  'update.to-zero': { verdict: 'deployed', reasons: { web: 'no task is to run' } },
  'update.ports-only': runs(1),
  'update.slow-health': runs(1),
  'update.host-port-stop-first': runs(1),
  'update.rolled-back': {
    verdict: 'rolled-back',
    reasons: { web: /^the swarm rolled it back to release r1: web\.\d on sb\d-1 exited with code 7$/ }
  },
  'update.image-missing': {
    verdict: 'rolled-back',
    reasons: {
      web: /^the swarm rolled it back to release r1: web\.\d on sb\d-1 could not start: its node has no image app:missing/
    }
  },
  'update.unhealthy': {
    verdict: 'rolled-back',
    reasons: {
      web: /release r1: web\.\d on sb\d-1 was stopped as unhealthy by its healthcheck, which says: no answer from :8080$/
    }
  },
  'update.paused': {
    verdict: 'failed',
    reasons: {
      web: /^the swarm paused its update, \d of 2 tasks runs? the new version: web\.\d on sb\d-1 exited with code 7/
    }
  },
  'update.continue': { verdict: 'failed', reasons: { web: /fail again and again .* exited with code 7/ } },
  'update.masked': {
    verdict: 'failed',
    reasons: { web: /fail again and again .* web\.1 on sb\d-1 exited with code 7/ }
  },
  'update.failed-rollback-pause': {
    verdict: 'failed',
    reasons: {
      web: /^the swarm rolled it back, and (the rollback failed too|its tasks fail again and again): \d of 2 tasks of release r1 runs?: .* exited with code 7$/
    }
  },
  'update.failed-rollback-rollback': {
    verdict: 'failed',
    reasons: {
      web: /^the swarm rolled it back, and its tasks fail again and again: \d of 2 tasks of release r1 runs?: .* exited with code 7$/
    }
  },
  'update.dies-after-monitor': {
    verdict: 'failed',
    reasons: { web: /exited with code 7 after 5 s$/ },
    rules: { stableForMs: 10_000 }
  },
  'update.unschedulable': noNode('scheduling constraints not satisfied on 1 node'),
  'update.host-port-start-first': noNode('host-mode port already in use on 1 node'),
  'update.overtaken': { verdict: 'overtaken', reasons: { web: 'release r3 was deployed over it meanwhile' } },
  'update.by-hand': {
    verdict: 'overtaken',
    reasons: { web: 'somebody else updated it meanwhile: its image was changed from app:1 to app:2' }
  },
  'update.removed': { verdict: 'failed', reasons: { web: 'it was removed while its rollout was watched' } },
  'first.good': { verdict: 'deployed', reasons: { web: '2 of 2 tasks run', db: '1 of 1 task runs' } },
  'first.crash-loop': { verdict: 'failed', reasons: { web: /exited with code 7$/ } },
  'first.dies-after-8s': {
    verdict: 'failed',
    reasons: { web: /^its tasks fail again and again \(3 times.*exited with code 7 after 8 s$/ },
    rules: { stableForMs: 10_000 }
  },
  'first.waits-for-other': { verdict: 'deployed', reasons: { web: '1 of 1 task runs', db: '1 of 1 task runs' } },
  'first.image-missing': { verdict: 'failed', reasons: { web: /2 times in the same place.*no image app:missing/ } },
  'first.unschedulable': noNode('scheduling constraints not satisfied on 1 node'),
  'first.too-large': noNode('insufficient resources on 1 node'),
  'first.max-replicas': noNode('max replicas per node limit exceed'),
  'first.unhealthy': {
    verdict: 'failed',
    reasons: { web: /stopped as unhealthy by its healthcheck, which says: refused$/ }
  },
  'first.gives-up': {
    verdict: 'failed',
    reasons: {
      web: /^its task failed, and its restart policy does not start it again: web\.1 on sb\d-1 exited with code 7$/
    }
  },
  'global.good': { verdict: 'deployed', reasons: { agent: '1 of 1 task runs' } },
  'global.no-node': { verdict: 'failed', reasons: { agent: /^no node is eligible for this global service/ } },
  'job.good': { verdict: 'deployed', reasons: { job: '2 tasks completed' } },
  'job.global': { verdict: 'deployed', reasons: { job: '1 task completed' } },
  'job.again': { verdict: 'deployed', reasons: { job: '1 task completed' } },
  'job.failing': { verdict: 'failed', reasons: { job: /^it failed 3 times: job\.0 on sb\d-1 exited with code 7/ } },
  'job.gives-up': { verdict: 'failed', reasons: { job: /restart policy does not start it again: job\.0 on/ } },
  'one-shot.none': { verdict: 'deployed', reasons: { seed: '1 task exited 0, as a one-shot does' } },
  'one-shot.on-failure': { verdict: 'deployed', reasons: { seed: '1 task exited 0, as a one-shot does' } },
  'one-shot.any': {
    verdict: 'failed',
    reasons: { seed: new RegExp(`^${again(3).replace(/[()]/g, '\\$&')}seed\\.1 on sb\\d-1 exited with code 0`) }
  },
  'untouched.steady': { verdict: 'deployed', reasons: { web: '2 of 2 tasks run', db: '1 of 1 task runs' } },
  'untouched.broken': {
    verdict: 'failed',
    reasons: { web: '2 of 2 tasks run', db: /db\.1 on sb\d-1 exited with code 7/ }
  },
  'cluster.global': { verdict: 'deployed', reasons: { agent: '3 of 3 tasks run' } },
  'cluster.manager-back': runs(3)
}

function expectRow(name: string, { verdict, reasons, rules }: Row): void {
  const recorded = fixture(name)
  const { observation, judgement } = replay(recorded, rules)
  expect(judgement.verdict).toBe(verdict)
  const records = new Map(Object.entries(recorded.evidence))
  const rollout = conclude({ observation, judgement, verdict: 'deployed', records })
  const said = Object.fromEntries(rollout.services.map(({ key, reason }) => [key, reason]))
  expect(Object.keys(said)).toEqual(Object.keys(reasons))
  for (const [key, reason] of Object.entries(reasons)) {
    if (typeof reason === 'string') expect(said[key]).toBe(reason)
    else expect(said[key]).toMatch(reason)
  }
}

describe('the verdict of a rollout recorded on engine 28', () => {
  it.each(Object.entries(table))('%s', expectRow)

  it.each([
    ['update.good', (durationMs: number, afterMs: number) => durationMs > 0 && durationMs < afterMs],
    ['update.rolled-back', (durationMs: number, afterMs: number) => durationMs === afterMs]
  ] as const)(
    '%s: the time ends with its last task, or with the verdict where it did not come out well',
    (name, holds) => {
      const { observation, judgement, afterMs } = replay(fixture(name))
      const { services } = conclude({ observation, judgement, verdict: 'deployed', records: new Map() })
      expect(services.map(({ durationMs }) => holds(durationMs, afterMs))).toEqual([true])
    }
  )

  it('does not count the tasks of a node that went down, and does count those that came up elsewhere', () => {
    const { judgement, observation, steps } = replay(fixture('cluster.node-down'), { stableForMs: 25_000 })
    expect(judgement.verdict).toBe('deployed')
    const down = [...observation.nodes.values()].filter(({ Status }) => Status.State === 'down').map(({ ID }) => ID)
    expect(down).toHaveLength(1)
    const seen = observation.services.get('cluster-node-down_web')
    const counted = seen && slotsOf(observation, seen).running.map(({ task }) => task.NodeID)
    expect(counted).toHaveLength(3)
    expect(counted).not.toContain(down[0])
    // there was a moment at which fewer ran
    const least = steps.map(step => {
      const then = step.observation.services.get('cluster-node-down_web')
      const isLate = step.observation.at - step.observation.startedAt > 10_000
      return then && isLate ? slotsOf(step.observation, then).running.length : 3
    })
    expect(Math.min(...least)).toBeLessThan(3)
  })
})

/** The same on older engines: the kinds in which generations could differ. */
const older = [
  'update.good',
  'update.paused',
  'update.image-missing',
  'update.unhealthy',
  'update.failed-rollback-pause',
  'update.failed-rollback-rollback',
  'update.masked',
  'update.host-port-stop-first',
  'update.ports-only',
  'first.crash-loop',
  'first.unhealthy',
  'job.good',
  'job.failing',
  'job.again'
]

describe.each(['20', '26'])('the verdict of a rollout recorded on engine %s', generation => {
  it.each(older)('%s', name => expectRow(`engine-${generation}/${name}`, table[name] as Row))
})
