import { describe, expect, it } from '@jest/globals'
import { monitorWindow } from '../../../src/compose/policy.js'
import { rules, translated, web, type Given } from './project.js'

const auto = { policy: 'auto' } as const

describe('policy: auto', () => {
  it('adds an update that rolls back, and a rollback that cannot end in a false success', () => {
    const { update_config, rollback_config } = web({}, auto).deploy ?? {}
    expect(update_config).toEqual({
      parallelism: 1,
      order: 'start-first',
      failure_action: 'rollback',
      monitor: '10s',
      max_failure_ratio: 0
    })
    expect(rollback_config).toEqual({
      parallelism: 1,
      order: 'start-first',
      failure_action: 'pause',
      max_failure_ratio: 0
    })
  })

  it('says what it added', () => {
    const { findings } = translated({ web: { image: 'a:1' } }, auto)
    expect(findings.find(({ rule }) => rule === 'added-policy')?.message).toContain(
      'failure_action rollback, monitor 10s'
    )
  })

  it('lets the file win, key by key', () => {
    const deploy = {
      update_config: { parallelism: 2, failure_action: 'pause', order: 'stop-first' },
      rollback_config: { order: 'start-first' }
    }
    const { update_config, rollback_config } = web({ deploy }, auto).deploy ?? {}
    expect(update_config).toMatchObject({
      parallelism: 2,
      failure_action: 'pause',
      order: 'stop-first',
      monitor: '10s'
    })
    expect(rollback_config).toMatchObject({ order: 'start-first', failure_action: 'pause' })
  })

  it('is silent where the file says it all', () => {
    const update_config = {
      parallelism: 1,
      failure_action: 'rollback',
      order: 'start-first',
      monitor: '60s',
      max_failure_ratio: 0,
      delay: '1s'
    }
    expect(rules(translated({ web: { image: 'a:1', deploy: { update_config } } }, auto))).not.toContain('added-policy')
  })

  it('none adds nothing', () => {
    expect(web({}, { policy: 'none' }).deploy).toEqual({ restart_policy: { condition: 'any' } })
  })

  const hazards: readonly [string, Given, 'start-first' | 'stop-first'][] = [
    ['a host-mode port', { ports: [{ target: 80, published: '80', mode: 'host' }] }, 'stop-first'],
    ['the host network', { network_mode: 'host' }, 'stop-first'],
    ['a volume with one writer', { volumes: [{ type: 'volume', source: 'data', target: '/d' }] }, 'stop-first'],
    [
      'a read-only volume',
      { volumes: [{ type: 'volume', source: 'data', target: '/d', read_only: true }] },
      'start-first'
    ],
    ['an anonymous volume', { volumes: [{ type: 'volume', target: '/d' }] }, 'start-first'],
    [
      'a volume of several replicas',
      { deploy: { replicas: 2 }, volumes: [{ type: 'volume', source: 'data', target: '/d' }] },
      'start-first'
    ],
    ['a folder of the server', { volumes: [{ type: 'bind', source: '/srv/data', target: '/d' }] }, 'stop-first'],
    [
      'a file of the system',
      { volumes: [{ type: 'bind', source: '/etc/localtime', target: '/etc/localtime' }] },
      'start-first'
    ],
    ['the Docker socket', { volumes: [{ type: 'bind', source: '/var/run/docker.sock', target: '/s' }] }, 'start-first'],
    ['max_replicas_per_node', { deploy: { placement: { max_replicas_per_node: 1 } } }, 'stop-first'],
    ['a global service', { deploy: { mode: 'global' } }, 'stop-first'],
    ['an ingress port', { ports: [{ target: 80, published: '80', mode: 'ingress' }] }, 'start-first']
  ]
  it.each(hazards)('%s', (_, given, order) => {
    expect(web(given, auto).deploy?.['update_config']).toMatchObject({ order })
  })
})

describe('monitorWindow', () => {
  it.each([
    ['none', undefined, 10],
    ['off', { disable: true }, 10],
    ['defaults of the engine', {}, 95],
    ['short', { interval: '1s', retries: 2 }, 10],
    ['interval times retries plus start', { interval: '10s', retries: 3, start_period: '20s' }, 55],
    ['as one of Go’s durations', { interval: '1m30s', retries: 1 }, 95],
    ['never more than five minutes', { interval: '1h' }, 300]
  ])('%s', (_, check, seconds) => {
    expect(monitorWindow(check)).toBe(seconds * 1000)
  })
})
