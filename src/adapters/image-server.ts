import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { blobPath, mediaType, rangeStart, readRequest } from '../images/registry-api.js'
import type { ServeImages } from '../ports.js'

/** A registry of OCI layouts on the runner's loopback, read-only. Nothing of it is reachable from outside the runner. */
export const serveImages: ServeImages = async ({ port = 0, onSent }) => {
  const layouts = new Map<string, string>()
  const server = createServer((request, response) => {
    answer(request, response, layouts, onSent).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    add: (name, folder) => void layouts.set(name, folder),
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  layouts: ReadonlyMap<string, string>,
  onSent: ((bytes: number) => void) | undefined
): Promise<void> {
  const asked = readRequest(request.method ?? '', new URL(request.url ?? '/', 'http://localhost').pathname)
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0')
  if (asked.for === 'ping') return void response.end('{}')
  const folder = asked.for === 'nothing' ? undefined : layouts.get(asked.name)
  if (asked.for === 'nothing') return refuse(response, asked.status, asked.code)
  if (folder === undefined) return refuse(response, 404, 'NAME_UNKNOWN')
  const path = blobPath(folder, asked.digest)
  const size = await stat(path).then(
    found => found.size,
    () => undefined
  )
  if (size === undefined) return refuse(response, 404, 'BLOB_UNKNOWN')
  const start = asked.for === 'blob' ? rangeStart(request.headers.range, size) : undefined
  response.setHeader('Docker-Content-Digest', asked.digest)
  response.setHeader('Content-Length', size - (start ?? 0))
  response.setHeader('Accept-Ranges', 'bytes')
  const manifest = asked.for === 'manifest' ? await readFile(path, 'utf8') : undefined
  response.setHeader('Content-Type', manifest === undefined ? 'application/octet-stream' : mediaType(manifest))
  if (start !== undefined) response.setHeader('Content-Range', `bytes ${start}-${size - 1}/${size}`)
  response.statusCode = start === undefined ? 200 : 206
  if (request.method === 'HEAD') return void response.end()
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of source) {
      onSent?.(chunk.length)
      yield chunk
    }
  }
  await pipeline(createReadStream(path, start === undefined ? {} : { start }), counted, response)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ errors: [{ code, message: code }] }))
}
