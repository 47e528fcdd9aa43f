import { mkdirSync, readFileSync, symlinkSync, writeFileSync, existsSync, readlinkSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { claim, destroy, type BedRecord } from './claims.ts'
import { launch, run, until } from './processes.ts'
import { startRegistry, type Login, type Registry } from './registry.ts'
import { Server, type ServerOptions } from './server.ts'
import { ensureToolchain, generations, pathWith, systemPath, type Generation, type Toolchain } from './toolchain.ts'

export type { ServerOptions } from './server.ts'
export { Server } from './server.ts'

/** What a bed is to have. Everything has a default: one server, a swarm on it, a registry without a login, and a builder. */
export interface BedOptions {
  /** Shown by `testbed status`. */
  readonly name?: string
  /** How many, or each one's own options. Default 1. */
  readonly servers?: number | readonly BedServer[]
  /** Whether server 1 starts a swarm that the others join. Default true. */
  readonly swarm?: boolean
  /** Engine of all servers that do not say their own. Default: TESTBED_ENGINE, else 28. */
  readonly engine?: Generation | 'none'
  /** `false`: none. Logins: those who may push and pull; without one the registry is open. */
  readonly registry?: false | { readonly logins?: readonly Login[] }
  /** The runner's own engine, which builds. `containerdStore`: with the containerd image store, as attestations and cache export need. */
  readonly builder?: boolean | { readonly containerdStore?: boolean }
  /** Stays up when this process ends, until `testbed down`. */
  readonly stays?: boolean
}

export interface BedServer extends ServerOptions {
  /** Joins the swarm as this; `none` stays outside. Server 1 is always a manager. Default worker. */
  readonly joins?: 'worker' | 'manager' | 'none'
}

/** Servers on a switch of their own, with a registry and a builder on the runner's side. */
export interface Bed extends AsyncDisposable {
  /** `sb0`: what every name of this bed begins with. */
  readonly prefix: string
  readonly dir: string
  /** The runner's address on the bed's network. */
  readonly address: string
  readonly servers: readonly Server[]
  /** Server 1. */
  readonly server: Server
  /** The private key that may log in on every server as deploy (in the docker group), stranger (not in it) and root. */
  readonly sshKey: string
  /** The lines of all servers for `ssh-known-hosts`. */
  readonly knownHosts: string
  /** Address of the registry: `10.77.0.1:5000`. */
  readonly registry: string
  readonly registryServer: Registry | undefined
  /** The runner's engine; undefined with `builder: false`. */
  readonly builder: Server | undefined
  /** PATH, DOCKER_CONFIG (with the CLI plugins) and DOCKER_HOST as a job on this runner has them. */
  readonly builderEnv: Readonly<Record<string, string>>
  /** Stops and removes everything of this bed. Doing it twice is fine. */
  close(): Promise<void>
}

/** Installs what is missing, and puts up a bed. Beds of processes that are gone are swept first. */
export async function openBed(options: BedOptions = {}): Promise<Bed> {
  const toolchain = await ensureToolchain('28')
  const lost = new Set<string>()
  for (;;) {
    const record = await claim(options.name ?? 'bed', options.stays === true, lost)
    try {
      const switchPid = await startSwitch(record, `${record.network}.1`)
      return await putUp(record, switchPid, options, toolchain)
    } catch (error) {
      if (!process.env['TESTBED_KEEP'] || error instanceof NumberTaken) await destroy(record.dir)
      if (!(error instanceof NumberTaken) || lost.size > 20) throw error
      lost.add(record.prefix)
    }
  }
}

/** Takes a bed down on Ctrl-C and the like, and ends the process: what is under way then fails with its servers, unheard. */
export function closeOnSignal(bed: Bed, say: (line: string) => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say(`${signal}: taking the bed down …`)
      process.on('uncaughtException', () => undefined)
      void bed.close().then(() => process.exit(130))
    })
}

/** A bed that has its folder elsewhere (in a chroot, say) was quicker to lay its cable on the network that both use. */
class NumberTaken extends Error {}

async function putUp(record: BedRecord, switchPid: number, options: BedOptions, toolchain: Toolchain): Promise<Bed> {
  const { dir, prefix, network } = record
  const address = `${network}.1`
  await makeKey(dir)
  const publicKey = readFileSync(join(dir, 'key.pub'), 'utf8')
  const list = serverList(options)
  const hosts = list.map((_, index) => `${network}.${11 + index} ${prefix}-${index + 1}\n`).join('')
  const keep = [dir, process.env['TESTBED_CACHE'] ?? '/var/cache/swarm-rollout-testbed']
  const place = (number: number) => ({
    dir: join(dir, number === 0 ? 'builder' : `s${number}`),
    name: `${prefix}-${number}`,
    address: `${network}.${number === 0 ? 2 : 10 + number}`,
    number,
    network,
    switchPid,
    keep,
    authorized: publicKey,
    hosts
  })
  const servers = await Promise.all(
    list.map(async (server, index) => {
      const engine = server.engine ?? '28'
      const own = engine === 'none' || engine === '28' ? toolchain : await ensureToolchain(engine)
      return new Server(place(index + 1), server, own)
    })
  )
  const builder = options.builder === false ? undefined : new Server(place(0), builderOptions(options), toolchain)
  const logins = options.registry === false ? [] : (options.registry?.logins ?? [])
  const [registryServer] = await Promise.all([
    options.registry === false ? undefined : startRegistry(join(dir, 'registry'), `${address}:5000`, toolchain, logins),
    builder?.powerOn(),
    powerOnAll(servers, list, options.swarm ?? true)
  ])
  const [server] = servers
  if (!server) throw new Error('a bed has one server at least')
  let closing: Promise<void> | undefined
  const close = () => (closing ??= destroy(dir)) // once: another bed may have the number by then
  return {
    prefix,
    dir,
    address,
    servers,
    server,
    sshKey: readFileSync(join(dir, 'key'), 'utf8'),
    knownHosts: servers.map(each => each.knownHosts).join('\n'),
    registry: `${address}:5000`,
    registryServer,
    builder,
    builderEnv: {
      PATH: pathWith(toolchain),
      DOCKER_CONFIG: dockerConfig(dir, toolchain),
      ...(builder ? { DOCKER_HOST: `unix://${builder.socket}` } : {})
    },
    close,
    [Symbol.asyncDispose]: close
  }
}

function serverList(options: BedOptions): readonly BedServer[] {
  const list =
    typeof options.servers === 'object' ? options.servers : Array.from({ length: options.servers ?? 1 }, () => ({}))
  return list.map((server: BedServer) => ({ ...server, engine: server.engine ?? options.engine ?? testedEngine() }))
}

/** TESTBED_ENGINE runs any suite on servers of another generation; the runner's own engine stays the newest. */
function testedEngine(): Generation {
  const wanted = process.env['TESTBED_ENGINE'] ?? '28'
  const known = generations.find(each => each === wanted)
  if (known === undefined) throw new Error(`TESTBED_ENGINE=${wanted}: there are ${generations.join(', ')}`)
  return known
}

function builderOptions(options: BedOptions): ServerOptions {
  const containerdStore = typeof options.builder === 'object' && options.builder.containerdStore === true
  return containerdStore ? { daemon: { features: { 'containerd-snapshotter': true } } } : {}
}

/** The servers, and the swarm as soon as each one's engine is there. */
async function powerOnAll(servers: readonly Server[], list: readonly BedServer[], swarm: boolean): Promise<void> {
  const on = servers.map(server => server.powerOn())
  await Promise.all(on)
  const [first] = servers
  if (!swarm || !first || first.engine === 'none') return
  await initSwarm(first)
  for (const [index, server] of servers.entries()) {
    const role = list[index]?.joins ?? 'worker'
    if (index > 0 && role !== 'none' && server.engine !== 'none') await joinSwarm(server, first, role)
  }
}

/** Starts a swarm on a server. The address pool is one that meets none of the bed's networks. */
export async function initSwarm(server: Server): Promise<void> {
  await server.api('POST', '/swarm/init', {
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: server.address,
    DefaultAddrPool: ['10.200.0.0/16'],
    SubnetSize: 24
  })
}

/** Lets a server join the swarm that another one manages. */
async function joinSwarm(server: Server, manager: Server, role: 'worker' | 'manager'): Promise<void> {
  const swarm = (await manager.api('GET', '/swarm')) as { JoinTokens: { Worker: string; Manager: string } }
  await server.api('POST', '/swarm/join', {
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: server.address,
    RemoteAddrs: [`${manager.address}:2377`],
    JoinToken: role === 'manager' ? swarm.JoinTokens.Manager : swarm.JoinTokens.Worker
  })
}

/** The switch: a bridge in a network namespace of its own, so that no packet filter of this machine meets its frames. */
async function startSwitch(record: BedRecord, address: string): Promise<number> {
  const { dir, prefix } = record
  mkdirSync(join(dir, 'switch'), { recursive: true })
  const { pid } = await launch(
    join(dir, 'switch/pid'),
    join(dir, 'switch/log'),
    ['unshare', '--net', 'sleep', 'infinity'],
    {
      PATH: systemPath
    }
  )
  const own = readlinkSync('/proc/self/ns/net')
  await until('the switch', 5000, () => Promise.resolve(readlinkSync(`/proc/${pid}/ns/net`) !== own || undefined))
  const link = `${prefix}r`
  const script = `nsenter --net=/proc/${pid}/ns/net sh -e -c 'ip link set lo up; ip link add br0 type bridge; ip link set br0 up'
nsenter --net=/proc/${pid}/ns/net ip link set p master br0 up
ip addr add ${address}/24 dev ${link}; ip link set ${link} up`
  await run(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'p', 'netns', String(pid)], {
    env: { PATH: systemPath }
  }).catch((error: unknown) => {
    throw String(error).includes('File exists') ? new NumberTaken(link) : error
  })
  await run(['sh', '-e', '-c', script], { env: { PATH: systemPath } })
  return pid
}

async function makeKey(dir: string): Promise<void> {
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'ci-runner', '-f', join(dir, 'key')])
}

/** A DOCKER_CONFIG with the CLI plugins in it, where the docker CLI looks for them first. */
function dockerConfig(dir: string, toolchain: Toolchain): string {
  const config = join(dir, 'docker-config')
  const plugins = join(config, 'cli-plugins')
  mkdirSync(plugins, { recursive: true })
  if (toolchain.plugins) {
    for (const plugin of readdirSync(toolchain.plugins)) {
      if (!existsSync(join(plugins, plugin))) symlinkSync(join(toolchain.plugins, plugin), join(plugins, plugin))
    }
  }
  writeFileSync(join(config, 'config.json'), '{}')
  return config
}
