import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed } from './bed.ts'
import { isAlive, launch, run, tryRead, until, type Recorded } from './processes.ts'
import { ensureEdgeToolchain, here, systemPath } from './toolchain.ts'

/**
 * The node of a bed's swarm that serves the ingress mesh: ports published in ingress mode answer at its address, as they would on any node of
 * a rented server. The servers' own kernel may have no IPVS, which the mesh is made of; this one's has: it is a User Mode Linux, one
 * process of this machine. It joins drained, so that it is slow nowhere but on the way of a request: all tasks run on the servers.
 */
export interface Edge {
  readonly address: string
}

/** Adds an edge to a bed, and waits until its swarm has it (some 30 s). It ends with the bed. */
export async function openEdge(bed: Bed): Promise<Edge> {
  const network = bed.address.slice(0, bed.address.lastIndexOf('.'))
  const address = `${network}.250`
  const dir = join(bed.dir, 'edge')
  const kernel = await boot(bed, dir, network, address)
  const log = join(dir, 'log')
  const answer = await until(`the engine of the edge (${log})`, 240_000, () =>
    isAlive(kernel) ? call(address, 'GET', '/_ping') : Promise.resolve('ended')
  )
  if (answer === 'ended') throw new Error(`the edge did not start; its console (${log}) ends with:\n${lastLines(log)}`)
  const swarm = (await bed.server.api('GET', '/swarm')) as { JoinTokens: { Worker: string } }
  await call(address, 'POST', '/swarm/join', {
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: address,
    RemoteAddrs: [`${bed.server.address}:2377`],
    JoinToken: swarm.JoinTokens.Worker,
    Availability: 'drain'
  })
  return { address }
}

async function boot(bed: Bed, dir: string, network: string, address: string): Promise<Recorded> {
  const toolchain = await ensureEdgeToolchain()
  const onSwitch = ['nsenter', `--net=/proc/${tryRead(join(bed.dir, 'switch/pid'))?.pid ?? 0}/ns/net`]
  mkdirSync(dir)
  const settings = { NAME: `${bed.prefix}-edge`, ADDRESS: address, ENGINE_PATH: toolchain.enginePath }
  const lines = Object.entries({ ...settings, MODULES: toolchain.umlModules }).map(
    ([name, value]) => `${name}='${value}'`
  )
  writeFileSync(join(dir, 'settings'), `${lines.join('\n')}\n`)
  const pools = [{ base: '172.31.0.0/16', size: 24 }]
  const daemon = {
    bridge: 'none',
    ip6tables: false,
    'insecure-registries': [`${network}.0/24`],
    'default-address-pools': pools
  }
  writeFileSync(join(dir, 'daemon.json'), JSON.stringify(daemon))
  // beside the bed's other files: a kernel's command line takes no path with a blank in it
  const init = join(dir, 'init.sh')
  copyFileSync(join(here, 'edge-init.sh'), init)
  chmodSync(init, 0o755)
  const tap = ['ip tuntap add dev edge mode tap', 'ip link set edge master br0 up'].join('; ')
  await run([...onSwitch, 'sh', '-e', '-c', tap], { env: { PATH: systemPath } })
  // its propagation is left as it is: where / is no mount point (a chroot), unshare cannot change it
  const unshare = ['unshare', '--propagation', 'unchanged', '--pid', '--fork', '--kill-child', '--mount-proc']
  const disk = ['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`]
  const devices = ['vec0:transport=tap,ifname=edge,depth=128', 'con=null', 'con0=null,fd:1']
  const machine = ['mem=1000M', 'panic=1', `uml_dir=${dir}/`, 'umid=uml']
  return launch(
    join(dir, 'pid'),
    join(dir, 'log'),
    [...onSwitch, ...unshare, toolchain.uml, ...machine, ...disk, ...devices, '--', dir],
    { PATH: systemPath, TMPDIR: '/dev/shm' } // its memory is a file there
  )
}

/** A call of the edge's engine; gives the text of its answer. */
async function call(address: string, method: string, path: string, body?: unknown): Promise<string> {
  const response = await fetch(`http://${address}:2375${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(60_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} of the edge: ${response.status} ${text.trim()}`)
  return text
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n')
}
