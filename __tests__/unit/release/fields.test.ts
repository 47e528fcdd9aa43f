import { describe, expect, it } from '@jest/globals'
import type { Json, Stack } from '../../../src/model.js'
import { describeField, differences } from '../../../src/release/fields.js'

function stack(service: Record<string, Json>, more: Partial<Stack> = {}): { stack: Stack; key: string } {
  return { stack: { services: { web: { image: 'app:1', ...service } }, ...more } as Stack, key: 'web' }
}

describe('what differs between two definitions', () => {
  it.each<[string, Record<string, Json>, Record<string, Json>, readonly string[]]>([
    ['nothing', { tty: true }, { tty: true }, []],
    ['the image', { image: 'a:1' }, { image: 'a:2' }, ['image: a:1 → a:2']],
    [
      'variables, by name only',
      { environment: { A: 'secret1', B: '1', C: '1' } },
      { environment: { A: 'secret2', C: '1', D: '1' } },
      ['environment: +D −B ~A']
    ],
    ['variables as a list', { environment: ['A=1'] }, { environment: ['A=2', 'B=1'] }, ['environment: +B ~A']],
    ['a command, without its words', { command: ['--password=x'] }, { command: ['--password=y'] }, ['command']],
    ['replicas', { deploy: { replicas: 1 } }, { deploy: { replicas: 3 } }, ['replicas: 1 → 3']],
    ['replicas that were open', { deploy: {} }, { deploy: { replicas: 3 } }, ['replicas: 3']],
    ['replicas that are open now', { deploy: { replicas: 3 } }, {}, ['replicas: no longer 3']],
    [
      'a policy',
      { deploy: { update_config: { order: 'stop-first' } } },
      { deploy: { update_config: { order: 'start-first' } } },
      ['update_config']
    ],
    [
      'the order of keys only',
      { deploy: { update_config: { order: 'a', monitor: '1s' } } },
      { deploy: { update_config: { monitor: '1s', order: 'a' } } },
      []
    ],
    [
      'our own labels only',
      { deploy: { labels: { 'swarm-rollout.release': 'r1' } } },
      { deploy: { labels: { 'swarm-rollout.release': 'r2' } } },
      []
    ],
    [
      'a label',
      { deploy: { labels: { 'traefik.enable': 'true' } } },
      { deploy: { labels: {} } },
      ['labels: −traefik.enable']
    ],
    [
      'ports',
      { ports: [{ target: 80, published: 8080 }] },
      { ports: [{ target: 80, published: 8081 }] },
      ['ports: +8081:80/tcp −8080:80/tcp']
    ],
    [
      'mounts',
      { volumes: [{ type: 'volume', source: 'a', target: '/data' }] },
      { volumes: [{ type: 'volume', source: 'b', target: '/data' }] },
      ['volumes: ~/data']
    ],
    ['networks', { networks: { default: null } }, { networks: { default: null, proxy: null } }, ['networks: +proxy']],
    ['a healthcheck', {}, { healthcheck: { test: ['CMD', 'true'] } }, ['healthcheck']]
  ])('%s', (_title, before, after, expected) => {
    expect(differences(stack(before), stack(after)).map(describeField)).toEqual(expected)
  })

  it('names a secret that rotates, though its mount stays the same', () => {
    const mount = { secrets: [{ source: 'db', target: 'db' }] }
    const at = (name: string) => stack(mount, { secrets: { db: { external: true, name } } })
    expect(differences(at('shop_db-1'), at('shop_db-2'))).toEqual([{ field: 'secrets', changed: ['db'] }])
  })
})
