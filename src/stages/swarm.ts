import type { Survey } from '../commands/setup.js'
import { addressPool } from '../server/addresses.js'
import { UserError } from '../errors.js'
import { firstIsWorker, networkOfOneNode, otherSwarm } from '../errors/setup.js'
import type { Host, Ports } from '../ports.js'

/** A server that is to be of the swarm. */
interface Member {
  readonly host: Host
  readonly survey: Survey
  /** The address that the other nodes are to reach it at; asked only where one is needed. Throws UserError when it is not clear. */
  readonly advertised: () => string
}

/** A swarm on the first server. Says what it did. */
export async function ensureSwarm({ host, survey, advertised }: Member): Promise<readonly string[]> {
  const { engine, name } = host
  const { Swarm: swarm } = await engine.info()
  if (swarm?.LocalNodeState === 'active') {
    if (swarm.ControlAvailable !== true) throw new UserError(firstIsWorker(name))
    return []
  }
  const address = advertised()
  const pool = addressPool(survey.routes)
  await engine.call('POST', '/swarm/init', {
    body: {
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: address,
      ...(pool === undefined ? {} : { DefaultAddrPool: [pool], SubnetSize: 24 })
    }
  })
  return [`${name}: swarm started, at ${address}.`]
}

/** Another server in the manager's swarm, as a worker. Says what it did. */
export async function ensureJoined(
  ports: Ports,
  manager: Host,
  member: Omit<Member, 'survey'>
): Promise<readonly string[]> {
  const { host } = member
  const { Swarm: theirs } = await host.engine.info()
  const nodes = await manager.engine.nodes()
  if (theirs?.LocalNodeState === 'active') {
    if (nodes.some(node => node.ID === theirs.NodeID)) return []
    throw new UserError(otherSwarm(host.name, manager.name))
  }
  const own = member.advertised()
  const { Swarm: ours } = await manager.engine.info()
  const swarm = await manager.engine.call<{ JoinTokens: { Worker: string } }>('GET', '/swarm')
  ports.log.mask(swarm.JoinTokens.Worker)
  await host.engine.call('POST', '/swarm/join', {
    body: {
      ListenAddr: '0.0.0.0:2377',
      AdvertiseAddr: own,
      RemoteAddrs: [`${ours?.NodeAddr ?? ''}:2377`],
      JoinToken: swarm.JoinTokens.Worker
    }
  })
  return [`${host.name}: joined the swarm as a worker, at ${own}.`]
}

/** A network of the swarm that stacks can share. Says what it did. */
export async function ensureNetwork(host: Host, name: string): Promise<readonly string[]> {
  const found = (await host.engine.networks()).filter(network => network.Name === name)
  if (found.some(({ Scope }) => Scope === 'swarm')) return []
  if (found.length > 0) throw new UserError(networkOfOneNode(host.name, name))
  await host.engine.createNetwork({ Name: name, Driver: 'overlay', Attachable: true, CheckDuplicate: true })
  return [`${host.name}: network ${name} made (overlay, attachable).`]
}
