import type { ServiceContext } from '../../context.js'
import { replicasOf } from '../../deploy.js'
import { isJob } from '../../jobs.js'
import { textOf } from '../../../json.js'
import type { ComposeNetwork } from '../../model.js'
import { updatePolicy } from '../../policy.js'
import type { Note } from '../../translated.js'

/** Swarm's own subnet for a network, unless `swarm init --default-addr-pool-mask-length` says another. */
const swarmsOwn = '/24'

interface Wanted {
  /** One for each task, and one for each service that has a virtual address. */
  readonly always: number
  /** Those of the new tasks that an update starts beside the old ones. */
  readonly inUpdates: number
}

/**
 * Networks of the stack with fewer addresses than its tasks want at once. The swarm leaves a task without an address in the state `new`, and
 * says nothing (moby/swarmkit manager/allocator/network.go, allocateTask): a rollout waits for it until its time is over.
 */
export function crowdedNetworks(contexts: readonly ServiceContext[]): readonly Note[] {
  const [first] = contexts
  return Object.entries(first?.model.networks ?? {}).flatMap(([name, network]): readonly Note[] => {
    const room = addressesOf(network)
    const all = contexts.filter(({ service }) => name in (service.networks ?? {})).map(wantedBy)
    const [always, inUpdates] = [sum(all.map(each => each.always)), sum(all.map(each => each.inUpdates))]
    if (room === null || always + inUpdates <= room) return []
    const during = inUpdates === 0 ? '' : `, ${always + inUpdates} while an update has old and new tasks at once`
    const message = `The tasks and services on the network ${name} want ${always} addresses${during}; it has ${room}, less one for each node.`
    return [{ rule: 'crowded-network', at: ['networks', name], message }]
  })
}

function wantedBy(context: ServiceContext): Wanted {
  const { service, mode } = context
  // how many tasks a global service has, only the swarm knows
  const tasks = mode.startsWith('global') ? 0 : (replicasOf(context) ?? 1)
  const always = tasks + (service.deploy?.endpoint_mode === 'dnsrr' || isJob(mode) ? 0 : 1)
  const { update } = updatePolicy(context).value
  if (textOf(update?.['order']) !== 'start-first') return { always, inUpdates: 0 }
  // 0: all at once
  const parallelism = Number(update?.['parallelism'] ?? 1)
  return { always, inUpdates: parallelism === 0 ? tasks : Math.min(tasks, parallelism) }
}

/** Addresses for tasks and services: without the network's own, the broadcast address and the gateway. null where it is not for us to say. */
function addressesOf({ external, driver = '', ipam }: ComposeNetwork): number | null {
  if (external === true || !['', 'overlay', 'bridge'].includes(driver)) return null
  const subnets = (ipam?.config ?? []).flatMap(pool => pool['subnet'] ?? []).map(textOf)
  const bits = (subnets.length > 0 ? subnets : [swarmsOwn]).map(subnet => /^[\d.]*\/(\d+)$/.exec(subnet)?.[1])
  return bits.some(each => each === undefined) ? null : sum(bits.map(each => 2 ** (32 - Number(each)) - 3))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
