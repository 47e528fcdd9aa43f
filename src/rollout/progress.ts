import { oneLine } from '../text.js'
import { releaseOf, type Observation, type ServiceSeen, type TaskSeen } from './observe.js'
import { slotsOf } from './slots.js'
import { isFailure, stateOf, taskName } from './tasks.js'

/** Lines for the job's log: what changed from one observation to the next, service by service, nothing twice. */
export function progress(previous: Observation, next: Observation): readonly string[] {
  const width = Math.max(0, ...[...next.services.values()].map(({ target }) => target.key.length))
  const lines = [...next.services].flatMap(([name, seen]) => {
    const before = previous.services.get(name)
    return before
      ? serviceLines(previous, before, next, seen).map(line => `${seen.target.key.padEnd(width)}  ${line}`)
      : []
  })
  return [...nodeLines(previous, next), ...lines]
}

function serviceLines(previous: Observation, before: ServiceSeen, next: Observation, seen: ServiceSeen): string[] {
  return [...updateLines(before, seen), ...taskLines(next, before, seen), ...countLine(previous, before, next, seen)]
}

function updateLines(before: ServiceSeen, seen: ServiceSeen): string[] {
  if (before.service !== null && seen.service === null) return ['is no longer in the swarm']
  const said: Readonly<Record<string, string>> = {
    updating: 'the swarm updates it',
    completed: 'the swarm has ended its update',
    paused: 'the swarm paused the update',
    rollback_started: 'the swarm rolls it back',
    rollback_completed: 'the swarm has ended its rollback',
    rollback_paused: 'the swarm paused the rollback'
  }
  // what it did before this run says nothing
  const news = before.service === null && !seen.target.touched ? [] : seen.updates.slice(before.updates.length)
  return news.flatMap(({ state }) => said[state] ?? [])
}

function taskLines(observation: Observation, before: ServiceSeen, seen: ServiceSeen): string[] {
  return [...seen.tasks].flatMap(([id, task]) => {
    const was = before.tasks.get(id)
    return [...failureLine(observation, seen, was, task), ...waitLine(observation, seen, was, task)]
  })
}

function failureLine(observation: Observation, seen: ServiceSeen, was: TaskSeen | undefined, now: TaskSeen): string[] {
  const failed = (task: TaskSeen | undefined) =>
    task !== undefined && !task.old && !task.dismissed && isFailure(task.task, seen.target.mode)
  if (!failed(now) || failed(was)) return []
  return [`${nameOf(observation, seen, now)} ${stateOf(now.task)}`]
}

function waitLine(observation: Observation, seen: ServiceSeen, was: TaskSeen | undefined, now: TaskSeen): string[] {
  const waits = (task: TaskSeen | undefined) =>
    task?.task.Status.State === 'pending' ? (task.task.Status.Err ?? '') : ''
  const text = waits(now)
  return text === '' || text === waits(was) || !now.current
    ? []
    : [`${nameOf(observation, seen, now)} waits: ${oneLine(text)}`]
}

function countLine(previous: Observation, before: ServiceSeen, next: Observation, seen: ServiceSeen): string[] {
  const line = counted(next, seen)
  return seen.service === null || (before.service !== null && counted(previous, before) === line) ? [] : [line]
}

function counted(observation: Observation, seen: ServiceSeen): string {
  const { wanted, running, starting, outdated, done } = slotsOf(observation, seen)
  const more = [
    done > 0 ? `${done} done` : '',
    starting.length > 0 ? `${starting.length} starting` : '',
    outdated.length > 0 ? `${outdated.length} of another version` : ''
  ].filter(part => part !== '')
  // after a rollback, or when somebody else's version took over
  const release = releaseOf(seen.service)
  const whose =
    release === seen.release ? '' : ` of ${release === null ? 'another version' : `release ${oneLine(release, 60)}`}`
  return `${running.length} of ${wanted} running${whose}${more.length > 0 ? `, ${more.join(', ')}` : ''}`
}

function nameOf(observation: Observation, seen: ServiceSeen, { task }: TaskSeen): string {
  const hostname = observation.nodes.get(task.NodeID ?? '')?.Description?.Hostname
  const name = taskName(seen.target, task, hostname)
  return hostname === undefined || name.endsWith(`.${hostname}`) ? name : `${name} on ${hostname}`
}

function nodeLines(previous: Observation, next: Observation): string[] {
  return [...next.nodes].flatMap(([id, node]) => {
    const before = previous.nodes.get(id)?.Status.State
    const state = node.Status.State ?? 'unknown'
    const isNews = before === undefined ? state !== 'ready' : before !== state
    return isNews ? [`Node ${node.Description?.Hostname ?? id} is ${state === 'ready' ? 'back' : state}`] : []
  })
}
