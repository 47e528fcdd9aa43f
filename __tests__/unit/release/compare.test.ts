import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import type { Stack } from '../../../src/model.js'
import {
  compare,
  describeChange,
  isJobDone,
  isTouched,
  keptLabels,
  type Change,
  type CompareOptions
} from '../../../src/release/compare.js'
import type { ReleaseEntry } from '../../../src/release/record.js'
import { entry, live, stackOf, type Given } from './swarm.js'

const shop = 'shop'

function changes(
  stack: Stack,
  services: readonly Service[],
  last: ReleaseEntry | null = null,
  options: Partial<CompareOptions> = {}
): readonly Change[] {
  return compare(stack, services, last, { stack: shop, ...options })
}

function one(
  given: Given,
  options: Partial<CompareOptions> = {},
  wanted = stackOf({ web: { content: 'c1' } })
): Change | undefined {
  return changes(wanted, [live(shop, 'web', given)], null, options)[0]
}

const job = { deploy: { mode: 'replicated-job' } }

describe('what a deploy changes', () => {
  it.each<[string, Given, string]>([
    ['the same content', { release: 'r1', content: 'c1' }, 'unchanged'],
    ['another content', { release: 'r1', content: 'c0' }, 'changed'],
    ['a service without our labels', {}, 'adopted'],
    ['a service with the content label only', { content: 'c1' }, 'adopted'],
    ['a paused update of the same content', { release: 'r1', content: 'c1', state: 'paused' }, 'unfinished'],
    ['a paused rollback', { release: 'r1', content: 'c1', state: 'rollback_paused' }, 'unfinished'],
    ['an update that is under way', { release: 'r1', content: 'c1', state: 'updating' }, 'unchanged'],
    [
      'a finished rollback to the same content',
      { release: 'r1', content: 'c1', state: 'rollback_completed' },
      'unchanged'
    ]
  ])('%s', (_title, given, expected) => {
    const change = one(given)
    expect(change?.kind === 'update' ? change.why : change?.kind).toBe(expected)
  })

  it.each<[string, Given | null, Partial<CompareOptions>, string]>([
    ['has completed', { release: 'r1', content: 'c1', job: { completed: 1, running: 0 } }, {}, 'unchanged'],
    ['is still running', { release: 'r1', content: 'c1', job: { completed: 0, running: 1 } }, {}, 'unchanged'],
    ['never completed', { release: 'r1', content: 'c1', job: { completed: 0, running: 0 } }, {}, 'update'],
    ['is new', null, {}, 'create'],
    [
      'is another one, in a rollback',
      { release: 'r1', content: 'c0', job: { completed: 1 } },
      { jobs: 'skip' },
      'skip'
    ],
    ['is not there, in a rollback', null, { jobs: 'skip' }, 'skip']
  ])('a job that %s', (_title, given, options, expected) => {
    const wanted = stackOf({ web: { content: 'c1', ...job } })
    const [change] = changes(wanted, given === null ? [] : [live(shop, 'web', given)], null, options)
    expect(change).toMatchObject({ kind: expected, job: true, service: 'shop_web' })
  })

  it.each([
    ['on no node yet', { RunningTasks: 0, DesiredTasks: 2, CompletedTasks: 0 }, false],
    ['on one of two nodes', { RunningTasks: 0, DesiredTasks: 1, CompletedTasks: 1 }, false],
    ['on every node', { RunningTasks: 0, DesiredTasks: 0, CompletedTasks: 2 }, true],
    ['nowhere, as no node takes it', { RunningTasks: 0, DesiredTasks: 0, CompletedTasks: 0 }, false]
  ])('a global job is done once it completed: %s', (_title, ServiceStatus, done) => {
    const service = live(shop, 'web', { job: { completed: 0 } })
    expect(isJobDone({ ...service, Spec: { ...service.Spec, Mode: { GlobalJob: {} } }, ServiceStatus })).toBe(done)
  })

  it.each([
    [{ TotalCompletions: 2 }, 1, false],
    [{ TotalCompletions: 2 }, 2, true],
    // written by hand: the engine makes as many tasks as may run at once
    [{ MaxConcurrent: 3 }, 1, false],
    [{ MaxConcurrent: 3 }, 3, true]
  ])('a job of %j is done after %s tasks: %s', (ReplicatedJob, CompletedTasks, done) => {
    const service = live(shop, 'web', { job: { completed: 0 } })
    const ServiceStatus = { RunningTasks: 0, DesiredTasks: 3, CompletedTasks }
    expect(isJobDone({ ...service, Spec: { ...service.Spec, Mode: { ReplicatedJob } }, ServiceStatus })).toBe(done)
  })

  it('removes only what one of our releases had made', () => {
    const services = [live(shop, 'old', { release: 'r3' }), live(shop, 'theirs')]
    expect(changes(stackOf({}), services)).toEqual([
      { service: 'shop_old', key: 'old', job: false, kind: 'remove', release: 'r3' },
      { service: 'shop_theirs', key: 'theirs', job: false, kind: 'foreign' }
    ])
  })

  it('keeps the release label of whatever it does not touch', () => {
    const wanted = stackOf({ same: { content: 'c1' }, other: { content: 'c1' }, migrate: { content: 'c2', ...job } })
    const services = [
      live(shop, 'same', { release: 'r1', content: 'c1' }),
      live(shop, 'other', { release: 'r2', content: 'c0' }),
      live(shop, 'migrate', { release: 'r2', content: 'c1', job: { completed: 1 } })
    ]
    const found = changes(wanted, services, null, { jobs: 'skip' })
    expect(keptLabels(found)).toEqual({ same: 'r1', migrate: 'r2' })
    expect(found.filter(isTouched).map(({ key }) => key)).toEqual(['other'])
  })
})

describe('drift', () => {
  const rendered = stackOf({ web: { image: 'app:1', release: 'r1', content: 'c1', deploy: { replicas: 2 } } })
  const deployed = live(shop, 'web', { image: 'app:1', release: 'r1', content: 'c1', replicas: 2, env: ['A=1', 'B=2'] })
  const last = entry('r1', { rendered, live: [deployed] })

  it.each<[string, Service, readonly unknown[]]>([
    ['nothing', deployed, []],
    ['the image', with_(deployed, { image: 'app:evil' }), [{ field: 'image', from: 'app:evil', to: 'app:1' }]],
    ['the replicas', with_(deployed, { replicas: 5 }), [{ field: 'replicas', from: '5', to: '2' }]],
    ['a variable', with_(deployed, { env: ['A=1', 'B=3'] }), [{ field: 'environment' }]],
    ['a label', with_(deployed, { labels: { by: 'hand' } }), [{ field: 'labels' }]],
    ['only the order of the variables', with_(deployed, { env: ['B=2', 'A=1'] }), []],
    ['only a forced restart', forced(deployed), []]
  ])('%s', (_title, service, fields) => {
    const [change] = changes(rendered, [service], last)
    expect(change).toMatchObject(fields.length === 0 ? { kind: 'unchanged' } : { kind: 'drift', fields })
  })

  it('is no matter where the file leaves the replicas open, and they are kept', () => {
    const wanted = stackOf({ web: { image: 'app:1', release: 'r1', content: 'c1' } })
    const service = with_(deployed, { replicas: 5 })
    const open = { openReplicas: ['web'] }
    expect(changes(wanted, [service], entry('r1', { rendered: wanted, live: [deployed] }), open)).toEqual([
      { service: 'shop_web', key: 'web', job: false, kind: 'unchanged', release: 'r1', replicas: 5 }
    ])
    expect(changes(stackOf({ web: { content: 'c2' } }), [service], last, open)[0]).toMatchObject({
      kind: 'update',
      replicas: 5
    })
  })

  it('is not what an unfinished run of ours left there', () => {
    const service = live(shop, 'web', { image: 'app:2', release: 'r2', content: 'c1' })
    expect(changes(rendered, [service], last)[0]?.kind).toBe('unchanged')
  })

  it('is said besides a change that the file makes', () => {
    const wanted = stackOf({ web: { image: 'app:2', content: 'c2', deploy: { replicas: 2 } } })
    const [change] = changes(wanted, [with_(deployed, { env: ['A=0'] })], last)
    expect(change && describeChange(change)).toBe('web: image: app:1 → app:2; changed by hand (environment)')
  })

  function with_(service: Service, given: Given): Service {
    const base: Given = { image: 'app:1', release: 'r1', content: 'c1', replicas: 2, env: ['A=1', 'B=2'] }
    return live(shop, service.Spec.Name.slice(5), { ...base, ...given })
  }

  function forced(service: Service): Service {
    return { ...service, Spec: { ...service.Spec, TaskTemplate: { ...service.Spec.TaskTemplate, ForceUpdate: 3 } } }
  }
})

it('says each kind of change in one line', () => {
  const subject = { service: 'shop_web', key: 'web', job: false }
  const lines: readonly Change[] = [
    { ...subject, kind: 'create', image: 'app:1' },
    {
      ...subject,
      kind: 'update',
      why: 'adopted',
      fields: [{ field: 'image', from: 'a', to: 'b' }],
      drift: [],
      image: 'b'
    },
    { ...subject, kind: 'update', why: 'unfinished', fields: [], drift: [], image: 'b', replicas: 3 },
    { ...subject, kind: 'unchanged', release: 'r1', replicas: 3 },
    { ...subject, kind: 'skip' },
    { ...subject, kind: 'remove', release: 'r1' },
    { ...subject, kind: 'foreign' }
  ]
  expect(lines.map(describeChange)).toEqual([
    'web: new, app:1',
    'web: deployed without this action so far, taken over; image: a → b',
    'web: its last update had not finished, tried again; scaled by hand to 3, kept',
    'web: unchanged; scaled by hand to 3, kept',
    'web: a job, not run by a rollback',
    'web: no longer in the stack file, removed once the rest is live',
    "shop_web: in the stack's namespace, but not deployed by this action; left alone"
  ])
})
