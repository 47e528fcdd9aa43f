import { afterEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { makeEngine } from '../../../src/adapters/engine.js'
import type { EngineLink } from '../../../src/adapters/engine-wire.js'
import { jsonLines, unframed } from '../../../src/adapters/engine-streams.js'

type Answer = (call: string, response: ServerResponse, request: IncomingMessage) => void

let server: Server | undefined
let folder: string | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** An engine that answers as told, on a socket of its own; and a link that recovers `times` times. */
const engineThat = async (answer: Answer, times = 0, pooled = true) => {
  folder = mkdtempSync(join(tmpdir(), 'sr-unit-'))
  const socketPath = join(folder, 's')
  const calls: string[] = []
  server = createServer((request, response) => {
    const call = `${request.method ?? ''} ${request.url ?? ''}`
    calls.push(call)
    if (request.url === '/_ping')
      response.setHeader('Api-Version', '1.47').setHeader('Server', 'Docker/27.5.1 (linux)').end('OK')
    else answer(call, response, request)
  })
  await new Promise<void>(done => server?.listen(socketPath, done))
  let left = times
  let readied = 0
  const link: EngineLink = {
    name: 'server',
    socketPath,
    pooled,
    ready: () => Promise.resolve(void readied++),
    recover: () => Promise.resolve(left-- > 0)
  }
  return { ...makeEngine(link), calls, readied: () => readied }
}

describe('the engine over HTTP', () => {
  it("speaks the older of both sides' API versions, asked for once", async () => {
    const { engine, calls } = await engineThat((_, response) => response.end('{"Name":"n"}'))
    expect(await engine.version()).toEqual({ api: '1.47', engine: '27.5.1' })
    await Promise.all([engine.info(), engine.info()])
    expect(calls).toEqual(['GET /_ping', 'GET /v1.47/info', 'GET /v1.47/info'])
  })

  it('asks again for the version when the engine behind the connection is another one', async () => {
    let refused = false
    const { engine, calls } = await engineThat((_, response) => {
      if (refused) return response.end('{"Name":"n"}')
      refused = true
      return response
        .writeHead(400)
        .end('{"message":"client version 1.47 is too new. Maximum supported API version is 1.41"}')
    })
    expect((await engine.info()).Name).toBe('n')
    expect(calls.filter(call => call === 'GET /_ping')).toHaveLength(2)
  })

  it('repeats a read whose connection broke, and a removal that then finds nothing is done', async () => {
    const seen: string[] = []
    const { engine } = await engineThat((call, response, request) => {
      const first = !seen.includes(call)
      seen.push(call)
      if (first) request.socket.destroy()
      else if (call.startsWith('DELETE')) response.writeHead(404).end('{"message":"service x not found"}')
      else response.end('[]')
    }, 2)
    expect(await engine.nodes()).toEqual([])
    await engine.removeService('x')
    expect(seen).toEqual([
      'GET /v1.47/nodes',
      'GET /v1.47/nodes',
      'DELETE /v1.47/services/x',
      'DELETE /v1.47/services/x'
    ])
  })

  it('never repeats a change that may have been carried out', async () => {
    let posts = 0
    const { engine } = await engineThat((_, __, request) => {
      posts++
      request.socket.destroy()
    }, 5)
    await expect(engine.createObject('secret', 'a', Buffer.from('b'), {})).rejects.toMatchObject({
      status: 0,
      message: expect.stringMatching(/POST \/secrets\/create.*may have carried/)
    })
    expect(posts).toBe(1)
  })

  it('repeats what a manager without a leader refused, changes too: nothing was done', async () => {
    let posts = 0
    const leaderless = '{"message":"rpc error: code = Unknown desc = The swarm does not have a leader. It is possible"}'
    const { engine } = await engineThat((_, response) => {
      if (posts++ === 0) response.writeHead(503).end(leaderless)
      else response.writeHead(201).end('{"ID":"a1"}')
    }, 5)
    expect(await engine.createObject('secret', 'a', Buffer.from('b'), {})).toBe('a1')
  })

  it('ends when the link has no more patience', async () => {
    const { engine, calls } = await engineThat((_, __, request) => request.socket.destroy(), 2)
    await expect(engine.info()).rejects.toMatchObject({ status: 0 })
    expect(calls.filter(call => call.endsWith('/info'))).toHaveLength(3)
  })

  it("throws the engine's own words", async () => {
    const { engine } = await engineThat((_, response) =>
      response.writeHead(503).end('{"message":"This node is not a swarm manager."}')
    )
    await expect(engine.nodes()).rejects.toMatchObject({ status: 503, message: 'This node is not a swarm manager.' })
  })

  it('asks for the tasks of many services in few requests', async () => {
    const { engine, calls } = await engineThat((_, response) => response.end('[]'))
    await engine.tasks(Array.from({ length: 450 }, (_, index) => `s${index}`))
    expect(calls.filter(call => call.includes('/tasks'))).toHaveLength(3)
    expect(await engine.tasks([])).toEqual([])
  })
})

describe('streams', () => {
  const frame = (stream: number, text: string): Buffer => {
    const head = Buffer.alloc(8)
    head[0] = stream
    head.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([head, Buffer.from(text)])
  }

  it.each([
    [Buffer.concat([frame(1, 'out\n'), frame(2, 'err\n'), frame(1, 'é\n')]), 'out\nerr\né\n'],
    [Buffer.from('plain text of a terminal'), 'plain text of a terminal'],
    [Buffer.concat([frame(1, 'whole\n'), frame(2, 'cut off').subarray(0, 10)]), 'whole\ncu'],
    [Buffer.alloc(0), '']
  ])('a log %#', (bytes, text) => {
    expect(unframed(bytes)).toBe(text)
  })

  it('gives the values of a stream of lines, however they are cut', async () => {
    const values: unknown[] = []
    for await (const value of jsonLines(Readable.from([Buffer.from('{"a":'), Buffer.from('1}\n{"a":2}\n{"a"')])))
      values.push(value)
    expect(values).toEqual([{ a: 1 }, { a: 2 }])
  })
})

describe('what is asked while the first ping is under way', () => {
  it('does not wait for it, in a version that engines have long spoken', async () => {
    const { http, engine, calls } = await engineThat((_, response) => response.end('{"Name":"n"}'))
    const [, info] = await Promise.all([http.ping(1_000), engine.info()])
    await engine.info()
    expect(info.Name).toBe('n')
    expect(calls.filter(call => call.endsWith('/info'))).toEqual(['GET /v1.44/info', 'GET /v1.47/info'])
  })

  it('is asked again in the version that the ping tells, where the engine speaks no such one', async () => {
    const { http, engine, calls } = await engineThat((call, response) => {
      if (call.includes('v1.44')) response.writeHead(400).end('{"message":"client version 1.44 is too new"}')
      else response.end('{"Name":"n"}')
    })
    const [, info] = await Promise.all([http.ping(1_000), engine.info()])
    expect(info.Name).toBe('n')
    expect(calls.filter(call => call.endsWith('/info'))).toEqual(['GET /v1.44/info', 'GET /v1.47/info'])
  })

  it('writes nothing in a version that was guessed', async () => {
    const { http, engine, calls } = await engineThat((_, response) => response.end('{"ID":"c"}'))
    await Promise.all([http.ping(1_000), engine.createObject('config', 'c', Buffer.from('x'), {})])
    expect(calls.filter(call => call.startsWith('POST'))).toEqual(['POST /v1.47/configs/create'])
  })

  it('is given up with the connection: nobody waits for it any more', async () => {
    const { http, engine, close } = await engineThat(
      (_, response, request) => request.socket.destroy() && response,
      Infinity
    )
    await http.ping(1_000)
    const asking = engine.info()
    close()
    await expect(asking).rejects.toMatchObject({ status: 0 })
  })
})

describe('an engine that was given up', () => {
  it('asks nothing more, and has nobody connect again for it', async () => {
    const { engine, close, calls, readied } = await engineThat((_, response) => response.end('[]'))
    close()
    const all = [engine.nodes(), engine.inOrder().nodes(), engine.createObject('config', 'c', Buffer.from('x'), {})]
    for (const { status } of await Promise.allSettled(all)) expect(status).toBe('rejected')
    expect([calls, readied()]).toEqual([[], 0])
  })
})

describe('calls in order', () => {
  it('do not wait for one another where the connection holds several', async () => {
    const waiting: (() => void)[] = []
    const { engine, calls } = await engineThat((_, response) => {
      waiting.push(() => response.end('[]'))
      if (waiting.length === 3) for (const answer of waiting) answer()
    })
    const inOrder = engine.inOrder()
    const answers = [inOrder.nodes(), inOrder.networks(), inOrder.nodes()]
    expect(await Promise.all(answers)).toEqual([[], [], []])
    expect(calls.slice(1)).toEqual(['GET /v1.47/nodes', 'GET /v1.47/networks', 'GET /v1.47/nodes'])
  })

  it('wait for one another where each would cost a session', async () => {
    let open = 0
    const most: number[] = []
    const answer: Answer = (_, response) => {
      most.push(++open)
      setImmediate(() => response.end('[]', () => open--))
    }
    const { engine } = await engineThat(answer, 0, false)
    const inOrder = engine.inOrder()
    await Promise.all([inOrder.nodes(), inOrder.networks(), inOrder.nodes()])
    expect(most).toEqual([1, 1, 1])
  })

  it.each([
    [
      'gets no answer',
      (response: ServerResponse, request: IncomingMessage) => void (response && request.socket.destroy())
    ],
    [
      'is refused for want of a leader',
      (response: ServerResponse) =>
        void response
          .writeHead(500)
          .end('{"message":"rpc error: code = Unknown desc = The swarm does not have a leader"}')
    ]
  ])('are made again from the first on that %s, each after the one before', async (_, fail) => {
    const seen: string[] = []
    const { engine } = await engineThat((call, response, request) => {
      const isFirst = !seen.includes(call)
      seen.push(call)
      if (call.endsWith('networks') && isFirst) fail(response, request)
      else response.end(`[{"Name":"${seen.length}"}]`)
    }, 3)
    const inOrder = engine.inOrder()
    const [nodes, networks, secrets] = await Promise.all([
      inOrder.nodes(),
      inOrder.networks(),
      inOrder.objects('secret')
    ])
    const at = (answer: readonly unknown[]): number => Number((answer[0] as { Name: string }).Name)
    expect(at(nodes)).toBe(1)
    expect(at(networks)).toBeGreaterThan(seen.indexOf('GET /v1.47/networks') + 1)
    expect(at(secrets)).toBeGreaterThan(at(networks))
  })

  it('may begin with one that writes; its refusal is an answer, and what was asked behind it counts', async () => {
    const { engine } = await engineThat((call, response) => {
      if (call.startsWith('POST')) response.writeHead(409).end('{"message":"it exists"}')
      else response.end('[]')
    })
    const inOrder = engine.inOrder()
    const made = inOrder.createObject('config', 'c', Buffer.from('x'), {})
    const [refused, nodes] = await Promise.allSettled([made, inOrder.nodes()])
    expect(refused).toMatchObject({ status: 'rejected', reason: { status: 409, message: 'it exists' } })
    expect(nodes).toMatchObject({ status: 'fulfilled', value: [] })
  })

  it('write again in the version of the engine that is there by now', async () => {
    const { engine, calls } = await engineThat((call, response) => {
      const isFirst = calls.filter(each => each === call).length === 1
      if (isFirst) response.writeHead(400).end('{"message":"client version 1.47 is too new"}')
      else response.end('{"ID":"c"}')
    })
    expect(await engine.inOrder().createObject('config', 'c', Buffer.from('x'), {})).toBe('c')
  })

  it('never write twice: whether the engine got it is for the caller to find out', async () => {
    const { engine, calls } = await engineThat((call, response, request) => {
      if (call.startsWith('POST')) request.socket.destroy()
      else response.end('[]')
    }, 5)
    const inOrder = engine.inOrder()
    const made = inOrder.createObject('config', 'c', Buffer.from('x'), {})
    const [lost, nodes] = await Promise.allSettled([made, inOrder.nodes()])
    expect(lost).toMatchObject({ status: 'rejected', reason: { status: 0 } })
    expect(nodes).toMatchObject({ status: 'fulfilled', value: [] })
    expect(calls.filter(call => call.startsWith('POST'))).toHaveLength(1)
  })

  it('keep what writes behind what was asked before it', async () => {
    const waiting: (() => void)[] = []
    const { engine, calls } = await engineThat((call, response) => {
      if (call.startsWith('POST')) return response.end('{"ID":"c"}')
      waiting.push(() => response.end('[]'))
      return setTimeout(() => waiting.shift()?.(), 20)
    })
    const inOrder = engine.inOrder()
    const nodes = inOrder.nodes().then(() => calls.some(call => call.startsWith('POST')))
    const made = inOrder.createObject('config', 'c', Buffer.from('x'), {})
    expect(await nodes).toBe(false)
    expect(await made).toBe('c')
  })
})
