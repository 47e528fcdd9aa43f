import type { Readable } from 'node:stream'

/**
 * The text of a log stream: frames of an 8-byte header (stream, three zeros, length) and a payload, or raw bytes where
 * the container has a terminal. Engines before API 1.42 do not say which in Content-Type, so the first bytes decide.
 * See "Stream format" of ContainerAttach in the Engine API.
 */
export function unframed(bytes: Buffer): string {
  if (!framed(bytes)) return bytes.toString('utf8')
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return Buffer.concat(parts).toString('utf8')
}

function framed(bytes: Buffer): boolean {
  return bytes.length >= 8 && (bytes[0] ?? 9) <= 3 && bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0
}

/** The JSON values of a stream with one value a line, as /events sends them. Ends quietly when the stream breaks off. */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  let rest = ''
  stream.setEncoding('utf8')
  try {
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
    }
  } catch {
    // Cut off by the signal or by a lost connection: whoever listens looks at the swarm itself next.
  }
}

/** All bytes that come until the stream ends or breaks off. */
export async function untilEnd(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer)
  } catch {
    // What came so far is worth having.
  }
  return Buffer.concat(chunks)
}
