import { describe, expect, it } from '@jest/globals'
import type { ComposeService } from '../../../src/compose/model.js'
import { oldEngineNotes } from '../../../src/compose/old-engines.js'
import type { Node } from '../../../src/engine-types.js'

const node = (Hostname: string, Role: string, EngineVersion: string, Availability = 'active', State = 'ready'): Node =>
  ({
    ID: 'id',
    Spec: { Role, Availability },
    Status: { State },
    Description: { Hostname, Engine: { EngineVersion } }
  }) as unknown as Node

const mount = (type: string, volume?: object) => ({ volumes: [{ type, source: 'data', target: '/data', volume }] })
const subpath = mount('volume', { subpath: 'deep' }) as ComposeService
const cluster = mount('cluster') as ComposeService
const startInterval = { healthcheck: { start_interval: '1s' } } as ComposeService
const plain = { ...mount('volume', { nocopy: true }), healthcheck: { start_period: '9s' } } as ComposeService

const [old20, old24, old25, new26, new28] = ['20.10.24+dfsg1', '24.0.9', '25.0.3', '26.1.5+dfsg1', '28.5.2+dfsg4'].map(
  version => node('one', 'manager', version)
) as [Node, Node, Node, Node, Node]
const worker20 = node('two', 'worker', '20.10.24')

describe('what a service says, on engines of', () => {
  it.each<[string, Node[], ComposeService, string | undefined]>([
    ['20.10: a part of a volume', [old20], subpath, 'error'],
    ['25.0: a part of a volume', [old25], subpath, 'error'],
    ['26.1: a part of a volume', [new26], subpath, undefined],
    ['20.10: a cluster volume', [old20], cluster, 'error'],
    ['24.0: a cluster volume', [old24], cluster, undefined],
    ['20.10: checks in quick succession at the start', [old20], startInterval, 'warning'],
    ['24.0: checks in quick succession at the start', [old24], startInterval, 'warning'],
    ['25.0: checks in quick succession at the start', [old25], startInterval, undefined],
    ['20.10: what they all know', [old20], plain, undefined],
    ['an old worker, of which placement may keep it', [new28, worker20], subpath, 'warning'],
    ['an old worker, which the manager is not', [new28, worker20], cluster, undefined],
    ['an old worker that takes no tasks', [new28, node('two', 'worker', '20.10.24', 'drain')], subpath, undefined],
    ['an old manager that takes no tasks', [node('one', 'manager', '20.10.24', 'drain')], subpath, 'error'],
    [
      'an old manager that is down',
      [new28, node('three', 'manager', '20.10.24', 'active', 'down')],
      subpath,
      'warning'
    ],
    ['a version that says nothing', [node('one', 'manager', 'library-import')], subpath, undefined],
    ['no nodes that say', [{ ID: 'a', Spec: {}, Status: {} } as unknown as Node], subpath, undefined]
  ])('%s', (_, nodes, service, level) => {
    expect(oldEngineNotes(nodes, { web: service })[0]?.level).toBe(level)
  })

  it('is told with the nodes, their versions, and what would come of it', () => {
    const services = { web: { ...subpath, ...startInterval } as ComposeService, db: plain }
    const at = ['services', 'web']
    expect(oldEngineNotes([old20, worker20, new28], services)).toEqual([
      {
        rule: 'old-engine',
        level: 'error',
        service: 'web',
        at: [...at, 'volumes', { item: '/data' }],
        message:
          '`subpath` of the volume at /data of web needs Docker Engine 26, and one has 20.10.24+dfsg1, two has 20.10.24: older ones mount the whole volume, without a word.'
      },
      {
        rule: 'old-engine',
        level: 'warning',
        service: 'web',
        at: [...at, 'healthcheck', 'start_interval'],
        message:
          '`start_interval` of web needs Docker Engine 25, and one has 20.10.24+dfsg1, two has 20.10.24: older ones leave it out, so that the first check comes only after `interval`.'
      }
    ])
  })
})
