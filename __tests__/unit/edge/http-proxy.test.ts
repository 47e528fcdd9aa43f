import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetchHttp } from '../../../src/adapters/http.js'
import { startForwardProxy, type ForwardProxy } from '../../../testbed/proxy.ts'

/** Runners behind a proxy: what is asked of GitHub goes the way that the runner's environment says. */
let site: Server
let proxy: ForwardProxy
let port: number
const variables = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
/** An empty one is as good as none. */
const before = new Map(variables.map(name => [name, process.env[name] ?? '']))

beforeEach(async () => {
  for (const name of variables) process.env[name] = ''
  site = createServer((request, response) => {
    const body: Buffer[] = []
    request.on('data', (part: Buffer) => body.push(part))
    request.on('end', () =>
      response
        .writeHead(201, { link: 'here' })
        .end(`${request.method} ${request.url} ${Buffer.concat(body).toString()}`)
    )
  })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  port = (site.address() as AddressInfo).port
  proxy = await startForwardProxy({ 'api.example.test': port })
})

afterEach(async () => {
  for (const [name, value] of before) process.env[name] = value
  await proxy.close()
  site.closeAllConnections()
  await new Promise(resolve => site.close(resolve))
})

const ask = (url: string) =>
  fetchHttp.request(url, { method: 'POST', body: 'hello', headers: { authorization: 'Bearer t' }, timeoutMs: 5_000 })

describe('a request', () => {
  it.each(['http_proxy', 'HTTP_PROXY'])('goes through %s, to a host that only the proxy knows', async name => {
    process.env[name] = proxy.url
    const reply = await ask('http://api.example.test/repos?x=1')
    expect(reply).toMatchObject({ status: 201, body: 'POST /repos?x=1 hello', headers: { link: 'here' } })
    expect(proxy.tunnels).toEqual(['api.example.test:80'])
  })

  it('to an https address goes through https_proxy, whole: the proxy sees the host and no more', async () => {
    process.env['https_proxy'] = proxy.url
    await expect(ask('https://github.example.test/api')).rejects.toThrow()
    expect(proxy.tunnels).toEqual(['github.example.test:443'])
  })

  it('says who asks where the proxy has a login', async () => {
    process.env['http_proxy'] = proxy.url.replace('http://', 'http://ci:p%40ss@')
    await ask('http://api.example.test/')
    expect(proxy.logins).toEqual([`Basic ${Buffer.from('ci:p@ss').toString('base64')}`])
  })

  it.each(['no_proxy', 'NO_PROXY'])('to a host of %s goes there itself', async name => {
    process.env['http_proxy'] = proxy.url
    process.env[name] = 'other.test, .example.test'
    await expect(ask('http://api.example.test/')).rejects.toThrow()
    expect(proxy.tunnels).toEqual([])
  })

  it('to this machine needs no proxy', async () => {
    process.env['http_proxy'] = proxy.url
    expect(await ask(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 201 })
    expect(proxy.tunnels).toEqual([])
  })
})
