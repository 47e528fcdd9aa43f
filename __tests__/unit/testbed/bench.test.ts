import { afterEach, describe, expect, it } from '@jest/globals'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { openRelay } from '../../../testbed/bench/relay.ts'
import { goals, median, tables } from '../../../testbed/bench/report.ts'
import type { Sample } from '../../../testbed/bench/trial.ts'

const sample = (more: Partial<Sample>): Sample => ({
  case: 'update',
  contestant: 'mine',
  rttMs: 0,
  round: 0,
  wallMs: 7000,
  postMs: 100,
  handshakes: 1,
  roundTrips: 40,
  bytes: 102_400,
  cpuMs: 900,
  peakBytes: 120 << 20,
  touched: 1,
  said: 'deployed',
  right: true,
  load: 0.5,
  ...more
})

describe('median', () => {
  it.each([
    [[], undefined],
    [[3], 3],
    [[10, 1, 2], 2],
    [[4, 1, 2, 10], 3]
  ])('of %j is %p', (values, expected) => expect(median(values)).toBe(expected))
})

describe('the table', () => {
  const samples = [
    sample({ contestant: 'floor', wallMs: 6000, said: 'done' }),
    ...[7000, 9000, 7500].map(wallMs => sample({ wallMs, afterEngineMs: wallMs - 6500 })),
    sample({ contestant: 'docker CLI', wallMs: 15_000, said: 'exit 0', right: false }),
    sample({ rttMs: 80, wallMs: 8000 })
  ]
  const text = tables(samples)

  it('is one for each case and round trip', () => {
    expect(text.match(/^### .*/gm)).toEqual([
      '### Update of 1 of 10 services, 0 ms of added round trip',
      '### Update of 1 of 10 services, 80 ms of added round trip'
    ])
  })

  it('has medians and ratios, and says where another version runs than shall run', () => {
    const rows = text.split('\n').map(line => line.split('|').map(cell => cell.trim()))
    const row = (name: string) => rows.find(cells => cells[1] === name)?.slice(2, 8)
    expect(row('mine')).toEqual(['7.50', '7.00–9.00', '1.50', '1.25', '0.50', '1.00'])
    expect(row('docker CLI')).toEqual(['15.00', '15.00–15.00', '9.00', '2.50', '1.00', ''])
    expect(text).toContain('exit 0 (another version runs)')
  })
})

describe('goals', () => {
  const floor = (more: Partial<Sample> = {}) => sample({ contestant: 'floor', wallMs: 6000, ...more })
  const lines = (...samples: Sample[]) => goals(samples, 'mine').map(line => line.replace(/ +/g, ' '))

  it('compare the median with the floor, and with everybody else', () => {
    expect(lines(floor(), sample({ wallMs: 7000 }), sample({ contestant: 'docker CLI', wallMs: 6900 }))).toEqual([
      'met update at 0 ms within 1 s of the floor: 1.00 s',
      'MISSED update at 0 ms no slower than docker CLI (6.90 s): 7.00 s',
      'met logins of a job: 1'
    ])
  })

  it('allow a second more where the way is long', () => {
    const far = { rttMs: 80 }
    expect(lines(floor(far), sample({ ...far, wallMs: 8001 }))[0]).toBe(
      'MISSED update at 80 ms within 2 s of the floor: 2.00 s'
    )
  })

  it('see a service that a run without a change has written to, and a second login', () => {
    const all = lines(sample({ case: 'no-op', wallMs: 1400, touched: 20, handshakes: 2 }))
    expect(all).toEqual([
      'met no-op at 0 ms within 1.5 s: 1.40 s',
      'MISSED no-op writes to no service: 20',
      'MISSED logins of a job: 2'
    ])
  })
})

describe('the relay', () => {
  const open: (Server | Socket | AsyncDisposable)[] = []
  afterEach(async () => {
    for (const each of open.splice(0).toReversed()) {
      if ('destroy' in each) each.destroy()
      else if (Symbol.asyncDispose in each) await each[Symbol.asyncDispose]()
    }
  })

  /** A server that greets, and answers each question with itself and a full stop. */
  async function client(rttMs: number) {
    const server = createServer({ allowHalfOpen: true }, socket => {
      socket.write('hello.')
      socket.on('data', (data: Buffer) => socket.write(`${data.toString()}.`))
      socket.on('end', () => socket.end('bye.'))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
    const relay = await openRelay({ address: '127.0.0.1', target, rttMs })
    const socket = connect({ host: '127.0.0.1', port: relay.port, allowHalfOpen: true })
    open.push(server, relay, socket)
    let seen = ''
    let ended = false
    let wake = () => {}
    socket.setEncoding('utf8').on('data', (text: string) => ((seen += text), wake()))
    socket.on('end', () => ((ended = true), wake()))
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise<void>(resolve => (wake = resolve))
    }
    return {
      relay,
      socket,
      text: () => seen,
      shows: (text: string) => until(() => seen.endsWith(text)),
      end: () => until(() => ended)
    }
  }

  it.each([0, 6])('hands everything on in order, both ends included, and counts (%i ms)', async rttMs => {
    const { relay, socket, text, shows, end } = await client(rttMs)
    await shows('hello.')
    for (const word of ['one', 'two']) {
      socket.write(word)
      await shows(`${word}.`)
    }
    socket.end()
    await end()
    expect(text()).toBe('hello.one.two.bye.')
    expect(relay.traffic).toEqual({ connections: 1, bytes: 'onetwo'.length + text().length, roundTrips: 2 })
  })
})
