import type { Network, Node, Service } from '../../engine-types.js'
import type { Check } from '../../server/checks.js'
import { UserError, type Problem } from '../../errors.js'
import type { Host } from '../../ports.js'
import { checkLines, unwell } from '../../report/checks.js'
import { findExternals } from '../../stages/objects.js'
import { firstLook, preflight, type FirstLook } from '../../stages/preflight.js'
import { assertOwnPreview } from '../../stages/preview.js'
import { namedBuilds, type Prepared } from './prepare.js'
import { unchangeable } from '../../release/unchangeable.js'
import type { Run, StackTarget } from '../run/run.js'

/** A server on which this stack can be deployed, as it was found. */
export interface Ready {
  /** What is worth a word in the summary too. */
  readonly checks: readonly Check[]
  readonly nodes: readonly Node[]
  /** The stack's services. */
  readonly live: readonly Service[]
}

/** What is asked of a server while the way to its engine is still being found. */
export interface Ahead {
  readonly look: FirstLook
  /** The stack's services. */
  readonly services: Promise<readonly Service[]>
  /** The stack's own networks. */
  readonly networks: Promise<readonly Network[]>
}

/** Begins to ask; what goes wrong is told where it is waited for. */
export function askAhead(run: Run, up: Pick<Host, 'engine' | 'run'>, target: StackTarget): Ahead {
  const services = up.engine.services(target.stack)
  const networks = up.engine.networks({ stack: target.stack })
  for (const answer of [services, networks]) answer.catch(() => undefined)
  return { look: firstLook(run.ports, up), services, networks }
}

/** What must be so on the server before anything is built, shown as one table. @throws UserError with all problems at once. */
export async function assertReady(
  run: Run,
  host: Host,
  target: StackTarget,
  prepared: Prepared,
  ahead: Ahead
): Promise<Ready> {
  const { externals } = prepared.translation
  const ofSwarm = Promise.all([ahead.services, findExternals(host.engine, prepared.objects.externals), ahead.networks])
  ofSwarm.catch(() => undefined)
  const { checks, problems, nodes } = await preflight(run.ports, host, {
    externals,
    look: ahead.look,
    repositories: repositoriesOf(run, target, prepared)
  })
  // Without a swarm nothing can be looked up in it.
  const [live, missing, networks] = nodes.length === 0 ? [[], [], []] : await ofSwarm
  const rows = [...checks, ...missing.map(asCheck)]
  await showChecks(run, rows)
  const { stack, places } = prepared.translation
  const present = { name: target.stack, services: live, networks, places }
  const all = [...problems, ...missing, ...unchangeable(stack, present)]
  if (all.length > 0) throw new UserError(all)
  assertOwnPreview(live, target)
  return { checks: unwell(rows), nodes, live }
}

/** The same where no compose file is at hand. @throws UserError with all problems at once. */
export async function assertHealthy(run: Run, host: Host): Promise<readonly Check[]> {
  const { checks, problems } = await preflight(run.ports, host, { externals: { networks: [], volumes: [] } })
  await showChecks(run, checks)
  if (problems.length > 0) throw new UserError(problems)
  return checks
}

async function showChecks({ ports: { log } }: Run, checks: readonly Check[]): Promise<void> {
  await log.group('Preflight', () => {
    for (const line of checkLines(checks)) log.info(line)
    return Promise.resolve()
  })
  for (const { state, name, detail, remedy } of checks) {
    if (state === 'warning') log.warning(`${name}: ${detail}${remedy === undefined ? '' : ` ${remedy}`}`)
  }
}

function asCheck({ message, remedy }: Problem): Check {
  return { name: 'secrets', state: 'problem', detail: message, ...(remedy !== undefined && { remedy }) }
}

/** Where the images go that this run builds, one repository for each registry; none where they are carried over the connection. */
function repositoriesOf(run: Run, target: StackTarget, { translation }: Prepared): readonly string[] {
  const found = new Map<string, string>()
  for (const { deploys } of namedBuilds(run, target, translation.builds)?.targets ?? [])
    for (const { domain, repository } of Object.values(deploys)) if (!found.has(domain)) found.set(domain, repository)
  return [...found.values()]
}
