import { request } from 'node:http'

/**
 * One call of an engine's API on its own unix socket: the testbed's view of the truth, independent of what the action uses.
 * Gives the parsed JSON body (or the text when it is not JSON); throws with the engine's message on a status of 400 and above.
 */
export function callEngine(socket: string, method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body)
    const call = request(
      {
        socketPath: socket,
        method,
        path,
        agent: false,
        headers:
          payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if ((response.statusCode ?? 500) >= 400)
            reject(new Error(`${method} ${path}: ${response.statusCode} ${text.trim()}`))
          else resolve(parsed(text))
        })
      }
    )
    call.setTimeout(60_000, () => call.destroy(new Error(`${method} ${path}: no answer for 60 s`)))
    call.on('error', reject)
    call.end(payload)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
