import type { Service, SwarmObject } from '../../../src/engine-types.js'
import { label, type Json, type Stack } from '../../../src/model.js'
import {
  encodeRelease,
  parseEntry,
  type ReadableEntry,
  releaseLabels,
  verdictLabels,
  type Release,
  type Verdict
} from '../../../src/release/record.js'

/** Things of a swarm as the engine would list them, for tables. */
export interface Given {
  readonly image?: string
  readonly release?: string
  readonly content?: string
  readonly replicas?: number
  readonly env?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly state?: string
  readonly previous?: Given
  readonly version?: number
  readonly job?: { readonly completed: number; readonly running?: number }
}

export function live(stack: string, key: string, given: Given = {}): Service {
  const { job, state, previous, version = 10 } = given
  return {
    ID: `id-${stack}-${key}`,
    Version: { Index: version },
    Spec: specOf(stack, key, given),
    ...(previous && { PreviousSpec: specOf(stack, key, previous) }),
    ...(state !== undefined && { UpdateStatus: { State: state } }),
    ServiceStatus: { RunningTasks: job?.running ?? 1, DesiredTasks: 1, CompletedTasks: job?.completed ?? 0 }
  }
}

function specOf(stack: string, key: string, given: Given): Service['Spec'] {
  const { image = 'app:1', release, content, replicas = 1, env, labels, secrets = [], job } = given
  return {
    Name: `${stack}_${key}`,
    Labels: {
      [label.namespace]: stack,
      ...labels,
      ...(release !== undefined && { [label.release]: release }),
      ...(content !== undefined && { [label.content]: content })
    },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        ...(env && { Env: env }),
        Secrets: secrets.map(name => ({ SecretID: `id-${name}`, SecretName: name }))
      }
    },
    Mode: job ? { ReplicatedJob: { TotalCompletions: 1 } } : { Replicated: { Replicas: replicas } }
  }
}

export interface StackGiven {
  readonly image?: string
  readonly release?: string
  readonly content?: string
  readonly [key: string]: Json | undefined
}

/** A stack file with our labels. */
export function stackOf(services: Readonly<Record<string, StackGiven>>, more: Partial<Stack> = {}): Stack {
  const entries = Object.entries(services).map(([key, { image = 'app:1', release, content, deploy, ...rest }]) => {
    const labels = {
      ...(release !== undefined && { [label.release]: release }),
      ...(content !== undefined && { [label.content]: content })
    }
    return [key, { image, ...rest, deploy: { ...(deploy as object), labels } }] as const
  })
  return { services: Object.fromEntries(entries) as unknown as Stack['services'], ...more }
}

export interface EntryGiven {
  readonly stack?: string
  readonly verdict?: Verdict
  readonly rendered?: Stack
  readonly images?: Readonly<Record<string, string>>
  readonly commit?: string
  readonly live?: readonly Service[]
  readonly rollbackOf?: string
  readonly at?: string
}

/** A release record as it is read back from the swarm. */
export function entry(id: string, given: EntryGiven = {}): ReadableEntry {
  const { stack = 'shop', verdict = 'deployed', rendered = stackOf({}), images = {}, commit = '', rollbackOf } = given
  const release: Release = {
    version: 1,
    id,
    stack,
    commit,
    ref: 'main',
    actor: 'octocat',
    runUrl: `https://github.com/o/r/actions/runs/${id}`,
    at: given.at ?? '2030-01-02T03:04:05.000Z',
    rendered,
    phases: [Object.keys(rendered.services)],
    jobs: [],
    openReplicas: [],
    images,
    ...(rollbackOf !== undefined && { rollbackOf })
  }
  const object: SwarmObject = {
    ID: `id-${stack}-${id}`,
    Version: { Index: 1 },
    Spec: {
      Name: `${stack}.release.${id}`,
      Labels: verdictLabels(releaseLabels(release), verdict, given.live),
      Data: Buffer.from(encodeRelease(release)).toString('base64')
    }
  }
  const parsed = parseEntry(object)
  if (parsed?.release == null) throw new Error('unreadable')
  return { ...parsed, release: parsed.release }
}

export function unreadable(of: ReadableEntry): SwarmObject {
  return { ...of.object, Spec: { ...of.object.Spec, Data: Buffer.from('no record').toString('base64') } }
}
