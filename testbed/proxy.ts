import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

/** A forward proxy on the loopback interface, which finds hosts that no resolver knows. */
export interface ForwardProxy {
  readonly url: string
  /** `api.example.com:443`, in order. */
  readonly tunnels: readonly string[]
  /** What `proxy-authorization` held, in order; the empty string where there was none. */
  readonly logins: readonly string[]
  close(): Promise<void>
}

/** `hosts`: host name to a port of this machine's loopback; any other is answered 502, as a proxy answers. */
export async function startForwardProxy(hosts: Readonly<Record<string, number>>): Promise<ForwardProxy> {
  const tunnels: string[] = []
  const logins: string[] = []
  const server: Server = createServer((_, response) => response.writeHead(405).end())
  server.on('connect', (request, socket, head) => {
    const target = request.url ?? ''
    tunnels.push(target)
    logins.push(request.headers['proxy-authorization'] ?? '')
    const port = hosts[target.replace(/:\d+$/, '')]
    if (port === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    logins,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}
