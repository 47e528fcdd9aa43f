import { clockAhead } from '../engine-clock.js'
import type { Info, Node } from '../engine-types.js'
import { messageOf, type Problem } from '../errors.js'
import { isRefusal } from '../images/failure.js'
import { parseReference } from '../images/reference.js'
import { EngineError, type Engine, type Host, type Ports } from '../ports.js'
import { checkClock, checkEngine, checkNodes, checkQuorum, checkSwarm, type Check } from '../server/checks.js'
import { checkDisk, checkNetworks, checkRegistry, checkVolumes } from '../server/needs.js'

export interface PreflightOptions {
  /** What the stack names and does not make itself. */
  readonly externals: { readonly networks: readonly string[]; readonly volumes: readonly string[] }
  /** What the nodes will pull that is not there yet, one for each registry: `ghcr.io/owner/app`. */
  readonly repositories?: readonly string[]
  /** What was asked before, if anything was. */
  readonly look?: FirstLook
}

/** A registry that nobody answers for keeps the engine waiting for half a minute. */
const registryMs = 15_000

/** Where an engine keeps its data unless told otherwise. */
const usualRoot = '/var/lib/docker'

export interface PreflightReport {
  readonly checks: readonly Check[]
  /** The checks that keep a deploy from working. */
  readonly problems: readonly Problem[]
  readonly nodes: readonly Node[]
}

/**
 * Looks at the server before anything is built: the engine and its swarm, managers, nodes, clock, disk, and what the stack
 * expects to find. All at once, as data; changes nothing. @throws EngineError when the engine stops answering.
 */
export async function preflight(ports: Ports, host: Host, options: PreflightOptions): Promise<PreflightReport> {
  const { engine } = host
  const look = options.look ?? firstLook(ports, host)
  const first = Promise.all([engine.version(), look.info])
  // beside it: where there is no swarm, what fails for that is of no account
  const ofSwarm = Promise.all([
    look.nodes,
    options.externals.networks.length === 0 ? [] : engine.networks(),
    options.externals.volumes.length === 0 ? [] : allVolumes(host),
    Promise.all((options.repositories ?? []).map(each => registryOf(ports, engine, each)))
  ])
  ofSwarm.catch(() => undefined)
  const [version, info] = await first
  if (/have a leader|no leader/i.test(info.Swarm?.Error ?? ''))
    ports.log.info('The swarm has no leader just now, as after the loss of most of its managers: waiting for one.')
  const base = [checkEngine(version), checkSwarm(info, host.name)]
  const clock = clockOf(await look.ahead)
  if (base.some(check => check.state === 'problem')) return report([...base, ...clock], [])
  const root = info.DockerRootDir ?? usualRoot
  const disk = root === usualRoot ? look.disk : diskOf(host.run, root)
  const [nodes, networks, volumes, registries] = await ofSwarm
  return report(
    [
      ...base,
      checkQuorum(nodes),
      checkNodes(nodes),
      ...clock,
      ...(await disk),
      ...registries.flat(),
      ...checkNetworks(options.externals.networks, networks),
      ...checkVolumes(options.externals.volumes, volumes, nodes.length)
    ],
    nodes
  )
}

/** What is asked of any server first. */
export interface FirstLook {
  readonly info: Promise<Info>
  /** How far the engine's clock is ahead of ours, in milliseconds; null where it does not tell. */
  readonly ahead: Promise<number | null>
  readonly nodes: Promise<readonly Node[]>
  /** Of the folder that engines nearly always have their data in: a command takes several round trips. */
  readonly disk: Promise<readonly Check[]>
}

/** Begins to look; what goes wrong is told where it is waited for. */
export function firstLook(ports: Ports, { engine, run }: Pick<Host, 'engine' | 'run'>): FirstLook {
  const asked = ports.clock.now()
  const info = engine.info()
  const look = {
    info,
    ahead: info.then(found => clockAhead(found, asked, ports.clock.now())),
    nodes: engine.nodes(),
    disk: diskOf(run, usualRoot)
  }
  for (const answer of Object.values(look)) answer.catch(() => undefined)
  return look
}

function report(checks: readonly Check[], nodes: readonly Node[]): PreflightReport {
  return {
    checks,
    problems: checks
      .filter(check => check.state === 'problem')
      .map(({ detail, remedy }) => ({ message: detail, ...(remedy === undefined ? {} : { remedy }) })),
    nodes
  }
}

function clockOf(ahead: number | null): readonly Check[] {
  return ahead === null ? [] : [checkClock(ahead)]
}

async function allVolumes(host: Host): Promise<readonly string[]> {
  const found = await host.engine.call<{ Volumes?: readonly { Name: string }[] | null }>('GET', '/volumes')
  return (found.Volumes ?? []).map(volume => volume.Name)
}

/** One `df` over the connection that is there; a server that does not let us look gets no row. */
async function diskOf(run: Host['run'], root: string): Promise<readonly Check[]> {
  const result = await run(['df', '-Pk', root], { timeoutMs: 10_000 })
  const check = result.code === 0 ? checkDisk(result.stdout, root) : null
  return check === null ? [] : [check]
}

/** Asks the manager for an image that need not be there, without a login: that the registry answers is all that counts. */
async function registryOf(ports: Ports, engine: Engine, repository: string): Promise<readonly Check[]> {
  const domain = parseReference(repository)?.domain
  if (domain === undefined) return []
  const asked = engine.distribution(`${repository}:preflight`).then(
    () => null,
    (error: unknown) => failureOf(error)
  )
  const late = new AbortController()
  const waited = ports.clock
    .sleep(registryMs, late.signal)
    .then(() => `i/o timeout: no answer in ${registryMs / 1000} s`)
  const failure = await Promise.race([asked, waited])
  late.abort()
  return [checkRegistry(domain, failure)]
}

/** null where the registry itself spoke: it has no such image, or shows it to nobody without a login. */
function failureOf(error: unknown): string | null {
  if (error instanceof EngineError && isRefusal(error.status, error.message)) return null
  return messageOf(error)
}
