import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../bed.ts'

/** What runs of a stack, asked of the engines themselves; the action has no part in it. */
export interface Running {
  readonly service: string
  readonly version: string
  readonly node: string
}

const stackLabel = 'com.docker.stack.namespace'

/** Every healthy container of a stack, on all servers that are on. */
export async function running(servers: readonly Server[], stack: string): Promise<readonly Running[]> {
  const found = await Promise.all(servers.map(server => onServer(server, stack).catch(() => [])))
  return found.flat()
}

async function onServer(server: Server, stack: string): Promise<readonly Running[]> {
  const filters = encodeURIComponent(
    JSON.stringify({ label: [`${stackLabel}=${stack}`], status: ['running'], health: ['healthy'] })
  )
  const list = (await server.api('GET', `/containers/json?filters=${filters}`)) as { Id: string }[]
  const inspected = await Promise.all(
    list.map(async ({ Id }) => {
      const { Config } = (await server.api('GET', `/containers/${Id}/json`)) as {
        Config: { Env: readonly string[]; Labels: Record<string, string> }
      }
      const service = (Config.Labels['com.docker.swarm.service.name'] ?? '').slice(stack.length + 1)
      const version = Config.Env.find(entry => entry.startsWith('VERSION='))?.slice(8) ?? ''
      return { service, version, node: server.name }
    })
  )
  return inspected
}

export interface Wanted {
  /** Service to version and number of healthy containers; `each`: one on every node that is on and not drained. */
  readonly services: Readonly<Record<string, { readonly version: string; readonly count: number | 'each' }>>
}

/** Looks until what is wanted runs and nothing else does, for `ms` at most; gives what contradicts it. */
export async function contradictions(
  servers: readonly Server[],
  stack: string,
  { services }: Wanted,
  ms: number
): Promise<readonly string[]> {
  const deadline = Date.now() + ms
  for (;;) {
    const list = await running(servers, stack)
    const wrong = Object.entries(services).flatMap(([name, { version, count }]) => {
      const own = list.filter(({ service }) => service === name)
      const right = own.filter(each => each.version === version).length
      const wanted = count === 'each' ? servers.length : count
      return right === wanted && own.length === right
        ? []
        : [`${name}: ${right} of ${wanted} run version ${version}, ${own.length - right} another`]
    })
    if (wrong.length === 0 || Date.now() > deadline) return wrong
    await sleep(500)
  }
}

/** What of a stack must outlive any deploy that did not succeed: its secrets, and what is in its volume. */
export async function kept(manager: Server, home: Server, stack: string): Promise<string> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${stackLabel}=${stack}`] }))
  const secrets = (await manager.api('GET', `/secrets?filters=${filters}`)) as { Spec: { Name: string } }[]
  const volume = (await home.api('GET', `/volumes/${stack}_data`).catch(() => ({ Mountpoint: '' }))) as {
    Mountpoint: string
  }
  const text = volume.Mountpoint === '' ? 'none' : await home.exec(['cat', `${volume.Mountpoint}/kept`])
  return JSON.stringify({ secrets: secrets.map(({ Spec }) => Spec.Name).sort(), volume: text })
}

/** Puts something into the stack's volume that no later deploy may take away. */
export async function fill(home: Server, stack: string): Promise<void> {
  const { Mountpoint } = (await home.api('GET', `/volumes/${stack}_data`)) as { Mountpoint: string }
  await home.exec(['tee', `${Mountpoint}/kept`], stack)
}
