import type { Bed } from '../../testbed/bed.ts'
import type { Server } from '../../testbed/server.ts'
import type { Recorder } from './recorder.ts'
import type { Raw } from './trim.ts'

export type Spec = Raw

export interface Stage {
  readonly bed: Bed
  readonly server: Server
  readonly stack: string
}

/** One kind of rollout: what runs before, what is deployed, and what happens meanwhile. */
export interface Scenario {
  readonly name: string
  readonly before?: Readonly<Record<string, Spec>>
  /** Seconds to let `before` settle. Default 3. */
  readonly settle?: number
  readonly after?: Readonly<Record<string, Spec>>
  /** Services of `after` that are only watched. */
  readonly untouched?: readonly string[]
  readonly prepare?: (stage: Stage) => Promise<void>
  readonly meanwhile?: (stage: Stage & { readonly recorder: Recorder }) => Promise<void>
  readonly seconds: number
}

const second = 1_000_000_000
const serve = 'trap "exit 0" TERM; echo serving; sleep 3600 & wait'
const crash = 'echo starting; echo "boom: no database" >&2; exit 7'

/** A service that runs a shell line; anything of its spec can be given. */
export function service(line: string | readonly string[], more: Raw = {}): Spec {
  const { container = {}, template = {}, ...rest } = more
  const Command = typeof line === 'string' ? ['/bin/sh', '-c', line] : line
  return {
    Mode: { Replicated: { Replicas: 2 } },
    ...rest,
    TaskTemplate: {
      ContainerSpec: { Image: 'app:1', Command, StopGracePeriod: second, ...container },
      RestartPolicy: { Condition: 'any', Delay: second },
      ...template
    }
  }
}

const one = { Mode: { Replicated: { Replicas: 1 } } }
const policy = (FailureAction: string, more: Raw = {}): Raw => ({
  UpdateConfig: { Parallelism: 1, FailureAction, Monitor: 2 * second, Order: 'start-first', ...more },
  RollbackConfig: { Parallelism: 1, FailureAction: 'pause', Monitor: 2 * second, Order: 'start-first' }
})
const version2 = { container: { Env: ['VERSION=2'] } }
const restart = (Condition: string, more: Raw = {}): Raw => ({
  template: { RestartPolicy: { Condition, Delay: second, ...more } }
})
const health = (line: string, more: Raw = {}): Raw => ({
  Test: ['CMD-SHELL', line],
  Interval: second,
  Timeout: second,
  Retries: 2,
  ...more
})
const place = (...Constraints: string[]): Raw => ({ template: { Placement: { Constraints } } })
const hostPort = (port: number): Raw => ({
  EndpointSpec: { Ports: [{ Protocol: 'tcp', TargetPort: 80, PublishedPort: port, PublishMode: 'host' }] }
})
const good = service(serve, policy('rollback'))
const failing = (name: string, line: string | readonly string[], more: Raw = {}): Scenario => ({
  name: `cause.${name}`,
  after: { web: service(line, { ...one, ...more }) },
  seconds: 8
})

const updates: Scenario[] = [
  {
    name: 'update.good',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }) },
    seconds: 20
  },
  {
    name: 'update.rolled-back',
    before: { web: good },
    after: { web: service(crash, policy('rollback')) },
    seconds: 20
  },
  { name: 'update.paused', before: { web: good }, after: { web: service(crash, policy('pause')) }, seconds: 12 },
  { name: 'update.continue', before: { web: good }, after: { web: service(crash, policy('continue')) }, seconds: 25 },
  {
    name: 'update.masked',
    before: { web: good },
    after: {
      web: service(`if [ "$SLOT" = 1 ]; then sleep 1; exit 7; fi; (sleep 9; touch /tmp/ok) & ${serve}`, {
        ...policy('rollback', { Parallelism: 2 }),
        container: {
          Env: ['SLOT={{.Task.Slot}}'],
          Healthcheck: health('test "$SLOT" = 1 || test -e /tmp/ok', { StartPeriod: 20 * second, Interval: second / 2 })
        }
      })
    },
    seconds: 35
  },
  ...['pause', 'rollback'].map((action): Scenario => ({
    name: `update.failed-rollback-${action}`,
    before: {
      web: service(`test -e /data/${action} || exit 3; ${serve}`, {
        ...policy('rollback', { Order: 'stop-first', Parallelism: 2 }),
        RollbackConfig: { Parallelism: 2, FailureAction: action, Monitor: 2 * second },
        container: { Mounts: [{ Type: 'bind', Source: '/opt', Target: '/data' }] }
      })
    },
    prepare: async ({ server }) => {
      await server.exec(['rm', '-f', `/opt/${action}`])
    },
    after: {
      web: service(crash, {
        ...policy('rollback', { Order: 'stop-first', Parallelism: 2 }),
        RollbackConfig: { Parallelism: 2, FailureAction: action, Monitor: 2 * second }
      })
    },
    seconds: 30
  })),
  { name: 'update.no-op', before: { web: good }, after: { web: good }, seconds: 4 },
  {
    name: 'update.scale-up',
    before: { web: good },
    after: { web: { ...good, Mode: { Replicated: { Replicas: 4 } } } },
    seconds: 15
  },
  {
    name: 'update.to-zero',
    before: { web: good },
    after: { web: { ...good, Mode: { Replicated: { Replicas: 0 } } } },
    seconds: 8
  },
  {
    name: 'update.dies-after-monitor',
    before: { web: good },
    after: { web: service(`echo up; sleep 5; ${crash}`, policy('rollback', { Monitor: second, Parallelism: 2 })) },
    seconds: 40
  },
  {
    name: 'update.unschedulable',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), ...place('node.labels.gpu == true') }) },
    seconds: 16
  },
  {
    name: 'update.image-missing',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), container: { Image: 'app:missing' } }) },
    seconds: 20
  },
  {
    name: 'update.slow-health',
    before: { web: good },
    after: {
      web: service(`(sleep 6; touch /tmp/ok) & ${serve}`, {
        ...policy('rollback'),
        ...one,
        container: { Healthcheck: health('test -e /tmp/ok', { StartPeriod: 30 * second }) }
      })
    },
    seconds: 25
  },
  {
    name: 'update.unhealthy',
    before: { web: good },
    after: {
      web: service(serve, {
        ...policy('rollback'),
        container: { Healthcheck: health('echo "no answer from :8080"; exit 1') }
      })
    },
    seconds: 25
  },
  {
    name: 'update.overtaken',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }) },
    meanwhile: ({ recorder }) =>
      later(3, async () => {
        const [web] = await recorder.services()
        const next = service(serve, { ...policy('rollback'), container: { Env: ['VERSION=3'] } })
        if (web) await recorder.update(web, 'web', next, 'r3')
      }),
    seconds: 15
  },
  {
    name: 'update.by-hand',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }) },
    meanwhile: ({ recorder }) =>
      later(3, async () => {
        const [web] = await recorder.services()
        const next = service(serve, { ...policy('rollback'), container: { Image: 'app:2' } })
        if (web) await recorder.update(web, 'web', next, 'r2')
      }),
    seconds: 10
  },
  {
    name: 'update.removed',
    before: { web: good },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }) },
    meanwhile: ({ recorder, server }) =>
      later(3, async () => {
        const [web] = await recorder.services()
        if (web) await server.api('DELETE', `/services/${web.ID}`)
      }),
    seconds: 8
  },
  {
    name: 'update.host-port-stop-first',
    before: { web: service('sleep 3600', { ...one, ...hostPort(8101), container: { StopGracePeriod: 4 * second } }) },
    after: {
      web: service(serve, { ...one, ...hostPort(8101), ...policy('rollback', { Order: 'stop-first' }), ...version2 })
    },
    seconds: 20
  },
  {
    name: 'update.host-port-start-first',
    before: { web: service(serve, { ...one, ...hostPort(8102) }) },
    after: { web: service(serve, { ...one, ...hostPort(8102), ...policy('rollback'), ...version2 }) },
    seconds: 15
  },
  {
    name: 'update.ports-only',
    before: { web: service(serve, { ...one, ...policy('rollback') }) },
    after: { web: service(serve, { ...one, ...policy('rollback'), ...hostPort(8103) }) },
    seconds: 15
  }
]

const firsts: Scenario[] = [
  { name: 'first.good', after: { web: good, db: service(serve, one) }, seconds: 14 },
  { name: 'first.crash-loop', after: { web: service(crash) }, seconds: 14 },
  { name: 'first.dies-after-8s', after: { web: service(`sleep 8; ${crash}`, one) }, seconds: 36 },
  { name: 'first.image-missing', after: { web: service(serve, { container: { Image: 'app:missing' } }) }, seconds: 12 },
  { name: 'first.unschedulable', after: { web: service(serve, place('node.labels.gpu == true')) }, seconds: 15 },
  {
    name: 'first.too-large',
    after: { web: service(serve, { template: { Resources: { Reservations: { MemoryBytes: 2 ** 50 } } } }) },
    seconds: 15
  },
  {
    name: 'first.max-replicas',
    after: { web: service(serve, { template: { Placement: { MaxReplicas: 1 } } }) },
    seconds: 15
  },
  {
    name: 'first.unhealthy',
    after: { web: service(serve, { ...one, container: { Healthcheck: health('echo "refused"; exit 1') } }) },
    seconds: 22
  },
  {
    name: 'first.waits-for-other',
    after: {
      web: service(
        'if ! test -e /data/ready; then echo "db not ready"; exit 1; fi; trap "exit 0" TERM; sleep 3600 & wait',
        { ...one, container: { Mounts: [{ Type: 'bind', Source: '/srv', Target: '/data' }] } }
      ),
      db: service('rm -f /data/ready; trap "exit 0" TERM; (sleep 9; touch /data/ready) & sleep 3600 & wait', {
        ...one,
        container: {
          Mounts: [{ Type: 'bind', Source: '/srv', Target: '/data' }],
          Healthcheck: health('test -e /data/ready', { StartPeriod: 30 * second })
        }
      })
    },
    seconds: 30
  },
  {
    name: 'first.gives-up',
    after: { web: service(crash, { ...one, ...restart('on-failure', { MaxAttempts: 1 }) }) },
    seconds: 12
  },
  { name: 'global.good', after: { agent: service(serve, { Mode: { Global: {} } }) }, seconds: 10 },
  {
    name: 'global.no-node',
    after: { agent: service(serve, { Mode: { Global: {} }, ...place('node.labels.gpu == true') }) },
    seconds: 15
  },
  {
    name: 'job.good',
    after: {
      job: service('echo migrated; sleep 1', {
        Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 2 } },
        ...restart('on-failure')
      })
    },
    seconds: 12
  },
  {
    name: 'job.failing',
    after: {
      job: service(crash, {
        Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } },
        ...restart('on-failure')
      })
    },
    seconds: 14
  },
  {
    name: 'job.gives-up',
    after: {
      job: service(crash, { Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } }, ...restart('none') })
    },
    seconds: 10
  },
  {
    name: 'job.global',
    after: { job: service('echo swept', { Mode: { GlobalJob: {} }, ...restart('on-failure') }) },
    seconds: 8
  },
  {
    name: 'job.again',
    before: {
      job: service('sleep 1', {
        Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } },
        ...restart('on-failure')
      })
    },
    settle: 5,
    after: {
      job: service('sleep 2', {
        Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } },
        ...restart('on-failure')
      })
    },
    seconds: 10
  },
  ...['none', 'on-failure', 'any'].map((condition): Scenario => ({
    name: `one-shot.${condition}`,
    after: { seed: service('echo seeded', { ...one, ...restart(condition) }) },
    seconds: condition === 'any' ? 14 : 8
  })),
  {
    name: 'untouched.steady',
    before: { web: good, db: service(serve, one) },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }), db: service(serve, one) },
    untouched: ['db'],
    seconds: 20
  },
  {
    name: 'untouched.broken',
    before: { web: good, db: service(crash, one) },
    after: { web: service(serve, { ...policy('rollback'), ...version2 }), db: service(crash, one) },
    untouched: ['db'],
    seconds: 20
  }
]

const causes: Scenario[] = [
  failing('exit-7', crash),
  failing('killed', `sh -c 'kill -KILL $$'; exit $?`),
  failing('segfault', `sh -c 'kill -SEGV $$'; exit $?`),
  failing('init-missing', serve, { container: { Init: true } }),
  failing('oom', 'sleep 1; tail /dev/zero', {
    template: { Resources: { Limits: { MemoryBytes: 16 << 20 } }, RestartPolicy: { Condition: 'any', Delay: second } }
  }),
  failing('command-missing', ['/bin/nope']),
  failing('command-missing-in-path', ['nope']),
  failing('not-executable', ['/bin/unexecutable']),
  failing('alien-binary', ['/bin/alien']),
  failing('is-a-folder', ['/data']),
  failing('shell-missing-command', 'nope'),
  failing('bind-missing', serve, {
    container: { Mounts: [{ Type: 'bind', Source: '/no/such/folder', Target: '/data' }] }
  }),
  failing('user-missing', serve, { container: { User: 'nobody-here' } }),
  failing('port-taken', serve, hostPort(22)),
  failing('image-host-unknown', serve, { container: { Image: 'registry.invalid/app:1' } }),
  failing('image-host-refuses', serve, { container: { Image: '127.0.0.1:5999/app:1' } }),
  failing('workdir-not-folder', serve, { container: { Dir: '/bin/sh' } }),
  failing('volume-driver', serve, {
    container: {
      Mounts: [{ Type: 'volume', Source: 'v', Target: '/data', VolumeOptions: { DriverConfig: { Name: 'nope' } } }]
    }
  }),
  failing('log-driver', serve, {
    template: { LogDriver: { Name: 'nope' }, RestartPolicy: { Condition: 'any', Delay: second } }
  }),
  failing('sysctl', serve, { container: { Sysctls: { 'kernel.nope': '1' } } })
]

export const scenarios: readonly Scenario[] = [...updates, ...firsts, ...causes]

async function later(seconds: number, action: () => Promise<void>): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  await action()
}
