import type { Info, Network, Node } from '../engine-types.js'
import { platformName } from '../platform.js'
import { oneLine } from '../text.js'
import { oldestApi } from './engine.js'

/** One row of the table: what was looked at, how it is, and what to do where it is not well. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  readonly remedy?: string
}

const gib = 1024 ** 3

/** `api` and `engine` as the engine's ping told them. */
export function checkEngine(version: { readonly api: string; readonly engine: string }): Check {
  const [major = 0, minor = 0] = version.api.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = oldestApi.split('.').map(Number)
  const old = major < leastMajor || (major === leastMajor && minor < leastMinor)
  const detail = `Docker Engine ${version.engine}, API ${version.api}`
  return old
    ? {
        name: 'engine',
        state: 'problem',
        detail: `${detail} is too old.`,
        remedy: 'Update Docker on the server to 20.10 or newer.'
      }
    : { name: 'engine', state: 'ok', detail }
}

/** Whether the server is a manager of a swarm that works. `host` as the user wrote it. */
export function checkSwarm(info: Info, host: string): Check {
  const { LocalNodeState: state = 'inactive', ControlAvailable: manager = false, Error: error = '' } = info.Swarm ?? {}
  if (state === 'active' && manager) return { name: 'swarm', state: 'ok', detail: 'active, this node is a manager' }
  if (state === 'active') return notManager(info, host)
  if (state === 'locked') {
    return {
      name: 'swarm',
      state: 'problem',
      detail: `The swarm on ${host} is locked, as after a restart with autolock.`,
      remedy: 'On the server: `docker swarm unlock`, with the key that `docker swarm unlock-key` gave.'
    }
  }
  if (state === 'inactive') {
    return {
      name: 'swarm',
      state: 'problem',
      detail: `${host} has a Docker Engine, but swarm mode is not active.`,
      remedy: 'On the server: `docker swarm init`; or run this action once with `command: setup`.'
    }
  }
  return {
    name: 'swarm',
    state: 'problem',
    detail: `The swarm on ${host} is in state ${state}${error === '' ? '' : `: ${error}`}.`,
    remedy: 'Look at `docker info` and `journalctl -u docker` on the server.'
  }
}

function notManager(info: Info, host: string): Check {
  const managers = (info.Swarm?.RemoteManagers ?? []).map(each => each.Addr.replace(/:\d+$/, ''))
  return {
    name: 'swarm',
    state: 'problem',
    detail: `${host} is a worker of its swarm, not a manager.`,
    remedy: `Set \`host\` to a manager${managers.length === 0 ? '' : ` (${managers.join(', ')})`}, or on one: \`docker node promote ${info.Name ?? info.Swarm?.NodeID ?? ''}\`.`
  }
}

/** Managers that answer, against how many must. */
export function checkQuorum(nodes: readonly Node[]): Check {
  const managers = nodes.filter(node => node.ManagerStatus !== undefined)
  const reachable = managers.filter(node => node.ManagerStatus?.Reachability === 'reachable')
  const needed = Math.floor(managers.length / 2) + 1
  const detail = `${reachable.length} of ${managers.length} managers reachable`
  if (reachable.length === managers.length) return { name: 'managers', state: 'ok', detail }
  const away = managers.filter(node => !reachable.includes(node)).map(hostname)
  return {
    name: 'managers',
    state: 'warning',
    detail:
      `${detail}: ${away.join(', ')} is away. ${reachable.length - needed === 0 ? 'One more lost, and the swarm takes no changes.' : ''}`.trim(),
    remedy:
      'Bring it back, or replace it: `docker node demote` and `docker node rm` the lost one, then let another join.'
  }
}

/** Which nodes can take tasks, of which architecture. */
export function checkNodes(nodes: readonly Node[]): Check {
  const usable = nodes.filter(node => node.Status.State === 'ready' && node.Spec.Availability === 'active')
  const counts = new Map<string, number>()
  for (const node of usable) counts.set(platformOf(node), (counts.get(platformOf(node)) ?? 0) + 1)
  const detail = [...counts].map(([platform, count]) => `${count} × ${platform}`).join(', ')
  if (usable.length === 0) {
    return {
      name: 'nodes',
      state: 'problem',
      detail: 'No node of the swarm is ready and active, so no task can run.',
      remedy: '`docker node ls` shows why; `docker node update --availability active NODE` undoes a drain.'
    }
  }
  const down = nodes.filter(node => node.Status.State !== 'ready').map(hostname)
  if (down.length === 0) return { name: 'nodes', state: 'ok', detail }
  return {
    name: 'nodes',
    state: 'warning',
    detail: `${detail}; down: ${down.join(', ')}`,
    remedy:
      'Global services skip a node that is down; its tasks move to the others. Bring it back, or `docker node rm` it.'
  }
}

/** The server's clock against ours, in milliseconds; certificates and tokens fail on a clock that is wrong. */
export function checkClock(skewMs: number): Check {
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (seconds < 60) return { name: 'clock', state: 'ok', detail: seconds < 2 ? 'in step' : `${seconds} s off` }
  return {
    name: 'clock',
    state: 'warning',
    detail: `The server's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the runner's.`,
    remedy: 'Let it keep time: `sudo timedatectl set-ntp true`.'
  }
}

/** Space for images and volumes, from `df -Pk` of the engine's folder; null when that cannot be read. */
export function checkDisk(df: string, root: string): Check | null {
  const columns = (df.trim().split('\n').at(-1) ?? '').split(/\s+/)
  const [size, free] = [Number(columns[1]) * 1024, Number(columns[3]) * 1024]
  if (!Number.isFinite(size) || !Number.isFinite(free)) return null
  const detail = `${(free / gib).toFixed(1)} GiB free in ${root}`
  if (free >= gib) return { name: 'disk', state: 'ok', detail }
  return {
    name: 'disk',
    state: free < gib / 4 ? 'problem' : 'warning',
    detail: `Only ${Math.floor(free / 1024 ** 2)} MiB of ${(size / gib).toFixed(1)} GiB are free in ${root}: images may not fit.`,
    remedy:
      'On the server: `docker image prune -a` removes images that no container uses; `docker system df` shows what takes the space.'
  }
}

/** Networks that exist on every node without the swarm's doing. */
const predefined = ['host', 'bridge', 'none']

/** External networks that the stack names. */
export function checkNetworks(names: readonly string[], found: readonly Network[]): readonly Check[] {
  return names.map(name => {
    const matches = found.filter(network => network.Name === name)
    const detail = `external network ${name}`
    if (predefined.includes(name) || matches.some(network => network.Scope === 'swarm')) {
      return { name: 'networks', state: 'ok' as const, detail }
    }
    const missing = matches.length === 0
    return {
      name: 'networks',
      state: 'problem' as const,
      detail: missing
        ? `The external network ${name} does not exist in the swarm.`
        : `The external network ${name} belongs to one node only; services need one of the swarm.`,
      remedy: missing
        ? `On a manager: \`docker network create --driver overlay --attachable ${name}\`.`
        : `On a manager: \`docker network rm ${name}\`, then \`docker network create --driver overlay --attachable ${name}\`.`
    }
  })
}

/** External volumes that the stack names. A volume lives on one node, so with several only that node can tell. */
export function checkVolumes(names: readonly string[], found: readonly string[], nodes: number): readonly Check[] {
  return names.map(name => {
    if (found.includes(name)) return { name: 'volumes', state: 'ok' as const, detail: `external volume ${name}` }
    return {
      name: 'volumes',
      state: nodes > 1 ? ('warning' as const) : ('problem' as const),
      detail:
        nodes > 1
          ? `The external volume ${name} is not on the connected node; a node without it starts with an empty one.`
          : `The external volume ${name} does not exist; the swarm would start with an empty one.`,
      remedy: `On the node that is to run the service: \`docker volume create ${name}\`.`
    }
  })
}

/** What an engine says when it could not talk to a registry at all, as opposed to what a registry answered. */
const unreachable =
  /dial tcp|no such host|connection refused|connection reset|i\/o timeout|deadline exceeded|Client\.Timeout|request canceled|no route to host|network is unreachable|\bEOF\b|x509|tls:|server gave HTTP response/i

/**
 * Whether the manager reaches the registry that the nodes will pull from. `failure`: what the engine said when it asked there
 * for an image that need not exist; null when the registry gave any answer of its own, a refusal included.
 */
export function checkRegistry(domain: string, failure: string | null): Check {
  const name = 'registry'
  if (failure === null) return { name, state: 'ok', detail: `${domain} answers the manager` }
  if (!unreachable.test(failure)) {
    return {
      name,
      state: 'warning',
      detail: `The registry ${domain} gave the manager an answer that it does not understand: ${oneLine(failure)}`,
      remedy: 'Check the name in `registry`.'
    }
  }
  const secure = /server gave HTTP response|x509|tls:/i.test(failure)
  return {
    name,
    state: 'problem',
    detail: `The registry ${domain} cannot be reached from the manager, so no node could pull: ${oneLine(failure)}`,
    remedy: secure
      ? `Give the registry a certificate that the nodes trust; or, on a private network, name it under \`insecure-registries\` in /etc/docker/daemon.json on every node.`
      : 'Check the name in `registry`, and the name server, firewall and proxy settings of the server; or use `transfer: direct`, which needs no registry.'
  }
}

/** `linux/amd64` and so on: what a node is, as images name it. */
export function platformOf({ Description }: Node): string {
  return platformName(Description?.Platform?.Architecture ?? 'unknown', Description?.Platform?.OS)
}

function hostname(node: Node): string {
  return node.Description?.Hostname ?? node.ID
}
