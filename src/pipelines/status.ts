import type { NodeRow, ServiceRow } from '../report/model.js'
import { releaseRow } from '../report/rows.js'
import { keyOf } from '../release/record.js'
import { presentRelease, rollbackTargets } from '../release/find.js'
import type { Node, Service } from '../engine-types.js'
import { modeOf } from '../release/target.js'
import { standingOf, type Standing } from '../rollout/standing.js'
import { readReleases } from '../stages/releases.js'
import { openHost } from './site/host.js'
import { assertHealthy } from './site/ready.js'
import { reportNow, type Outcome, type Run, type StackTarget } from './run/run.js'

/** What runs: the release that is there, its services, the nodes, and how the server is. Changes nothing. */
export async function status(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  await using host = await openHost(run)
  const checks = await assertHealthy(run, host)
  const { engine } = host
  const [services, tasks, nodes, releases] = await Promise.all([
    engine.services(target.stack),
    engine.tasksOfStack(target.stack),
    engine.nodes(),
    readReleases(engine, target.stack)
  ])
  const present = presentRelease(releases, services)
  const look = { tasks, nodes, at: ports.clock.now() }
  const rows = services.map(service => serviceRow(target.stack, service, standingOf(service, modeOf(service), look)))
  for (const row of rows)
    ports.log.info(`${row.key}: ${row.running}/${row.desired} running, ${row.imageAfter ?? 'no image'}`)
  return {
    report: {
      ...reportNow(run, { command: 'status', status: 'status', stack: target.stack }),
      ...(services.length === 0 && { reason: `The swarm has no service of a stack ${target.stack}.` }),
      // What runs, not what happens to be checked out.
      ...(present && { release: present.id, commit: present.commit, refName: present.ref }),
      checks,
      services: rows,
      nodes: nodes.map(nodeRow),
      releases: [
        ...(present ? [releaseRow(present, true)] : []),
        ...rollbackTargets(releases, services).map(entry => releaseRow(entry, false))
      ]
    }
  }
}

function serviceRow(stack: string, service: Service, { replicas, verdict, reason }: Standing): ServiceRow {
  const image = service.Spec.TaskTemplate.ContainerSpec?.Image ?? null
  const state = service.UpdateStatus?.State ?? ''
  const swarm = state === '' || state === 'completed' ? [] : [`the swarm says: ${state.replaceAll('_', ' ')}`]
  return {
    key: keyOf(stack, service),
    imageBefore: image,
    imageAfter: image,
    ...replicas,
    durationMs: null,
    verdict,
    reason: [...(reason === '' ? [] : [reason]), ...swarm].join('; ')
  }
}

function nodeRow(node: Node): NodeRow {
  return {
    name: node.Description?.Hostname ?? node.ID,
    role: node.ManagerStatus?.Leader === true ? 'leader' : (node.Spec.Role ?? ''),
    state: node.Status.State ?? '',
    availability: node.Spec.Availability ?? '',
    engine: node.Description?.Engine?.EngineVersion ?? ''
  }
}
