import type { Survey } from '../commands/setup.js'
import { UserError, type Problem } from '../errors.js'
import { advice, whichAddress, withBlock } from '../errors/setup.js'
import type { ConnectRequest, Host, HostAddress, Ports } from '../ports.js'
import { advertiseAddress } from '../server/addresses.js'
import { ensureDocker, ensureGroup, type DockerOptions } from '../stages/docker.js'
import { surveyServer } from '../stages/survey.js'
import { ensureJoined, ensureNetwork, ensureSwarm } from '../stages/swarm.js'
import { connectRequest } from './site/host.js'
import { reportNow, type Outcome, type Run, type StackTarget } from './run/run.js'

export interface SetupOptions extends DockerOptions {
  readonly advertiseAddr?: string
  /** Name of an attachable overlay network to make. */
  readonly proxyNetwork?: string
}

export interface SetupReport {
  /** What was done, one sentence each; empty when everything was there. */
  readonly done: readonly string[]
  /** What the user should know. */
  readonly notes: readonly string[]
  /** Lines for `ssh-known-hosts`, of all servers. */
  readonly knownHosts: readonly string[]
}

/** From fresh servers to a swarm to deploy to. A second run finds everything done. */
export async function setup(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports, inputs } = run
  const { done, notes, knownHosts } = await setUp(ports, connectRequest(run), {
    workspace: run.workspace,
    ...(inputs.installScript !== undefined && { installScript: inputs.installScript }),
    ...(inputs.advertiseAddr !== undefined && { advertiseAddr: inputs.advertiseAddr }),
    ...(inputs.proxyNetwork !== undefined && { proxyNetwork: inputs.proxyNetwork })
  })
  const first = inputs.hosts[0]?.text ?? ''
  const reason = done.length === 0 ? 'Everything was there: nothing was changed.' : done.join(' ')
  for (const line of done.length === 0 ? [reason] : done) ports.log.info(line)
  for (const note of notes) ports.log.notice(note)
  const block = withBlock(first, knownHosts)
  if (knownHosts.length > 0) for (const line of ['Ready. To deploy to it:', ...block.split('\n')]) ports.log.info(line)
  return { report: { ...reportNow(run, { command: 'setup', status: 'ready', stack: target.stack }), reason, notes } }
}

interface Server {
  readonly address: HostAddress
  readonly host: Host
  readonly survey: Survey
}

/**
 * Makes fresh servers ready: Docker, the user's group, a swarm of which the first host is the manager and which the others
 * join, a shared network. Looks at all of them before it changes any.
 * @throws UserError with every problem of every server at once.
 */
export async function setUp(ports: Ports, request: ConnectRequest, options: SetupOptions): Promise<SetupReport> {
  await using open = new AsyncDisposableStack()
  const connect = async (address: HostAddress): Promise<Host> =>
    open.use(await ports.connect({ ...request, hosts: [address], withoutEngine: true }))
  const done: string[] = []
  const servers: Server[] = []
  for (const server of await surveyAll(request.hosts, connect)) {
    const { address, host, survey } = server
    done.push(...(await ensureDocker(ports, host, { survey, socket: address.socket }, options)))
    if (!(await ensureGroup(host, survey))) servers.push(server)
    else {
      done.push(`${host.name}: ${survey.user} may use Docker now (docker group).`)
      // Groups are read at login.
      await host[Symbol.asyncDispose]()
      servers.push({ ...server, host: await connect(address) })
    }
  }
  done.push(...(await formSwarm(ports, servers, options)))
  return {
    done,
    notes: servers.flatMap(({ address, host, survey }) =>
      advice(host.name, survey, address.port ?? 22, servers.length > 1)
    ),
    knownHosts: [...new Set(servers.flatMap(({ host }) => host.knownHosts))]
  }
}

async function surveyAll(
  hosts: readonly HostAddress[],
  connect: (address: HostAddress) => Promise<Host>
): Promise<readonly Server[]> {
  const servers: Server[] = []
  const problems: Problem[] = []
  for (const address of hosts) {
    try {
      const host = await connect(address)
      servers.push({ address, host, survey: await surveyServer(host, address.socket) })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new UserError(problems)
  return servers
}

/** `advertise-addr` is one address, so it can be the first server's only: the others are not asked with it. */
async function formSwarm(
  ports: Ports,
  [first, ...others]: readonly Server[],
  { advertiseAddr, proxyNetwork }: SetupOptions
): Promise<readonly string[]> {
  if (first === undefined) return []
  const done = [...(await ensureSwarm({ ...first, advertised: () => addressOf(first, advertiseAddr) }))]
  for (const other of others) {
    const { host } = other
    done.push(...(await ensureJoined(ports, first.host, { host, advertised: () => addressOf(other, undefined) })))
  }
  if (proxyNetwork !== undefined) done.push(...(await ensureNetwork(first.host, proxyNetwork)))
  return done
}

function addressOf({ host, survey, address }: Server, chosen: string | undefined): string {
  const found = advertiseAddress(survey, address.host ?? '', chosen)
  if (found === undefined) throw new UserError(whichAddress(host.name, survey.addresses))
  return found
}
