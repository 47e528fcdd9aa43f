import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What went through a relay. */
export interface Traffic {
  /** TCP connections; with ssh each of them is a handshake. */
  readonly connections: number
  /** Both ways together. */
  readonly bytes: number
  /** How often the direction turned from asking to answering, of all connections together. */
  readonly roundTrips: number
}

/** A way to a server, and what went along it so far. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  readonly traffic: Traffic
}

export interface Way {
  /** The address that the relay listens at. */
  readonly address: string
  readonly target: { readonly host: string; readonly port: number }
  /** Added to every round trip, in milliseconds: half of it in each direction. */
  readonly rttMs: number
}

/**
 * Stands between runner and server, slows down and counts. A connection takes one and a half round trips until the server
 * sees it, as TCP's own handshake does; bandwidth and slow start are those of a quick network.
 */
export async function openRelay({ address, target, rttMs }: Way): Promise<Relay> {
  const traffic = { connections: 0, bytes: 0, roundTrips: 0 }
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    traffic.connections += 1
    let asking = false
    const count = (byClient: boolean) => (bytes: number) => {
      traffic.bytes += bytes
      if (asking && !byClient) traffic.roundTrips += 1
      asking = byClient
    }
    const dialled = dial(target, 1.5 * rttMs)
    hold(open, client, dialled)
    void forward(client, dialled, { ms: rttMs / 2, count: count(true) })
    void dialled.then(upstream => {
      hold(open, upstream, Promise.resolve(client))
      void forward(upstream, Promise.resolve(client), { ms: rttMs / 2, count: count(false) })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    traffic,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

async function dial({ host, port }: Way['target'], ms: number): Promise<Socket> {
  if (ms > 0) await sleep(ms)
  return connect({ host, port, noDelay: true, allowHalfOpen: true })
}

/** A socket that ends badly takes its other side with it. */
function hold(open: Set<Socket>, socket: Socket, other: Promise<Socket>): void {
  open.add(socket)
  socket.on('error', () => void other.then(each => each.destroy()))
  socket.once('close', () => open.delete(socket))
}

/** Hands on what comes, each piece `ms` after it came and in order, and the end after the last of it. */
async function forward(
  from: Socket,
  to: Promise<Socket>,
  { ms, count }: { readonly ms: number; readonly count: (bytes: number) => void }
): Promise<void> {
  const pieces: { readonly due: number; readonly data: Buffer | null }[] = []
  let wake: () => void = () => {}
  const take = (data: Buffer | null) => {
    pieces.push({ due: performance.now() + ms, data })
    wake()
  }
  from.on('data', (data: Buffer) => {
    count(data.length)
    take(data)
  })
  from.once('end', () => take(null))
  from.once('close', () => take(null))
  const sink = await to
  for (;;) {
    const piece = pieces.shift()
    if (piece === undefined) {
      await new Promise<void>(resolve => (wake = resolve))
      continue
    }
    const rest = piece.due - performance.now()
    if (rest > 0) await sleep(rest)
    if (piece.data === null) break
    sink.write(piece.data)
  }
  sink.end()
}
