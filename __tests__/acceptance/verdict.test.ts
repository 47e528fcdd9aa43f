import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp, type Pushed } from '../../testbed/images.ts'
import type { StepResult } from '../../testbed/runner.ts'
import { Workshop, web } from './workshop.ts'

/**
 * A verdict for each way a rollout can go, on a real engine. Every stack is deployed once, some twice; all of them side by side, a few at a
 * time, since most of the time of each is waiting.
 */
let bed: Bed
let app: Pushed
const results = new Map<string, Promise<StepResult>>()

interface Case {
  /** Deployed first, and expected to be good. */
  readonly before?: Readonly<Record<string, object>>
  readonly after: Readonly<Record<string, object>>
  readonly inputs?: Readonly<Record<string, string>>
  /** Between the two deploys, as root on the server. */
  readonly between?: readonly string[]
  readonly status: 'deployed' | 'unchanged' | 'failed' | 'rolled-back'
  /** What the log must say. */
  readonly says?: readonly RegExp[]
  /** Service to tasks that run in the end, as the engine's own `docker service ls` counts them. */
  readonly runs: Readonly<Record<string, string>>
}

const env = (environment: object, more: object = {}): object => web('APP', { environment, ...more })
const bare = (environment: object, more: object = {}): object =>
  web('APP', { environment, healthcheck: { disable: true }, ...more })
const deploy = (more: object): object => ({
  deploy: {
    replicas: 1,
    endpoint_mode: 'dnsrr',
    update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s' },
    restart_policy: { delay: '500ms' },
    ...more
  }
})
const update = (more: object): object =>
  deploy({ update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s', ...more } })
const crash = { EXIT_AFTER: '0', EXIT_CODE: '7', PRINT_ERROR: 'no such table: users' }

/** It runs only as long as a file of the server is there. */
const fragile = {
  ...update({}),
  volumes: ['/opt:/data'],
  command: ['sh', '-c', 'test -e /data/fragile || exit 3; exec /bin/app'],
  deploy: {
    replicas: 1,
    endpoint_mode: 'dnsrr',
    update_config: { order: 'stop-first', failure_action: 'rollback', monitor: '2s' },
    rollback_config: { order: 'stop-first', failure_action: 'rollback', monitor: '2s' },
    restart_policy: { delay: '500ms' }
  }
}

const cases: Readonly<Record<string, Case>> = {
  'false-completed': {
    before: { web: bare({ VERSION: '1' }, update({ failure_action: 'continue' })) },
    after: { web: bare({ ...crash }, update({ failure_action: 'continue' })) },
    status: 'rolled-back',
    says: [/fail again and again|exited with code 7/, /no such table: users/],
    runs: { web: '1/1' }
  },
  masked: {
    // one slow task hides another's early crash from the updater, which then says completed
    before: { web: bare({ VERSION: '1' }, update({ parallelism: 2 })) },
    after: {
      web: web('APP', {
        environment: { SLOT: '{{.Task.Slot}}', HEALTHY_AFTER: '9' },
        command: ['sh', '-c', '[ "$$SLOT" = 2 ] || { sleep 1; exit 7; }; exec /bin/app'],
        healthcheck: { test: ['CMD-SHELL', '[ "$$SLOT" = 1 ] || /bin/healthy'], start_period: '30s' },
        deploy: {
          replicas: 2,
          endpoint_mode: 'dnsrr',
          update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s', parallelism: 2 },
          restart_policy: { delay: '500ms' }
        }
      })
    },
    status: 'rolled-back',
    says: [/exited with code 7/],
    runs: { web: '1/1' }
  },
  'failed-rollback': {
    // with failure_action rollback in rollback_config a rollback that fails ends in completed
    before: { web: bare({}, fragile) },
    between: ['rm', '/opt/fragile'],
    after: { web: bare({ ...crash }, { ...fragile, command: ['/bin/app'] }) },
    status: 'failed',
    says: [/the swarm rolled it back, and .*: \d of 1 task of release r1/],
    runs: {}
  },
  'late-update': {
    before: { web: bare({ VERSION: '1' }, update({ monitor: '1s' })) },
    after: { web: bare({ EXIT_AFTER: '5', EXIT_CODE: '9' }, update({ monitor: '1s' })) },
    inputs: { 'stable-for': '8s' },
    status: 'rolled-back',
    says: [/exited with code 9 after \d+ s/],
    runs: { web: '1/1' }
  },
  paused: {
    before: { web: bare({ VERSION: '1' }, update({ failure_action: 'pause' })) },
    after: { web: bare({ ...crash }, update({ failure_action: 'pause' })) },
    status: 'rolled-back',
    says: [/the swarm paused its update/, /exited with code 7/],
    runs: { web: '1/1' }
  },
  'all-or-nothing': {
    before: { web: bare({ VERSION: '1' }), api: bare({ VERSION: '1' }) },
    after: { web: bare({ VERSION: '2' }), api: bare({ ...crash }) },
    status: 'rolled-back',
    says: [/api +rolled back: .*exited with code 7/],
    runs: { web: '1/1', api: '1/1' }
  },
  scaled: {
    before: { web: bare({}) },
    after: { web: bare({}, deploy({ replicas: 3 })) },
    status: 'deployed',
    says: [/3 of 3 tasks run/],
    runs: { web: '3/3' }
  },
  'to-zero': {
    before: { web: bare({}) },
    after: { web: bare({}, deploy({ replicas: 0 })) },
    status: 'deployed',
    runs: { web: '0/0' }
  },
  'global-good': {
    after: { web: bare({}, deploy({ mode: 'global', replicas: undefined })) },
    status: 'deployed',
    runs: { web: '1/1' }
  },
  'global-nowhere': {
    after: {
      web: bare(
        {},
        deploy({ mode: 'global', replicas: undefined, placement: { constraints: ['node.labels.gpu == true'] } })
      )
    },
    status: 'failed',
    says: [/no node is eligible/],
    runs: {}
  },
  jobs: {
    after: {
      once: bare(
        { EXIT_AFTER: '1' },
        { deploy: { mode: 'replicated-job', replicas: 2, restart_policy: { condition: 'on-failure' } } }
      ),
      everywhere: bare(
        { EXIT_AFTER: '1' },
        { deploy: { mode: 'global-job', restart_policy: { condition: 'on-failure' } } }
      )
    },
    status: 'deployed',
    says: [/2 tasks completed/, /1 task completed/],
    runs: {}
  },
  'job-fails': {
    after: {
      once: bare(
        { EXIT_AFTER: '0', EXIT_CODE: '3', PRINT: 'migration 7 failed' },
        { deploy: { mode: 'replicated-job', restart_policy: { condition: 'none' } } }
      )
    },
    status: 'failed',
    says: [/exited with code 3/, /migration 7 failed/],
    runs: {}
  },
  'one-shot': {
    after: { seed: bare({ EXIT_AFTER: '1' }, deploy({ restart_policy: { condition: 'on-failure' } })) },
    status: 'deployed',
    says: [/exited 0, as a one-shot does/],
    runs: {}
  },
  flaps: {
    after: { web: bare({ EXIT_AFTER: '4', EXIT_CODE: '1' }) },
    inputs: { 'stable-for': '6s' },
    status: 'failed',
    says: [/fail again and again/, /exited with code 1 after \d+ s/],
    runs: {}
  },
  'hidden-cause': {
    // its second try takes away what the engine needs to start the third
    after: {
      web: bare(
        {},
        {
          volumes: ['/opt:/data', '/opt/needed:/needed'],
          command: ['sh', '-c', 'echo >&2 no such table: users; rmdir /data/once || rmdir /data/needed; exit 7']
        }
      )
    },
    status: 'failed',
    says: [
      /3 times in the same place\): web\.1 on \S+ exited with code 7/,
      /\| no such table: users/,
      /does not exist/
    ],
    runs: {}
  },
  'no-node': {
    before: { web: bare({ VERSION: '1' }) },
    after: { web: bare({ VERSION: '2' }, deploy({ placement: { constraints: ['node.labels.gpu == true'] } })) },
    status: 'rolled-back',
    says: [/no suitable node \(scheduling constraints not satisfied on 1 node\)/],
    runs: { web: '1/1' }
  },
  'no-image': {
    after: { web: { ...bare({}), image: 'REGISTRY/nothing:here' } },
    status: 'failed',
    runs: {}
  },
  'slow-health': {
    before: { web: env({ VERSION: '1' }) },
    after: { web: env({ VERSION: '2', HEALTHY_AFTER: '5' }, { healthcheck: { start_period: '20s' } }) },
    status: 'deployed',
    runs: { web: '1/1' }
  },
  'starts-late': {
    // the app gives up as long as its database is not there, as many do
    after: {
      web: bare({}, { command: ['sh', '-c', 'wget -q -O /dev/null http://tasks.db:8080/ || exit 1; exec /bin/app'] }),
      db: bare({ START_AFTER: '6' }, { healthcheck: { disable: false, start_period: '20s' } })
    },
    status: 'deployed',
    runs: { web: '1/1', db: '1/1' }
  },
  'wrong-command': {
    after: { web: bare({}, { command: ['/bin/nope'] }) },
    status: 'failed',
    says: [/there is no command \/bin\/nope in its image/],
    runs: {}
  },
  defused: {
    after: { web: bare({ EXIT_AFTER: '0', EXIT_CODE: '1', PRINT: '::error::I am not a command' }) },
    status: 'failed',
    says: [/I am not a command/],
    runs: {}
  }
}

beforeAll(async () => {
  bed = await openBed({ name: 'verdict', builder: false })
  app = await pushApp(bed.registry, { name: 'app:1' })
  await bed.server.exec(['sh', '-c', 'touch /opt/fragile; mkdir /opt/once /opt/needed'])
  const waiting = Object.entries(cases)
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, what] = next
      const result = play(name, what)
      results.set(name, result)
      await result.catch(() => undefined)
    }
  }
  await Promise.all(Array.from({ length: 6 }, worker))
}, 400_000)

afterAll(() => bed.close(), 60_000)

async function play(stack: string, { before, between, after, inputs = {} }: Case): Promise<StepResult> {
  const workshop = new Workshop(bed, { stack, 'stable-for': '3s', timeout: '80s', ...inputs })
  const services = (these: Readonly<Record<string, object>>) =>
    JSON.parse(
      JSON.stringify(these).replaceAll('"APP"', JSON.stringify(app.reference)).replaceAll('REGISTRY', bed.registry)
    ) as Record<string, object>
  try {
    if (before) {
      const first = await workshop.compose(services(before)).run()
      if (first.status !== 'success') throw new Error(`the version before did not run:\n${first.log}`)
    }
    if (between) await bed.server.exec(between)
    return await workshop.compose(services(after)).run()
  } finally {
    workshop.close()
  }
}

describe('the verdict on a real engine', () => {
  it.each(Object.entries(cases))('%s', async (stack, { status, says = [], runs }) => {
    const result = await (results.get(stack) as Promise<StepResult>)
    const good = status === 'deployed' || status === 'unchanged'
    expect({ status: result.outputs['status'], step: result.status, log: result.log }).toEqual({
      status,
      step: good ? 'success' : 'failure',
      log: result.log
    })
    for (const line of says) expect(result.log).toMatch(line)
    const listed = await bed.server.docker(
      'service',
      'ls',
      '--filter',
      `label=com.docker.stack.namespace=${stack}`,
      '--format',
      '{{.Name}} {{.Replicas}}'
    )
    for (const [key, replicas] of Object.entries(runs)) expect(listed).toContain(`${stack}_${key} ${replicas}`)
  })

  it('has the exit code and the last lines of the failed task in the annotation, at its service', async () => {
    const { annotations } = await (results.get('all-or-nothing') as Promise<StepResult>)
    const [found] = annotations.filter(({ level, message }) => level === 'error' && message.startsWith('api: '))
    expect(found).toMatchObject({ file: 'compose.yaml' })
    expect(found?.message).toMatch(/exited with code 7.*\nLast lines of api\.1:\n(\| .*\n)*\| .*no such table: users/s)
  })

  it('takes no line of a container for a workflow command', async () => {
    const { annotations } = await (results.get('defused') as Promise<StepResult>)
    expect(annotations.filter(({ message }) => message === 'I am not a command')).toEqual([])
  })
})
