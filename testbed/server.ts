import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { callEngine } from './engine-api.ts'
import { endWithNamespace, firstInside, launch, run, tryRead, until } from './processes.ts'
import { sshdConfig } from './sshd.ts'
import { here, pathWith, systemPath, type Generation, type Toolchain } from './toolchain.ts'

/** How one server of a bed is made. */
export interface ServerOptions {
  /** Engine generation, or `none`: a fresh server without Docker. Default 28. */
  readonly engine?: Generation | 'none'
  /** Lines put at the top of sshd_config, where they win: `AllowStreamLocalForwarding no`, `MaxSessions 1`. */
  readonly sshdConfig?: readonly string[]
  /** Default 22. */
  readonly sshPort?: number
  /** Merged over the engine's daemon.json. */
  readonly daemon?: Readonly<Record<string, unknown>>
}

/** What the bed knows about a server before it is started. */
export interface Place {
  readonly dir: string
  /** `sb0-1`: host name, control group and swarm node name. */
  readonly name: string
  readonly address: string
  /** Number in the bed, from 1; 0 is the runner's builder, which has no sshd. */
  readonly number: number
  readonly network: string
  readonly switchPid: number
  readonly keep: readonly string[]
  /** Public keys that may log in. */
  readonly authorized: string
  /** Lines of /etc/hosts. */
  readonly hosts: string
}

/** One server: namespaces with a real Docker Engine and a real sshd, at an address of its own on the bed's switch. */
export class Server {
  readonly name: string
  readonly address: string
  readonly dir: string
  readonly number: number
  readonly sshPort: number
  readonly engine: Generation | 'none'
  private readonly place: Place
  private readonly toolchain: Toolchain
  private readonly options: ServerOptions

  constructor(place: Place, options: ServerOptions, toolchain: Toolchain) {
    this.place = place
    this.options = options
    this.toolchain = toolchain
    this.name = place.name
    this.address = place.address
    this.dir = place.dir
    this.number = place.number
    this.sshPort = options.sshPort ?? 22
    this.engine = options.engine ?? '28'
  }

  /** As the action's `host` input takes it, with the user who is in the docker group. */
  get host(): string {
    return `deploy@${this.address}${this.sshPort === 22 ? '' : `:${this.sshPort}`}`
  }

  /** The line for `ssh-known-hosts`. */
  get knownHosts(): string {
    const host = this.sshPort === 22 ? this.address : `[${this.address}]:${this.sshPort}`
    return `${host} ${this.publicHostKey()}`
  }

  /** `SHA256:…` of the host key. */
  fingerprint(): Promise<string> {
    return run(['ssh-keygen', '-lf', join(this.dir, 'ssh_host_ed25519_key.pub')]).then(line => line.split(' ')[1] ?? '')
  }

  /** The engine's own socket, from the runner's side: for a look that does not go through ssh. */
  get socket(): string {
    return join(this.dir, 'docker.sock')
  }

  /** Runs the docker CLI on the engine's own socket and gives its output: the independent check, not over ssh. */
  docker(...args: string[]): Promise<string> {
    return run([this.dockerCommand(), ...args], {
      env: { PATH: pathWith(this.toolchain), HOME: '/nonexistent', DOCKER_HOST: `unix://${this.socket}` }
    })
  }

  /** One call of the Engine API on the engine's own socket. */
  api(method: string, path: string, body?: unknown): Promise<unknown> {
    return callEngine(this.socket, method, path, body)
  }

  /** Runs a command as root on the server. */
  exec(argv: readonly string[], input?: string): Promise<string> {
    const inside = ['nsenter', '-t', String(this.init()), '-m', '-u', '-i', '-n', '-p', '-r', '-w', '--']
    return run([...inside, ...argv], {
      env: { PATH: systemPath, HOME: '/root' },
      ...(input === undefined ? {} : { input })
    })
  }

  sshdLog(): string {
    return this.read('log/sshd.log')
  }

  engineLog(): string {
    return this.read('log/dockerd.log')
  }

  /** Logins that sshd accepted, counted in its own log: one SSH handshake each. */
  handshakes(): number {
    return this.sshdLog()
      .split('\n')
      .filter(line => /^Accepted \S+ for /.test(line)).length
  }

  /** TCP connections that reached sshd, whatever became of them. */
  connections(): number {
    return this.sshdLog()
      .split('\n')
      .filter(line => line.startsWith('Connection from ')).length
  }

  /** GET from the runner, of a port published with `mode: host`. Bounded (5 s). */
  get(port: number, path = '/'): Promise<{ status: number; body: string }> {
    return fetch(`http://${this.address}:${port}${path}`, { signal: AbortSignal.timeout(5000) }).then(
      async response => ({
        status: response.status,
        body: await response.text()
      })
    )
  }

  /** Kills the engine; it stays down until {@link startEngine}. */
  async crashEngine(): Promise<void> {
    writeFileSync(join(this.dir, 'stop'), '')
    await this.exec(['sh', '-c', 'kill -KILL "$(cat /run/docker.pid)"'])
  }

  /** Stops the engine in order; it stays down until {@link startEngine}. */
  async stopEngine(): Promise<void> {
    writeFileSync(join(this.dir, 'stop'), '')
    await this.exec(['sh', '-c', 'p=$(cat /run/docker.pid); kill "$p"; while [ -e "/proc/$p" ]; do sleep 0.1; done'])
  }

  async startEngine(): Promise<void> {
    rmSync(join(this.dir, 'stop'), { force: true })
    await this.engineReady()
  }

  /** Pulls the network cable. */
  async unplug(): Promise<void> {
    await this.onSwitch('ip', 'link', 'set', this.port, 'down')
  }

  async plug(): Promise<void> {
    await this.onSwitch('ip', 'link', 'set', this.port, 'up')
  }

  /** Whether it has power. */
  get isOn(): boolean {
    const recorded = tryRead(this.pidFile)
    return recorded !== undefined && firstInside(recorded) !== undefined
  }

  /** Ends everything on the server at once, as a power cut does. The engine's data is kept for {@link powerOn}. */
  async powerOff(): Promise<void> {
    await endWithNamespace(tryRead(this.pidFile))
    // the kernel takes the cable away with the namespace, but in its own time
    await this.onSwitch('ip', 'link', 'del', this.port).catch(() => undefined)
    rmSync(this.pidFile, { force: true })
  }

  /** Starts the server, and waits until its sshd and its engine answer. */
  async powerOn(): Promise<void> {
    this.configure()
    if (!existsSync(join(this.dir, 'ssh_host_ed25519_key'))) {
      await run([
        'ssh-keygen',
        '-q',
        '-t',
        'ed25519',
        '-N',
        '',
        '-C',
        this.name,
        '-f',
        join(this.dir, 'ssh_host_ed25519_key')
      ])
    }
    // its propagation is changed by the script: where / is no mount point (a chroot), unshare cannot
    const unshare = [
      'unshare',
      '--net',
      '--mount',
      '--propagation',
      'unchanged',
      '--uts',
      '--ipc',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc'
    ]
    const script = ['bash', join(here, 'server.sh'), this.dir, this.name, this.address]
    const recorded = await launch(this.pidFile, join(this.dir, 'log/init.log'), [...unshare, ...script], {
      PATH: systemPath,
      KEEP: this.place.keep.join('\n'),
      ENGINE_PATH: this.toolchain.enginePath,
      ENGINE: this.engine,
      INIT: this.toolchain.init,
      BUSYBOX: this.toolchain.busybox,
      SSHD: this.number === 0 ? 'none' : ''
    })
    const init = await until(`the first process of ${this.name} (${join(this.dir, 'log/init.log')})`, 20_000, () =>
      Promise.resolve(firstInside(recorded))
    )
    await this.onSwitch('ip', 'link', 'add', this.port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(init))
    await this.onSwitch('ip', 'link', 'set', this.port, 'master', 'br0', 'up')
    await Promise.all([
      this.number === 0 ? undefined : this.sshdReady(),
      this.engine === 'none' ? undefined : this.engineReady()
    ])
  }

  /** Waits until the engine answers on its own socket. */
  async engineReady(): Promise<void> {
    await until(`the engine of ${this.name} (${join(this.dir, 'log/dockerd.log')})`, 60_000, () =>
      callEngine(this.socket, 'GET', '/_ping')
    )
  }

  private async sshdReady(): Promise<void> {
    await until(`sshd of ${this.name} (${join(this.dir, 'log')})`, 30_000, () =>
      Promise.resolve(this.sshdLog().includes('Server listening') || undefined)
    )
  }

  private configure(): void {
    mkdirSync(join(this.dir, 'log'), { recursive: true })
    mkdirSync(join(this.dir, 'authorized'), { recursive: true })
    for (const user of ['deploy', 'stranger', 'root'])
      writeFileSync(join(this.dir, 'authorized', user), this.place.authorized)
    writeFileSync(join(this.dir, 'hosts'), `127.0.0.1 localhost\n${this.place.hosts}`)
    writeFileSync(join(this.dir, 'sshd_config'), sshdConfig(this.dir, this.sshPort, this.options.sshdConfig ?? []))
    const daemon = {
      hosts: ['unix:///var/run/docker.sock', `unix://${this.socket}`],
      'cgroup-parent': `/${this.name}`,
      'exec-opts': ['native.cgroupdriver=cgroupfs'],
      'insecure-registries': [`${this.place.network}.0/24`],
      bip: '172.30.0.1/24',
      'default-address-pools': [{ base: '172.31.0.0/16', size: 24 }],
      ...this.options.daemon
    }
    writeFileSync(join(this.dir, 'daemon.json'), JSON.stringify(daemon, null, 2))
  }

  /** The server's plug on the switch. */
  private get port(): string {
    return `p${this.number}`
  }

  private get pidFile(): string {
    return join(this.dir, 'pid')
  }

  private onSwitch(...argv: string[]): Promise<string> {
    return run(['nsenter', `--net=/proc/${this.place.switchPid}/ns/net`, ...argv], { env: { PATH: systemPath } })
  }

  private init(): number {
    const recorded = tryRead(this.pidFile)
    const init = recorded && firstInside(recorded)
    if (init === undefined) throw new Error(`${this.name} is off`)
    return init
  }

  private dockerCommand(): string {
    return this.toolchain.enginePath ? join(this.toolchain.enginePath.split(':')[0] ?? '', 'docker') : 'docker'
  }

  private publicHostKey(): string {
    return this.read('ssh_host_ed25519_key.pub').split(' ').slice(0, 2).join(' ')
  }

  private read(file: string): string {
    try {
      return readFileSync(join(this.dir, file), 'utf8')
    } catch {
      return ''
    }
  }
}
