import { describe, expect, it } from '@jest/globals'
import type { Task } from '../../../src/engine-types.js'
import { causeOf, type Evidence } from '../../../src/rollout/causes.js'
import { conclude } from '../../../src/rollout/outcome.js'
import { fixture, replay } from './replay.js'

const inPath =
  'starting container failed: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown'
const proxy =
  'starting container failed: driver failed programming external connectivity on endpoint shop_web.1.w86ir7llvvb8jgka6tg2l5rj6 (8d62a653024d4fd9f740ca0bb5df9a89c573838cd83ed1ac2979a1c0c9a7d861): Error starting userland proxy: listen tcp4 0.0.0.0:22: bind: address already in use'
const sysctl =
  'starting container failed: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: sysctl "kernel.nope" is not in a separate kernel namespace: unknown'

function evidence(
  state: string,
  error: string,
  more: Partial<Evidence> & { exitCode?: number; spec?: Task['Spec'] } = {}
): Evidence {
  const { exitCode = 0, spec = {}, ...rest } = more
  const task: Task = {
    ID: 't',
    Version: { Index: 1 },
    ServiceID: 's',
    DesiredState: 'shutdown',
    Spec: spec,
    Status: { State: state, Err: error, ContainerStatus: { ContainerID: 'c', ExitCode: exitCode } }
  }
  return { task, logs: [], container: null, ranMs: null, nodeTrouble: null, platform: null, ...rest }
}

const health = (ExitCode: number, Output: string) => ({ State: { Health: { Log: [{ ExitCode, Output }] } } })
const unhealthy = 'task: non-zero exit (137): dockerexec: unhealthy container'

/** Texts of real engines: 28.5 where it is not said, 20.10 and 26.1 where they differ. */
const table: readonly (readonly [what: string, evidence: Evidence, says: string])[] = [
  ['exit code', evidence('failed', 'task: non-zero exit (7)'), 'exited with code 7'],
  [
    'exit code after a while',
    evidence('failed', 'task: non-zero exit (7)', { ranMs: 8_200 }),
    'exited with code 7 after 8 s'
  ],
  [
    'SIGKILL, and no word of memory',
    evidence('failed', 'task: non-zero exit (137)', { container: { State: { OOMKilled: false, ExitCode: 137 } } }),
    'was killed by SIGKILL (exit code 137); the engine does not say that it ran out of memory'
  ],
  [
    'SIGKILL on a node that we cannot ask',
    evidence('failed', 'task: non-zero exit (137)'),
    'was killed by SIGKILL (exit code 137); the engine does not say that it ran out of memory'
  ],
  [
    'out of memory, by the engine’s word',
    evidence('failed', 'task: non-zero exit (137)', { container: { State: { OOMKilled: true, ExitCode: 137 } } }),
    'was killed for using more memory than it may (the engine says so), exit code 137'
  ],
  ['SIGSEGV', evidence('failed', 'task: non-zero exit (139)'), 'was ended by SIGSEGV (exit code 139)'],
  ['SIGTERM', evidence('failed', 'task: non-zero exit (143)'), 'was ended by SIGTERM (exit code 143)'],
  [
    'command not found in a shell',
    evidence('failed', 'task: non-zero exit (127)'),
    'exited with code 127: a command was not found'
  ],
  ['unhealthy, killed', evidence('failed', unhealthy), 'was stopped as unhealthy by its healthcheck'],
  [
    'unhealthy is not out of memory',
    evidence('failed', unhealthy, { container: health(1, 'no answer\n from :8080\n') }),
    'was stopped as unhealthy by its healthcheck, which says: no answer from :8080'
  ],
  [
    'a check that ran into the end of its container, after the one that tells',
    evidence('failed', unhealthy, {
      container: {
        State: {
          Health: {
            Log: [
              { ExitCode: 1, Output: 'no answer\n from :8080\n' },
              { ExitCode: -1, Output: 'FailedPrecondition: container 6ad1 init process is not running' }
            ]
          }
        }
      }
    }),
    'was stopped as unhealthy by its healthcheck, which says: no answer from :8080'
  ],
  [
    'unhealthy, and ended gracefully',
    evidence('complete', '', { container: health(1, '') }),
    'was stopped as unhealthy by its healthcheck, which says nothing'
  ],
  [
    'ended by itself',
    evidence('complete', '', { container: health(0, 'ok') }),
    'exited with code 0, and a service is to run on'
  ],
  [
    'a one-shot in an update',
    evidence('complete', '', { spec: { RestartPolicy: { Condition: 'none' } } }),
    'exited with code 0, which the swarm counts as a failure while it updates a service'
  ],
  [
    'wrong architecture',
    evidence('failed', 'task: non-zero exit (1)', {
      logs: ['exec /bin/alien: exec format error'],
      platform: 'linux/amd64'
    }),
    'could not start: its program is not made for its node, which is linux/amd64 (exec format error)'
  ],
  ['command not found, 20.10', evidence('failed', inPath), 'could not start: there is no command nope in its image'],
  ['port taken, 20.10 and 26.1', evidence('failed', proxy), 'could not start: port 22 of its node is taken'],
  ['anything else', evidence('failed', sysctl), 'failed: sysctl "kernel.nope" is not in a separate kernel namespace'],
  [
    'image',
    evidence('rejected', 'No such image: registry.invalid/app:1'),
    'could not start: its node has no image registry.invalid/app:1 and could not pull it'
  ],
  [
    'the pull’s own error',
    evidence('rejected', 'pull access denied for app, repository does not exist or may require "docker login"'),
    'could not start: the registry refuses to give out its image'
  ],
  ['node down', evidence('running', '', { nodeTrouble: 'down' }), 'is on a node that is down'],
  [
    'never healthy yet',
    evidence('starting', '', { container: health(1, 'waiting for migrations') }),
    'is still starting: its healthcheck has not passed: waiting for migrations'
  ],
  ['no address', evidence('new', ''), 'waits for the swarm to give it an address: a network of it may have none left'],
  ['still pulling', evidence('preparing', ''), 'is still being prepared: its image is being pulled']
]

describe('the cause that a task’s record tells', () => {
  it.each(table)('%s', (_, given, says) => expect(causeOf(given).what).toBe(says))

  it('names what to do where no node takes a task', () => {
    const error = 'no suitable node (scheduling constraints not satisfied on 1 node; insufficient resources on 2 nodes)'
    const { what, remedy } = causeOf(evidence('pending', error))
    expect(what).toBe(`waits: ${error}`)
    expect(remedy).toMatch(/placement\.constraints.*resources\.reservations/)
  })

  it('keeps control characters and line breaks of a healthcheck out of its sentence', () => {
    const { what } = causeOf(
      evidence('failed', unhealthy, { container: health(1, '\u001b[31mred\u001b[0m\r\n::error::x') })
    )
    expect(what).toBe('was stopped as unhealthy by its healthcheck, which says: red ::error::x')
  })
})

/** From the first recorded snapshot to the sentence of the annotation. */
const recorded: Readonly<Record<string, string>> = {
  'exit-7': 'exited with code 7.',
  killed: 'was killed by SIGKILL (exit code 137); the engine does not say that it ran out of memory.',
  segfault: 'was ended by SIGSEGV (exit code 139).',
  oom: 'was killed for using more memory than it may (the engine says so), exit code 137.',
  'command-missing': 'could not start: there is no command /bin/nope in its image.',
  'command-missing-in-path': 'could not start: there is no command nope in its image.',
  'init-missing': 'could not start: there is no command docker-init on its node, which `init: true` needs.',
  'not-executable': 'could not start: /bin/unexecutable cannot be executed (permission denied).',
  'is-a-folder': 'could not start: /data cannot be executed (permission denied).',
  'alien-binary': 'could not start: its program is not made for its node, which is linux/amd64 (exec format error).',
  'shell-missing-command': 'exited with code 127: a command was not found.',
  'bind-missing': 'could not start: /no/such/folder does not exist on its node.',
  'user-missing': 'could not start: there is no user nobody-here in its image.',
  'port-taken': 'could not start: port 22 of its node is taken.',
  'image-host-refuses': 'could not start: its node has no image 127.0.0.1:5999/app:1 and could not pull it.',
  'workdir-not-folder': 'could not start: its working directory /bin/sh is not a directory.',
  sysctl: 'failed: sysctl "kernel.nope" is not in a separate kernel namespace.'
}

describe('the cause of a recorded failure', () => {
  it.each(Object.entries(recorded))('%s', (name, says) => {
    const scene = fixture(`cause.${name}`)
    const { observation, judgement } = replay(scene)
    expect(judgement.verdict).toBe('failed')
    const records = new Map(Object.entries(scene.evidence))
    const { services } = conclude({ observation, judgement, verdict: 'failed', records })
    expect(services[0]?.diagnosis?.cause.replace(/^web\.1 on sb\d-1 /, '').replace(/ after \d+ s/, '')).toBe(says)
  })
})
