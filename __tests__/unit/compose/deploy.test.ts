import { describe, expect, it } from '@jest/globals'
import { translated, web, type Given } from './project.js'

const waiting = { image: 'a:1', depends_on: { web: { condition: 'service_completed_successfully' } } }

const rows: readonly [string, Given, Record<string, unknown>][] = [
  ['no restart is any', {}, { restart_policy: { condition: 'any' } }],
  ['always', { restart: 'always' }, { restart_policy: { condition: 'any' } }],
  ['unless-stopped', { restart: 'unless-stopped' }, { restart_policy: { condition: 'any' } }],
  ['on-failure', { restart: 'on-failure' }, { restart_policy: { condition: 'on-failure' } }],
  ['on-failure:3', { restart: 'on-failure:3' }, { restart_policy: { condition: 'on-failure', max_attempts: 3 } }],
  ['no', { restart: 'no' }, { restart_policy: { condition: 'none' } }],
  [
    'an explicit policy wins',
    { restart: 'no', deploy: { restart_policy: { condition: 'any' } } },
    { restart_policy: { condition: 'any' } }
  ],
  ['scale', { scale: 3 }, { replicas: 3 }],
  ['replicas win over scale', { scale: 3, deploy: { replicas: 2 } }, { replicas: 2 }],
  ['replicas stay open', {}, { replicas: undefined }],
  [
    'a global service has no replicas',
    { deploy: { mode: 'global', replicas: 2 } },
    { mode: 'global', replicas: undefined }
  ],
  [
    'limits beside deploy',
    { cpus: 0.5, mem_limit: '1024', pids_limit: 9 },
    { resources: { limits: { cpus: '0.5', memory: '1024', pids: 9 } } }
  ],
  ['a reservation beside deploy', { mem_reservation: '512' }, { resources: { reservations: { memory: '512' } } }],
  [
    'explicit limits win',
    { cpus: 0.5, deploy: { resources: { limits: { cpus: 2 } } } },
    { resources: { limits: { cpus: '2' } } }
  ],
  ['no limit of processes', { pids_limit: -1 }, { resources: undefined }],
  [
    'devices go',
    { deploy: { resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } } },
    { resources: undefined }
  ],
  [
    'generic resources stay',
    { deploy: { resources: { reservations: { generic_resources: [{ a: 1 }] } } } },
    { resources: { reservations: { generic_resources: [{ a: 1 }] } } }
  ],
  [
    'a platform',
    { platform: 'linux/arm64' },
    { placement: { constraints: ['node.platform.os == linux', 'node.platform.arch == aarch64'] } }
  ],
  ['an empty placement goes', { deploy: { placement: {} } }, { placement: undefined }],
  ['labels stay', { deploy: { labels: { a: 'b' } } }, { labels: { a: 'b' } }]
]

describe('translateDeploy', () => {
  it.each(rows)('%s', (_, given, expected) => {
    const deploy = web(given).deploy ?? {}
    for (const [key, value] of Object.entries(expected)) expect([key, deploy[key]]).toEqual([key, value])
  })

  it.each([
    ['tries a failed job again, twice', {}, { condition: 'on-failure', max_attempts: 2 }],
    ['as often as it says', { restart: 'on-failure:5' }, { condition: 'on-failure', max_attempts: 5 }],
    ['or not at all', { restart: 'no' }, { condition: 'none' }],
    [
      'never one that succeeded',
      { deploy: { restart_policy: { condition: 'any', delay: '1s' } } },
      { condition: 'on-failure', delay: '1s' }
    ]
  ])('%s', (_, given, expected) => {
    const { stack } = translated({ web: { image: 'a:1', ...given }, api: waiting }, { policy: 'auto' })
    const deploy = stack.services['web']?.deploy
    expect(deploy).toEqual({ mode: 'replicated-job', restart_policy: expected })
  })

  it('previews have the replicas they are given, jobs and services at zero excepted', () => {
    const services = {
      web: { image: 'a:1', deploy: { replicas: 5 } },
      off: { image: 'a:1', deploy: { replicas: 0 } },
      all: { image: 'a:1', deploy: { mode: 'global' } }
    }
    const { stack } = translated(services, { preview: { ports: 'drop', replicas: 1 } })
    expect(Object.values(stack.services).map(({ deploy }) => deploy?.['replicas'])).toEqual([1, 0, undefined])
  })

  it('names the services whose replicas are open', () => {
    const { openReplicas } = translated({
      a: { image: 'a:1' },
      b: { image: 'a:1', scale: 2 },
      c: { image: 'a:1', deploy: { replicas: 1 } }
    })
    expect(openReplicas).toEqual(['a'])
  })
})
