import { afterEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EngineFront } from '../../../src/adapters/engine-front.js'
import { EngineHttp } from '../../../src/adapters/engine-http.js'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A front before an engine that answers as told, for these questions; what the engine was asked; and a CLI to ask with. */
async function frontOf(
  answer: (call: string, response: ServerResponse, request: IncomingMessage) => void,
  questions: readonly string[] = ['/info']
) {
  const folder = mkdtempSync(join(tmpdir(), 'sr-front-'))
  const [behind, before] = [join(folder, 'engine'), join(folder, 'front')]
  const calls: string[] = []
  const engine: Server = createServer((request, response) => {
    const call = `${request.method ?? ''} ${request.url ?? ''}`
    calls.push(call)
    if (request.url === '/_ping') response.setHeader('Api-Version', '1.47').setHeader('Ostype', 'linux').end('OK')
    else answer(call, response, request)
  })
  await new Promise<void>(done => engine.listen(behind, done))
  const never = { ready: () => Promise.resolve(), recover: () => Promise.resolve(false) }
  const http = new EngineHttp({ name: 'server', socketPath: behind, pooled: true, ...never })
  const said: string[] = []
  const front = new EngineFront(http, before, questions, line => said.push(line))
  await front.open()
  closing.push(() => {
    front.close()
    http.close()
    engine.closeAllConnections()
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const ask = (method: string, path: string, headers = {}, body = ''): Promise<IncomingMessage & { text: string }> =>
    new Promise((resolve, reject) => {
      const asking = request({ socketPath: before, method, path, headers, agent: false }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', () => resolve(Object.assign(response, { text: Buffer.concat(chunks).toString() })))
      })
      asking.once('error', reject)
      asking.end(body)
    })
  return { ask, calls, said }
}

describe('the socket for the docker CLI', () => {
  it('answers a ping by itself, as the engine did', async () => {
    const { ask, calls } = await frontOf((_, response) => response.end('{}'))
    const pong = await ask('HEAD', '/_ping')
    expect([pong.statusCode, pong.headers['api-version'], pong.headers.ostype]).toEqual([200, '1.47', 'linux'])
    expect(calls.filter(call => call.includes('_ping'))).toHaveLength(1)
  })

  it('has asked what the CLI asks, and gives each answer once', async () => {
    let count = 0
    const { ask, calls, said } = await frontOf((_, response) => response.end(`{"n":${++count}}`))
    expect((await ask('GET', '/v1.47/info')).text).toBe('{"n":1}')
    expect((await ask('GET', '/v1.47/info')).text).toBe('{"n":2}')
    expect(calls.filter(call => call.endsWith('/info'))).toHaveLength(2)
    expect(said).toEqual(['docker CLI asks for /info as well'])
  })

  it('asks all again, with the first, for a CLI that speaks an older version', async () => {
    const { ask, calls, said } = await frontOf((_, response) => response.end('[]'), ['/info', '/networks'])
    await ask('GET', '/v1.41/info')
    expect(calls.filter(call => call.includes('v1.41')).sort()).toEqual(['GET /v1.41/info', 'GET /v1.41/networks'])
    await ask('GET', '/v1.41/networks')
    expect(calls.filter(call => call.includes('v1.41'))).toHaveLength(2)
    expect(said).toEqual([])
  })

  it('passes on what writes, with its login and its body, and the refusal that comes back', async () => {
    const got: string[] = []
    const { ask } = await frontOf((call, response, request) => {
      if (!call.startsWith('POST')) return response.end('{}')
      request.on('data', (chunk: Buffer) => got.push(chunk.toString(), String(request.headers['x-registry-auth'])))
      return request.once('end', () => response.writeHead(500).end('{"message":"update out of sequence"}'))
    })
    const reply = await ask('POST', '/v1.47/services/x/update?version=7', { 'X-Registry-Auth': 'abc' }, '{"Name":"x"}')
    expect([reply.statusCode, reply.text]).toEqual([500, '{"message":"update out of sequence"}'])
    expect(got).toEqual(['{"Name":"x"}', 'abc'])
  })

  it('breaks off where the engine gives no answer, as a lost connection does', async () => {
    const { ask } = await frontOf((call, response, request) => {
      if (call.startsWith('POST')) request.socket.destroy()
      else response.end('{}')
    })
    await expect(ask('POST', '/v1.47/services/create', {}, '{}')).rejects.toThrow('socket hang up')
  })
})
