import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from './server.ts'

/** How long the engines may take to let go of everything, in milliseconds: some tenth of a second for each container, on a busy machine more. */
const longest = 300_000

/**
 * Removes stacks, and waits until no node has a container or a network of theirs any more: the next stack is given the same addresses, and a
 * node that still has the old network rejects its tasks ("Pool overlaps with other one on this address space").
 * @param servers All nodes of the swarm, a manager first.
 * @throws Error naming what is left after five minutes.
 */
export async function removeStacks(servers: readonly Server[], stacks: readonly string[]): Promise<void> {
  const [manager] = servers
  if (manager === undefined || stacks.length === 0) return
  await manager.docker('stack', 'rm', ...stacks)
  const deadline = Date.now() + longest
  for (;;) {
    const left = (await Promise.all(servers.map(server => leftOn(server, stacks)))).flat()
    if (left.length === 0) return
    if (Date.now() > deadline) throw new Error(`the nodes still have ${left.slice(0, 10).join(', ')}`)
    await sleep(300)
  }
}

/** Containers and networks are named after their stack. */
async function leftOn(server: Server, stacks: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all([
    server.docker('ps', '--all', '--format', '{{.Names}}'),
    server.docker('network', 'ls', '--format', '{{.Name}}')
  ])
  const names = lists.flatMap(list => list.split('\n'))
  return names
    .filter(name => stacks.some(stack => name.startsWith(`${stack}_`)))
    .map(name => `${name} on ${server.name}`)
}
