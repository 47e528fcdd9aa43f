import type { Node, Service, Task } from '../engine-types.js'
import { label } from '../model.js'
import { hasEnded, isLive, wantsEveryNode, isOnDownNode, isStopping, isUnwanted, slotOf, timeOf } from './tasks.js'
import type { Snapshot, Target } from './types.js'

/** Everything that was seen of a rollout so far, more than the engine remembers: it keeps five tasks of a slot. */
export interface Observation {
  /** Engine time when the watch began. */
  readonly startedAt: number
  /** Engine time of the newest snapshot. */
  readonly at: number
  readonly snapshots: number
  readonly nodes: ReadonlyMap<string, Node>
  /** By the service's name, in the order of the targets. */
  readonly services: ReadonlyMap<string, ServiceSeen>
}

export interface ServiceSeen {
  readonly target: Target
  /** The newest record; null when it is not there. */
  readonly service: Service | null
  /** The newest record that carried this run's release; null when none was seen. */
  readonly ours: Service | null
  /** The release label that counts as this run's. */
  readonly release: string | null
  /** Whether the newest record is the same as before the tasks were read, so that they belong to it. */
  readonly steady: boolean
  /** Somebody put another definition under this run's label. */
  readonly redefined: string | null
  readonly updates: readonly UpdateSeen[]
  readonly tasks: ReadonlyMap<string, TaskSeen>
  /** Since when no task is live. */
  readonly emptySince: number | null
  /** Since when a place has more than one live task. */
  readonly surplusSince: number | null
}

export interface UpdateSeen {
  readonly state: string
  readonly message: string
  readonly at: number
}

export interface TaskSeen {
  /** The newest record. */
  readonly task: Task
  /** Still listed. */
  readonly present: boolean
  /** Of the service's version at the newest snapshot. */
  readonly current: boolean
  /** Made for this run's release. */
  readonly ofRelease: boolean
  /** Had ended before this run changed anything. */
  readonly old: boolean
  /** It was told to go before it ended, so its end says nothing. */
  readonly dismissed: boolean
  /** Engine time of the look that showed it first; of one that the first look of a watch found, when it was made. */
  readonly firstSeenAt: number
  /** Since when its container starts; with a healthcheck it runs only once it is healthy. */
  readonly startingSince: number | null
  readonly runningSince: number | null
  readonly endedAt: number | null
  /** Since when no node takes it although nothing is about to make room. */
  readonly stuckSince: number | null
}

/** Begins to watch. `at` is engine time in milliseconds. */
export function startObservation(targets: readonly Target[], at: number): Observation {
  const services = targets.map((target): [string, ServiceSeen] => [target.service, unseen(target)])
  return { startedAt: at, at, snapshots: 0, nodes: new Map(), services: new Map(services) }
}

function unseen(target: Target): ServiceSeen {
  return {
    target,
    service: null,
    ours: null,
    release: target.release,
    steady: false,
    redefined: null,
    updates: [],
    tasks: new Map(),
    emptySince: null,
    surplusSince: null
  }
}

/** Adds what a snapshot shows. */
export function observe(observation: Observation, snapshot: Snapshot): Observation {
  // the clock we estimate may lag behind the leader's, whose times are in the records
  const times = [...snapshot.services, ...snapshot.tasks].map(record => timeOf(record.UpdatedAt) ?? 0)
  const at = times.reduce((latest, time) => Math.max(latest, time), Math.max(snapshot.at, observation.at))
  const nodes = snapshot.nodes ? new Map(snapshot.nodes.map(node => [node.ID, node])) : observation.nodes
  const byName = new Map(snapshot.services.map(service => [service.Spec.Name, service]))
  const look: Look = {
    at,
    first: observation.snapshots === 0,
    previousAt: observation.at,
    current: new Set(snapshot.current),
    // what a node that is down still holds, it holds until it is back
    makingRoom: snapshot.tasks.some(task => isStopping(task) && !isOnDownNode(nodes, task))
  }
  const services = [...observation.services].map(([name, seen]): [string, ServiceSeen] => {
    const service = byName.get(name) ?? null
    const before = snapshot.before ? snapshot.before.find(({ ID }) => ID === service?.ID) : seen.service
    const id = service?.ID ?? seen.service?.ID
    const tasks = snapshot.tasks.filter(task => task.ServiceID === id)
    return [name, observeService(seen, service, tasks, { ...look, before: before ?? null })]
  })
  return { ...observation, at, snapshots: observation.snapshots + 1, nodes, services: new Map(services) }
}

/** What is the same for all services of one snapshot. */
interface Look {
  readonly at: number
  readonly first: boolean
  readonly previousAt: number
  readonly current: ReadonlySet<string>
  readonly makingRoom: boolean
}

function observeService(
  seen: ServiceSeen,
  service: Service | null,
  tasks: readonly Task[],
  look: Look & { readonly before: Service | null }
): ServiceSeen {
  const release = seen.release ?? releaseOf(service)
  const ours = service !== null && releaseOf(service) === release ? service : null
  const next = { ...seen, service, release, ours: ours ?? seen.ours }
  const known = new Map<string, TaskSeen>()
  const taskLook = { ...look, ours: ours !== null, target: seen.target, updatedAt: updatedAt(service) }
  for (const [id, task] of seen.tasks) known.set(id, { ...task, present: false, current: false })
  for (const task of tasks) {
    known.set(task.ID, observeTask(seen.tasks.get(task.ID), task, taskLook))
  }
  const live = tasks.filter(isLive)
  const places = new Set(live.map(task => slotOf(task, seen.target.mode)))
  return {
    ...next,
    steady:
      service !== null &&
      service.Version.Index === look.before?.Version.Index &&
      service.ID === look.before.ID &&
      !mayHaveMoreToCome(seen.target, look),
    redefined: seen.redefined ?? (ours && seen.ours ? redefinition(seen.ours, ours) : null),
    updates: withUpdate(seen.updates, service, look.at),
    tasks: known,
    emptySince: live.length > 0 ? null : (seen.emptySince ?? look.at),
    surplusSince: live.length > places.size ? (seen.surplusSince ?? look.at) : null
  }
}

/**
 * A global service that may run on more nodes than before is not updated for that, and how many tasks are wanted shows only in
 * those that the swarm has made: in the moment after a change these may be to come.
 */
function mayHaveMoreToCome(target: Target, look: Look): boolean {
  return look.first && target.touched && wantsEveryNode(target)
}

/** What is the same for all tasks of a service in one snapshot. */
interface TaskLook extends Look {
  readonly ours: boolean
  readonly target: Target
  readonly updatedAt: number | null
}

function observeTask(seen: TaskSeen | undefined, task: Task, look: TaskLook): TaskSeen {
  const current = look.current.has(task.ID)
  const ended = hasEnded(task)
  const stuck =
    task.Status.State === 'pending' && (task.Status.Err ?? '') !== '' && !isUnwanted(task) && !look.makingRoom
  // one that was not there at the look before was made since: the connected manager's clock may be ahead of the leader's
  const earliest = look.first ? 0 : look.previousAt
  const changedAt = Math.min(look.at, Math.max(timeOf(task.UpdatedAt) ?? look.at, earliest))
  return {
    task,
    present: true,
    current,
    ofRelease: seen?.ofRelease === true || (current && look.ours),
    old: seen?.old ?? (ended && isFromBefore(task, look)),
    dismissed: seen?.dismissed === true || (!ended && isUnwanted(task)),
    firstSeenAt: seen?.firstSeenAt ?? madeAt(task, look),
    startingSince: seen?.startingSince ?? (task.Status.State === 'starting' ? changedAt : null),
    runningSince: seen?.runningSince ?? (task.Status.State === 'running' ? changedAt : null),
    endedAt: seen?.endedAt ?? (ended ? changedAt : null),
    stuckSince: stuck ? (seen?.stuckSince ?? look.at) : null
  }
}

/**
 * Later looks show when a task came to be, by the clock of all that is seen. What the first one finds may be much older than the watch: a
 * phase before has seen it, and it failed or not with others that were not up yet.
 */
function madeAt(task: Task, look: TaskLook): number {
  return look.first ? Math.min(look.at, timeOf(task.CreatedAt) ?? look.at) : look.at
}

/**
 * Whether a task that is over at the first look has nothing to do with this run: of a service that was not touched every such task, of one
 * that was updated those made before. Both times are the leader's. That the task is of the current version does not make it this run's:
 * a change of labels or replicas leaves the version as it is, with all the tasks that ever failed in it.
 */
function isFromBefore(task: Task, look: TaskLook): boolean {
  if (!look.first) return false
  if (!look.target.touched) return true
  if (look.target.versionBefore === undefined) return false
  return (timeOf(task.CreatedAt) ?? look.at) < (look.updatedAt ?? 0)
}

/** When the service was last updated by somebody: the swarm's own notes on that update raise UpdatedAt too. */
function updatedAt(service: Service | null): number | null {
  return timeOf(service?.UpdateStatus?.StartedAt) ?? timeOf(service?.UpdatedAt)
}

function withUpdate(updates: readonly UpdateSeen[], service: Service | null, at: number): readonly UpdateSeen[] {
  const state = service?.UpdateStatus?.State ?? ''
  const message = service?.UpdateStatus?.Message ?? ''
  const last = updates.at(-1)
  if (last ? last.state === state && last.message === message : state === '') return updates
  return [...updates, { state, message, at }]
}

/** What somebody changed in the definition under this run's label; null when nothing but the number of replicas. */
function redefinition(before: Service, after: Service): string | null {
  if (before.Version.Index === after.Version.Index) return null
  if (before.ID !== after.ID) return 'it was removed and created again'
  const [was, is] = [before, after].map(({ Spec }) => JSON.stringify({ ...Spec.TaskTemplate, ForceUpdate: 0 }))
  if (was === is) return null
  const [image, other] = [before, after].map(({ Spec }) => Spec.TaskTemplate.ContainerSpec?.Image ?? '')
  return image === other ? 'its definition was changed' : `its image was changed from ${image ?? ''} to ${other ?? ''}`
}

/** The release label of a service; null when it has none. */
export function releaseOf(service: Service | null): string | null {
  return service?.Spec.Labels?.[label.release] ?? null
}
