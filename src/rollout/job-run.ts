import type { Service } from '../engine-types.js'
import type { Observation, ServiceSeen, TaskSeen } from './observe.js'
import { isLive, isOnDownNode, slotOf, wantedTasks } from './tasks.js'

/** How far the present run of a job, which the engine calls its iteration, has come. */
export interface JobRun {
  /** Whether it is this deploy's run, where this deploy is to make one. */
  readonly begun: boolean
  readonly done: boolean
  readonly completed: number
  /** Tasks to complete; for a global job the nodes that have a task. */
  readonly wanted: number
}

/** Looks at the tasks of the job's newest iteration only: how often one failed before it completed does not count. */
export function jobRunOf(observation: Observation, seen: ServiceSeen, service: Service): JobRun {
  const { touched, jobIterationBefore, mode } = seen.target
  // the engine leaves out an index of 0, which is the first iteration's
  const iteration = service.JobStatus?.JobIteration?.Index ?? 0
  const tasks = [...seen.tasks.values()].filter(({ task }) => (task.JobIteration?.Index ?? 0) === iteration)
  const completed = tasks.filter(({ task }) => task.Status.State === 'complete')
  const fixed = wantedTasks(service)
  return {
    begun: !touched || jobIterationBefore === undefined || iteration > jobIterationBefore,
    done: fixed === null ? everyNodeIsDone(observation, seen, tasks, completed) : completed.length >= fixed,
    completed: completed.length,
    wanted: fixed ?? new Set(tasks.map(({ task }) => slotOf(task, mode))).size
  }
}

/** A node that was drained or is down is not waited for. */
function everyNodeIsDone(
  { nodes }: Observation,
  { target }: ServiceSeen,
  tasks: readonly TaskSeen[],
  completed: readonly TaskSeen[]
): boolean {
  const places = (some: readonly TaskSeen[]) => new Set(some.map(({ task }) => slotOf(task, target.mode)))
  const isAway = ({ task }: TaskSeen) =>
    isOnDownNode(nodes, task) || nodes.get(task.NodeID ?? '')?.Spec.Availability === 'drain'
  const done = places(completed)
  const isBusy = tasks.some(({ task, present }) => present && isLive(task))
  return (
    completed.length > 0 && !isBusy && [...places(tasks.filter(task => !isAway(task)))].every(node => done.has(node))
  )
}
