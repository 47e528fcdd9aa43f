import { setTimeout as sleep } from 'node:timers/promises'
import type { Bed, Server } from '../bed.ts'

/** The swarm that faults strike: three managers and a worker, and what can be done to them. */
export class Field {
  readonly bed: Bed
  /** Undone, last first, when the scenario is over, where it was not before. */
  private readonly repairs: { readonly what: string; readonly undo: () => Promise<unknown> }[] = []

  constructor(bed: Bed) {
    this.bed = bed
  }

  get managers(): readonly Server[] {
    return this.bed.servers.slice(0, 3)
  }

  get worker(): Server {
    return this.bed.servers[3] as Server
  }

  /** The managers, the leader first. */
  async byLeader(): Promise<readonly Server[]> {
    const list = await this.bed.server.docker('node', 'ls', '--format', '{{.Hostname}} {{.ManagerStatus}}')
    const leader = list
      .split('\n')
      .find(line => line.endsWith('Leader'))
      ?.split(' ')[0]
    return [...this.managers].sort((a, b) => Number(b.name === leader) - Number(a.name === leader))
  }

  /** Nothing that goes over ssh comes through any more, in both directions and without a word; the rest does. */
  async dropSsh(server: Server): Promise<void> {
    const rules = [
      ['INPUT', '--dport'],
      ['OUTPUT', '--sport']
    ] as const
    const filter = (change: '-I' | '-D') =>
      Promise.all(
        rules.map(([chain, port]) =>
          server.exec(['iptables', '-w', change, chain, '-p', 'tcp', port, '22', '-j', 'DROP'])
        )
      )
    await filter('-I')
    this.repairs.push({ what: 'ssh', undo: () => filter('-D') })
  }

  /** The server's engine reaches the registry no more. */
  async dropRegistry(server: Server): Promise<void> {
    const rule = (change: '-I' | '-D') =>
      server.exec(['iptables', '-w', change, 'OUTPUT', '-p', 'tcp', '--dport', '5000', '-j', 'REJECT'])
    await rule('-I')
    this.repairs.push({ what: 'registry', undo: () => rule('-D') })
  }

  async unplug(...servers: readonly Server[]): Promise<void> {
    await Promise.all(servers.map(server => server.unplug()))
    this.repairs.push({ what: 'cable', undo: () => Promise.all(servers.map(server => server.plug())) })
  }

  async powerOff(...servers: readonly Server[]): Promise<void> {
    await Promise.all(servers.map(server => server.powerOff()))
    this.repairs.push({ what: 'power', undo: () => Promise.all(servers.map(server => server.powerOn())) })
  }

  async crashEngine(server: Server): Promise<void> {
    await server.crashEngine()
    this.repairs.push({ what: 'engine', undo: () => server.startEngine() })
  }

  async drain(server: Server): Promise<void> {
    const set = (availability: string) =>
      this.bed.server.docker('node', 'update', '--availability', availability, server.name)
    await set('drain')
    this.repairs.push({ what: 'drain', undo: () => set('active') })
  }

  /** Undoes what was done, and waits until every node is ready and every manager reachable. */
  async repair(): Promise<void> {
    for (const { undo } of this.repairs.splice(0).reverse()) await undo()
  }

  /** @throws Error when the swarm is not whole again within two minutes. */
  async whole(): Promise<void> {
    const deadline = Date.now() + 120_000
    for (;;) {
      const seen = await this.bed.server
        .docker('node', 'ls', '--format', '{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}')
        .catch((error: unknown) => String(error))
      const lines = seen.trim().split('\n')
      const ready = lines.filter(line => / Ready Active( Leader| Reachable)?$/.test(line.trim()))
      if (ready.length === this.bed.servers.length && lines.length === ready.length) return
      if (Date.now() > deadline) throw new Error(`the swarm does not come together again:\n${seen}`)
      await sleep(500)
    }
  }
}
