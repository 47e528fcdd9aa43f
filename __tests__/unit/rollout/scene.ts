import type { Service, Task } from '../../../src/engine-types.js'
import { label } from '../../../src/model.js'
import { judge, type Judgement, type Rules } from '../../../src/rollout/judge.js'
import { observe, startObservation, type Observation } from '../../../src/rollout/observe.js'
import type { Snapshot, Target } from '../../../src/rollout/types.js'

/** Seconds of a made-up rollout, as the engine writes them. */
export const at = (seconds: number): string => new Date(seconds * 1000).toISOString()

export const target = (key: string, more: Partial<Target> = {}): Target => ({
  service: `shop_${key}`,
  key,
  release: 'r2',
  mode: 'replicated',
  touched: true,
  versionBefore: 10,
  ...more
})

export function service(key: string, more: Partial<Service> & { replicas?: number; release?: string } = {}): Service {
  const { replicas = 1, release = 'r2', ...rest } = more
  return {
    ID: `id-${key}`,
    Version: { Index: 20 },
    Spec: {
      Name: `shop_${key}`,
      Labels: { [label.release]: release },
      TaskTemplate: { ContainerSpec: { Image: 'app:2' } },
      Mode: { Replicated: { Replicas: replicas } }
    },
    PreviousSpec: { Name: `shop_${key}`, Labels: { [label.release]: 'r1' }, TaskTemplate: {} },
    ...rest
  }
}

/** A task that has been in its state since `since` seconds. */
export function task(key: string, id: string, state: string, since: number, more: Partial<Task> = {}): Task {
  const { Status, ...rest } = more
  return {
    ID: id,
    Version: { Index: 21 },
    CreatedAt: at(since),
    UpdatedAt: at(since),
    Spec: {},
    ServiceID: `id-${key}`,
    Slot: 1,
    NodeID: 'n1',
    DesiredState: ['failed', 'rejected', 'shutdown'].includes(state) ? 'shutdown' : 'running',
    ...rest,
    Status: { Timestamp: at(since), State: state, ...Status }
  }
}

/** One look at `seconds`; all its tasks are of the current version unless `current` says which. */
export function look(
  seconds: number,
  services: Service[],
  tasks: Task[],
  current = tasks.map(({ ID }) => ID)
): Snapshot {
  const node = {
    ID: 'n1',
    Version: { Index: 1 },
    Spec: {},
    Status: { State: 'ready' },
    Description: { Hostname: 'one' }
  }
  return { at: seconds * 1000, services, tasks, current, nodes: [node] }
}

export interface Played {
  readonly observation: Observation
  readonly judgements: readonly Judgement[]
  readonly last: Judgement
}

/** Folds looks, judging after each at the time of the look. */
export function play(targets: readonly Target[], looks: readonly Snapshot[], rules: Partial<Rules> = {}): Played {
  let observation = startObservation(targets, 0)
  const judgements: Judgement[] = []
  for (const snapshot of looks) {
    observation = observe(observation, snapshot)
    judgements.push(
      judge(observation, { now: snapshot.at, timeoutMs: 600_000, stableForMs: 10_000, ...rules }, judgements.at(-1))
    )
  }
  const last = judgements.at(-1) ?? judge(observation, { now: 0, timeoutMs: 600_000, stableForMs: 10_000, ...rules })
  return { observation, judgements, last }
}
