import type { Network } from '../engine-types.js'
import { oneLine } from '../text.js'
import type { Check } from './checks.js'

const gib = 1024 ** 3

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
