import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Node, Service, Task } from '../../../src/engine-types.js'
import { judge, type Judgement, type Rules } from '../../../src/rollout/judge.js'
import { observe, startObservation, type Observation } from '../../../src/rollout/observe.js'
import type { Snapshot, Target } from '../../../src/rollout/types.js'

/** What scripts/record-rollouts.ts wrote: each frame holds what changed since the one before. */
export interface Fixture {
  readonly scenario: string
  readonly engine: string
  readonly targets: readonly Target[]
  readonly startedAt: number
  readonly frames: readonly {
    readonly at: number
    readonly services?: readonly Service[]
    readonly tasks?: readonly Task[]
    readonly nodes?: readonly Node[]
    readonly gone?: readonly string[]
    readonly current?: readonly string[]
  }[]
  readonly evidence: Readonly<
    Record<string, { readonly logs: readonly string[]; readonly container: ContainerRecord | null }>
  >
}

export interface ContainerRecord {
  readonly State?: {
    readonly OOMKilled?: boolean
    readonly ExitCode?: number
    readonly Health?: { readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] }
  }
}

export function fixture(name: string): Fixture {
  const path = fileURLToPath(new URL(`../../fixtures/rollout/${name}.json`, import.meta.url))
  return JSON.parse(readFileSync(path, 'utf8')) as Fixture
}

/** The recorded snapshots in full. */
export function* snapshots({ frames }: Fixture): Generator<Snapshot> {
  const services = new Map<string, Service>()
  const tasks = new Map<string, Task>()
  const nodes = new Map<string, Node>()
  let current: readonly string[] = []
  for (const frame of frames) {
    for (const service of frame.services ?? []) services.set(service.ID, service)
    for (const task of frame.tasks ?? []) tasks.set(task.ID, task)
    for (const node of frame.nodes ?? []) nodes.set(node.ID, node)
    for (const id of frame.gone ?? []) for (const records of [services, tasks, nodes]) records.delete(id)
    current = frame.current ?? current
    yield {
      at: frame.at,
      services: [...services.values()],
      tasks: [...tasks.values()],
      nodes: [...nodes.values()],
      current
    }
  }
}

export interface Replay {
  readonly judgement: Judgement
  readonly observation: Observation
  /** Milliseconds from the change to the verdict. */
  readonly afterMs: number
  /** Every observation up to the verdict. */
  readonly steps: readonly { readonly observation: Observation; readonly judgement: Judgement }[]
}

/** Folds a recorded rollout until it is decided, or until the recording ends. */
export function replay(recorded: Fixture, rules: Partial<Omit<Rules, 'now'>> = {}): Replay {
  let observation = startObservation(recorded.targets, recorded.startedAt)
  let judgement: Judgement | undefined
  const steps: { observation: Observation; judgement: Judgement }[] = []
  for (const snapshot of snapshots(recorded)) {
    observation = observe(observation, snapshot)
    judgement = judge(observation, { stableForMs: 3_000, timeoutMs: 600_000, ...rules, now: observation.at }, judgement)
    steps.push({ observation, judgement })
    if (judgement.verdict !== 'pending') break
  }
  if (!judgement) throw new Error(`${recorded.scenario} has no frames`)
  return { judgement, observation, afterMs: observation.at - recorded.startedAt, steps }
}
