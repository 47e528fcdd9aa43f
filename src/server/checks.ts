import type { Info, Node } from '../engine-types.js'
import { platformName } from '../platform.js'
import { oldestApi } from '../errors/engine.js'

/** One row of the table: what was looked at, how it is, and what to do where it is not well. */
export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly detail: string
  readonly remedy?: string
}

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

/** `linux/amd64` and so on: what a node is, as images name it. */
export function platformOf({ Description }: Node): string {
  return platformName(Description?.Platform?.Architecture ?? 'unknown', Description?.Platform?.OS)
}

function hostname(node: Node): string {
  return node.Description?.Hostname ?? node.ID
}
