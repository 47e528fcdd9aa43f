import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../server.ts'
import { windowSeconds, type StackService } from './cases.ts'
import type { Contestant, Ending, Order } from './contestant.ts'
import { rolloutEnd, services, tasks, type ApiService } from './engine.ts'

/**
 * What cannot be undercut: the requests that the rollout needs, asked of the engine on its own socket, and the engine's own
 * time until it is through. It starts no process, meets no network, and checks nothing.
 */
export function floor(server: Server): Contestant {
  return {
    name: 'floor',
    waitsFor: `the engine's own update at its end; where it has none, the tasks running and ${windowSeconds} s more`,
    async run(order: Order): Promise<Ending> {
      const startedAt = Date.now()
      const before = await services(server, order.stack)
      if (before.length === 0) await create(server, order)
      else if (order.does !== 'nothing') await update(server, before, order)
      const endedAt = await end(server, order)
      return { startedAt, endedAt, said: 'done', log: '' }
    }
  }
}

const second = 1e9
const label = 'com.docker.stack.namespace'
const longestMs = 120_000

async function create(server: Server, { stack, services: wanted }: Order): Promise<void> {
  const labels = { [label]: stack }
  const network = { Name: `${stack}_default`, Driver: 'overlay', Labels: labels }
  await server.api('POST', '/networks/create', network)
  await Promise.all(
    [...wanted].map(([key, service]) => server.api('POST', '/services/create', specOf(stack, key, service)))
  )
}

/** The one service that has versions; a rollback is the engine's own. */
async function update(server: Server, before: readonly ApiService[], order: Order): Promise<void> {
  const { does, stack, services: wanted } = order
  const [key, service] = [...wanted][0] ?? []
  const live = before.find(({ Spec }) => Spec.Name === `${stack}_${key}`)
  if (key === undefined || service === undefined || live === undefined) throw new Error(`nothing to update in ${stack}`)
  const back = does === 'go back' ? '&rollback=previous' : ''
  const path = `/services/${live.ID}/update?version=${live.Version.Index}${back}`
  await server.api('POST', path, specOf(stack, key, service))
}

function specOf(stack: string, key: string, { image, environment, checked }: StackService): object {
  const config = { Parallelism: 1, Order: 'start-first', Monitor: windowSeconds * second, MaxFailureRatio: 0 }
  const check = { Test: ['CMD', '/bin/healthy'], Interval: second, Timeout: 5 * second, Retries: 3 }
  return {
    Name: `${stack}_${key}`,
    Labels: { [label]: stack },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        StopGracePeriod: second,
        ...(checked && { Healthcheck: check })
      },
      Networks: [{ Target: `${stack}_default`, Aliases: [key] }]
    },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { ...config, FailureAction: 'rollback' },
    RollbackConfig: { ...config, FailureAction: 'pause' },
    EndpointSpec: { Mode: 'dnsrr' }
  }
}

/** When the engine was through, by its own timestamps; without a rollout, now. */
async function end(server: Server, order: Order): Promise<number> {
  if (order.does === 'nothing') {
    await tasks(server, order.stack)
    return Date.now()
  }
  const deadline = Date.now() + longestMs
  while (Date.now() < deadline) {
    const at = await rolloutEnd(server, order.stack, order.does)
    if (at !== undefined && order.does !== 'create') return at
    if (at !== undefined && at + windowSeconds * 1000 <= Date.now()) return at + windowSeconds * 1000
    await sleep(50)
  }
  throw new Error(`the engine did not end the rollout of ${order.stack} within ${longestMs / 1000} s`)
}
