import type { Task } from '../engine-types.js'
import { duration, oneLine } from '../text.js'
import { startError, wrongFormat, type Cause } from './start-errors.js'
import { restartCondition } from './tasks.js'

/** A container's own record, as far as it tells why it ended. */
export interface ContainerRecord {
  readonly State?: {
    readonly OOMKilled?: boolean
    readonly ExitCode?: number
    readonly Health?: { readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] }
  }
}

/** What is known of the task to blame. */
export interface Evidence {
  readonly task: Task
  /** Its last lines, defused. */
  readonly logs: readonly string[]
  readonly container: ContainerRecord | null
  /** How long it ran, in milliseconds; null when it never did, or it is not known. */
  readonly ranMs: number | null
  /** The state of its node, when that is not `ready`. */
  readonly nodeTrouble: string | null
  /** `linux/amd64`, when known. */
  readonly platform: string | null
}

/** Why a task does not run, from the engine's text, its exit code, its container's record and its own last lines. */
export function causeOf(evidence: Evidence): Cause {
  const { task } = evidence
  const error = task.Status.Err ?? ''
  if (task.Status.State === 'pending') return noNode(error)
  return (
    startError(error, evidence.platform) ??
    fromExit(evidence, error) ??
    notYet(evidence) ?? { what: error === '' ? `is ${task.Status.State}` : `failed: ${oneLine(innermost(error))}` }
  )
}

/** Signals by number, as `128 + n` in an exit code. signal(7), the numbers that all of Docker's platforms share. */
const signals: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM'
}

function fromExit(evidence: Evidence, error: string): Cause | null {
  const { task, container, ranMs } = evidence
  if (!['complete', 'failed', 'shutdown'].includes(task.Status.State)) return null
  const stated = /non-zero exit \((-?\d+)\)/.exec(error)?.[1]
  const code = stated === undefined ? (task.Status.ContainerStatus?.ExitCode ?? 0) : Number(stated)
  if (stated === undefined && task.Status.State === 'failed') return null
  const check = lastFailedCheck(container)
  if (error.includes('unhealthy container') || check !== null) return unhealthy(check)
  if (container?.State?.OOMKilled === true) {
    return {
      what: `was killed for using more memory than it may (the engine says so), exit code ${code}`,
      remedy: 'Raise `deploy.resources.limits.memory`, or make it use less.'
    }
  }
  if (evidence.logs.some(line => /exec format error/i.test(line))) return wrongFormat(evidence.platform)
  const when = ranMs === null || ranMs < 1000 ? '' : ` after ${duration(ranMs)}`
  return exited(code, when, task)
}

function exited(code: number, when: string, task: Task): Cause {
  if (code === 0) {
    if (restartCondition(task) !== 'any') {
      return {
        what: `exited with code 0${when}, which the swarm counts as a failure while it updates a service`,
        remedy: 'What is to run once is a job: `deploy.mode: replicated-job`.'
      }
    }
    const hasCheck = (task.Spec.ContainerSpec?.Healthcheck?.Test ?? []).some(word => word !== 'NONE')
    return {
      what: `exited with code 0${when}, and a service is to run on`,
      remedy: hasCheck
        ? 'With a healthcheck this may be how it ends when the check fails: see what the check says. What is to run once is a job: `deploy.mode: replicated-job`.'
        : 'What is to run once is a job: `deploy.mode: replicated-job`; or set `deploy.restart_policy.condition: on-failure`.'
    }
  }
  const signal = code > 128 ? signals[code - 128] : undefined
  if (signal === 'SIGKILL') {
    return { what: `was killed by SIGKILL (exit code 137)${when}; the engine does not say that it ran out of memory` }
  }
  if (signal !== undefined) return { what: `was ended by ${signal} (exit code ${code})${when}` }
  if (code === 127)
    return {
      what: `exited with code 127${when}: a command was not found`,
      remedy: 'Check `command`, `entrypoint` and the scripts in the image.'
    }
  if (code === 126) return { what: `exited with code 126${when}: a command cannot be executed` }
  return { what: `exited with code ${code}${when}` }
}

/** What the last check said, when the container's record shows that its last checks failed. */
function lastFailedCheck(container: ContainerRecord | null): string | null {
  // one that ran into the end of its container says nothing of the service
  const log = container?.State?.Health?.Log ?? []
  const last = log
    .filter(({ Output }) => !/container \S+ is not running|init process is not running/.test(Output))
    .at(-1)
  return last === undefined || last.ExitCode === 0 ? null : oneLine(last.Output)
}

function unhealthy(check: string | null): Cause {
  const said = check === null ? '' : check === '' ? ', which says nothing' : `, which says: ${check}`
  return {
    what: `was stopped as unhealthy by its healthcheck${said}`,
    remedy: 'Run the check inside the container; give a slow start more time with `healthcheck.start_period`.'
  }
}

/** What each part of the scheduler's text asks for. swarmkit manager/scheduler/filter.go, the Explain methods. */
const placements: readonly (readonly [RegExp, string])[] = [
  [
    /scheduling constraints not satisfied/,
    'Check `deploy.placement.constraints` against the labels and roles of the nodes.'
  ],
  [/insufficient resources/, 'Lower `deploy.resources.reservations`, or add a node.'],
  [
    /host-mode port already in use/,
    'Another task has this port on every node: free it, publish another one, or use `deploy.update_config.order: stop-first` if it is this service’s own old task.'
  ],
  [
    /max replicas per node/,
    'Raise `deploy.placement.max_replicas_per_node`, lower `deploy.replicas`, or use `order: stop-first`.'
  ],
  [/unsupported platform/, 'Build the image for the platform of the nodes (`platforms`).'],
  [/missing plugin/, 'Install the volume, network or log driver on the nodes.'],
  [/not available for new tasks/, 'Bring a node back: `docker node ls` shows which are down, paused or drained.'],
  [/CSI volume/, 'Check the cluster volume and its driver.']
]

function noNode(error: string): Cause {
  const remedy = placements.filter(([pattern]) => pattern.test(error)).map(([, text]) => text)
  return {
    what: `waits: ${oneLine(error) || 'no node has taken it'}`,
    ...(remedy.length > 0 ? { remedy: remedy.join(' ') } : {})
  }
}

function notYet({ task, container, nodeTrouble }: Evidence): Cause | null {
  const { State } = task.Status
  if (nodeTrouble !== null) return { what: `is on a node that is ${nodeTrouble}`, remedy: 'Bring the node back.' }
  // swarmkit manager/allocator/network.go, allocateTask: what it could not give, it tries again when something is free, and tells nobody
  if (State === 'new')
    return {
      what: 'waits for the swarm to give it an address: a network of it may have none left',
      remedy:
        'Swarm makes networks of 253 addresses: give this one a larger subnet (`ipam` in the compose file), or run fewer tasks in it.'
    }
  if (State === 'starting') {
    const check = lastFailedCheck(container)
    const said = check === null ? '' : `: ${check}`
    return {
      what: `is still starting: its healthcheck has not passed${said}`,
      remedy: 'See what the check says; a start that takes longer needs more `healthcheck.start_period`, and `timeout`.'
    }
  }
  if (State === 'preparing')
    return { what: 'is still being prepared: its image is being pulled', remedy: 'See `timeout`.' }
  return null
}

/** The last and most telling part of an engine's chain of errors. */
function innermost(error: string): string {
  return error
    .replace(/: unknown$/, '')
    .replace(/^starting container failed: /, '')
    .replace(/^.*unable to start container process: /, '')
    .replace(/^.*runc create failed: /, '')
    .replace(/^.*driver failed programming external connectivity on endpoint \S+ \([0-9a-f]+\): /, '')
}
