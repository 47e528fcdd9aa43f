import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../server.ts'
import type { Case } from './cases.ts'

/** What the engine itself says of a stack, asked on its own socket; no contestant has a part in it. */

export interface ApiService {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: {
    readonly Name: string
    readonly TaskTemplate: { readonly ContainerSpec: { readonly Env?: readonly string[] } }
  }
  readonly UpdateStatus?: { readonly State: string; readonly CompletedAt?: string }
}

export interface ApiTask {
  readonly ServiceID: string
  readonly DesiredState: string
  readonly Status: { readonly State: string; readonly Timestamp: string }
}

const label = 'com.docker.stack.namespace'

export function services(server: Server, stack: string): Promise<readonly ApiService[]> {
  return list(server, '/services', stack)
}

export function tasks(server: Server, stack: string): Promise<readonly ApiTask[]> {
  return list(server, '/tasks', stack)
}

async function list<T>(server: Server, path: string, stack: string): Promise<readonly T[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${label}=${stack}`] }))
  return (await server.api('GET', `${path}?filters=${filters}`)) as readonly T[]
}

/**
 * When the engine was through with a rollout, in milliseconds since 1970 by its own clock: the end of its update or
 * rollback, and for new services when the last task ran. Undefined while it is not, and where there is none.
 */
export async function rolloutEnd(server: Server, stack: string, does: Case['does']): Promise<number | undefined> {
  if (does === 'nothing') return undefined
  const all = await services(server, stack)
  if (does === 'create') return await lastRunning(server, stack, all.length)
  const status = all.find(({ Spec }) => Spec.Name === `${stack}_web`)?.UpdateStatus
  const through = status?.State === 'completed' || status?.State === 'rollback_completed'
  return through && status.CompletedAt !== undefined ? Date.parse(status.CompletedAt) : undefined
}

async function lastRunning(server: Server, stack: string, count: number): Promise<number | undefined> {
  const running = (await tasks(server, stack)).filter(({ Status }) => Status.State === 'running')
  if (running.length < count || count === 0) return undefined
  return Math.max(...running.map(({ Status }) => Date.parse(Status.Timestamp)))
}

/** Looks for the end of a rollout while a contestant is at it: what it does afterwards may wipe the engine's own note of it. */
export class RolloutWatch implements Disposable {
  /** The last end that was seen, undefined without one. */
  endedAt: number | undefined
  private over = false
  private readonly done: Promise<void>

  constructor(server: Server, stack: string, does: Case['does']) {
    const startedAt = Date.now()
    const look = async () => {
      const at = await rolloutEnd(server, stack, does).catch(() => undefined)
      if (at !== undefined && at >= startedAt) this.endedAt = at
    }
    this.done = (async () => {
      while (!this.over) {
        await look()
        await sleep(250)
      }
      await look()
    })()
  }

  async stop(): Promise<number | undefined> {
    this[Symbol.dispose]()
    await this.done
    return this.endedAt
  }

  [Symbol.dispose](): void {
    this.over = true
  }
}

/** What runs of `web`, the service that has versions: its mark, undefined without one. */
export function markOf(all: readonly ApiService[], stack: string): string | undefined {
  const web = all.find(({ Spec }) => Spec.Name === `${stack}_web`)
  return web?.Spec.TaskTemplate.ContainerSpec.Env?.find(entry => entry.startsWith('MARK='))?.slice(5)
}

/** How many services are new or were written to between two looks. */
export function touched(before: readonly ApiService[], after: readonly ApiService[]): number {
  const known = new Map(before.map(({ ID, Version }) => [ID, Version.Index]))
  return after.filter(({ ID, Version }) => known.get(ID) !== Version.Index).length
}
