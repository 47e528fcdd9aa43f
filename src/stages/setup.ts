import {
  addressPool,
  advertiseAddress,
  awaitSocketArgv,
  installArgv,
  joinGroupArgv,
  readSurvey,
  startArgv,
  surveyArgv,
  type Survey
} from '../commands/setup.js'
import { messageOf, UserError, type Problem } from '../errors.js'
import {
  advice,
  firstIsWorker,
  installFailed,
  noInstallScript,
  otherSwarm,
  setupProblems,
  stepFailed,
  surveyFailed,
  whichAddress
} from '../errors/setup.js'
import type { ConnectRequest, Host, HostAddress, Ports } from '../ports.js'

export interface SetupOptions {
  /** URL, or a file relative to the workspace; Docker's own script when not given. */
  readonly installScript?: string
  readonly workspace: string
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

const dockersOwnScript = 'https://get.docker.com'

const installMs = 15 * 60_000

/** A server under way: its connection is made anew once its user's groups have changed. */
interface Server {
  readonly address: HostAddress
  host: Host
  readonly survey: Survey
}

/**
 * Makes fresh servers ready: Docker, the user's group, a swarm of which the first host is the manager and which the others
 * join, a shared network. Looks at all of them before it changes any; a second run finds everything done.
 * @throws UserError with every problem of every server at once.
 */
export async function setup(ports: Ports, request: ConnectRequest, options: SetupOptions): Promise<SetupReport> {
  const open: Host[] = []
  try {
    return await setupAll(ports, request, options, open)
  } finally {
    for (const host of open) await host[Symbol.asyncDispose]()
  }
}

/** `open` hears of every connection, to close it. */
async function setupAll(
  ports: Ports,
  request: ConnectRequest,
  options: SetupOptions,
  open: Host[]
): Promise<SetupReport> {
  const servers = await surveyAll(ports, request, open)
  const done: string[] = []
  for (const server of servers) {
    done.push(...(await ensureDocker(ports, server, options)))
    if (await ensureGroup(server)) {
      done.push(`${server.host.name}: ${server.survey.user} may use Docker now (docker group).`)
      await connectAnew(ports, request, server, open)
    }
  }
  done.push(...(await ensureSwarm(ports, servers, options)))
  const [first] = servers
  if (first !== undefined && options.proxyNetwork !== undefined) {
    done.push(...(await ensureNetwork(first.host, options.proxyNetwork)))
  }
  return {
    done,
    notes: servers.flatMap(({ address, host, survey }) =>
      advice(host.name, survey, address.port ?? 22, servers.length > 1)
    ),
    knownHosts: [...new Set(servers.flatMap(({ host }) => host.knownHosts))]
  }
}

async function surveyAll(ports: Ports, request: ConnectRequest, open: Host[]): Promise<readonly Server[]> {
  const servers: Server[] = []
  const problems: Problem[] = []
  for (const address of request.hosts) {
    try {
      const host = await ports.connect({ ...request, hosts: [address], withoutEngine: true })
      open.push(host)
      const answer = await host.run(surveyArgv(address.socket), { timeoutMs: 60_000 })
      if (!/^user=./m.test(answer.stdout)) problems.push(surveyFailed(host.name, answer.stderr || answer.stdout))
      else {
        const survey = readSurvey(answer.stdout)
        problems.push(...setupProblems(host.name, survey))
        servers.push({ address, host, survey })
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new UserError(problems)
  return servers
}

/** Docker installed and started. Says what it did. */
async function ensureDocker(ports: Ports, server: Server, options: SetupOptions): Promise<readonly string[]> {
  const { host, survey } = server
  if (survey.daemon && survey.socket) return []
  const done: string[] = []
  if (!survey.daemon) {
    const script = await installScript(ports, options)
    await ports.log.group(`Install Docker on ${host.name}`, async () => {
      const result = await host.run(installArgv(survey), {
        stdin: script,
        onLine: line => ports.log.info(line),
        timeoutMs: installMs
      })
      if (result.code !== 0) {
        const last = `${result.stdout}${result.stderr}`.trimEnd().split('\n').slice(-15).join('\n')
        throw new UserError(installFailed(host.name, result.code, last))
      }
    })
    done.push(`${host.name}: Docker installed.`)
  }
  const started = await host.run(startArgv(survey), { timeoutMs: 120_000 })
  const running = await host.run(awaitSocketArgv(server.address.socket), { timeoutMs: 60_000 })
  if (running.code !== 0) {
    throw new UserError(stepFailed(host.name, 'starting Docker', started.stderr || started.stdout))
  }
  done.push(`${host.name}: Docker started.`)
  return done
}

async function installScript(ports: Ports, options: SetupOptions): Promise<string> {
  const source = options.installScript ?? dockersOwnScript
  const text = /^https?:\/\//.test(source)
    ? await download(ports, source)
    : await ports.files.text(`${options.workspace}/${source}`)
  if (text === null) throw new UserError(noInstallScript(source, 'there is no such file'))
  if (!text.startsWith('#!')) throw new UserError(noInstallScript(source, 'it does not begin like a script (`#!`)'))
  return text
}

async function download(ports: Ports, url: string): Promise<string> {
  try {
    const reply = await ports.http.request(url, { timeoutMs: 30_000, signal: ports.cancelled })
    if (reply.status === 200) return reply.body
    throw new Error(`it answers ${reply.status}`)
  } catch (error) {
    throw new UserError(noInstallScript(url, messageOf(error)), { cause: error })
  }
}

/** true when the user was added to the docker group, or was and has not logged in since. */
async function ensureGroup({ host, survey }: Server): Promise<boolean> {
  if (survey.root === 'is' || survey.access || survey.dockerGroup === 'now') return false
  if (survey.dockerGroup === 'next login') return true
  const added = await host.run(joinGroupArgv(survey))
  if (added.code !== 0) throw new UserError(stepFailed(host.name, 'adding the user to the docker group', added.stderr))
  return true
}

/** Groups are read at login, so the new one counts from the next connection on. */
async function connectAnew(ports: Ports, request: ConnectRequest, server: Server, open: Host[]): Promise<void> {
  await server.host[Symbol.asyncDispose]()
  server.host = await ports.connect({ ...request, hosts: [server.address], withoutEngine: true })
  open.push(server.host)
}

/** A swarm on the first server, and the others in it. */
async function ensureSwarm(
  ports: Ports,
  servers: readonly Server[],
  options: SetupOptions
): Promise<readonly string[]> {
  const [first, ...others] = servers
  if (first === undefined) return []
  const done: string[] = []
  const { engine, name } = first.host
  const { Swarm: swarm } = await engine.info()
  if (swarm?.LocalNodeState !== 'active') {
    const address = addressOf(first, options.advertiseAddr)
    const pool = addressPool(first.survey.routes)
    await engine.call('POST', '/swarm/init', {
      body: {
        ListenAddr: '0.0.0.0:2377',
        AdvertiseAddr: address,
        ...(pool === undefined ? {} : { DefaultAddrPool: [pool], SubnetSize: 24 })
      }
    })
    done.push(`${name}: swarm started, at ${address}.`)
  } else if (swarm.ControlAvailable !== true) throw new UserError(firstIsWorker(name))
  for (const other of others) done.push(...(await ensureJoined(ports, first.host, other)))
  return done
}

/** `advertise-addr` is one address, so it can be the first server's only: the others are not asked with it. */
function addressOf({ host, survey, address }: Server, chosen: string | undefined): string {
  const found = advertiseAddress(survey, address.host ?? '', chosen)
  if (found === undefined) throw new UserError(whichAddress(host.name, survey.addresses))
  return found
}

async function ensureJoined(ports: Ports, manager: Host, server: Server): Promise<readonly string[]> {
  const { host } = server
  const { Swarm: theirs } = await host.engine.info()
  const nodes = await manager.engine.nodes()
  if (theirs?.LocalNodeState === 'active') {
    if (nodes.some(node => node.ID === theirs.NodeID)) return []
    throw new UserError(otherSwarm(host.name, manager.name))
  }
  const own = addressOf(server, undefined)
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

async function ensureNetwork(host: Host, name: string): Promise<readonly string[]> {
  const found = await host.engine.networks()
  if (found.some(network => network.Name === name)) return []
  await host.engine.createNetwork({ Name: name, Driver: 'overlay', Attachable: true, CheckDuplicate: true })
  return [`${host.name}: network ${name} made (overlay, attachable).`]
}
