import { afterEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { makeEngine } from '../../../src/adapters/engine.js'
import type { EngineLink } from '../../../src/adapters/engine-http.js'
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
const engineThat = async (answer: Answer, times = 0) => {
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
  const link: EngineLink = {
    name: 'server',
    socketPath,
    pooled: true,
    ready: () => Promise.resolve(),
    recover: () => Promise.resolve(left-- > 0)
  }
  return { ...makeEngine(link), calls }
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
