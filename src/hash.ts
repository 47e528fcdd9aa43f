import { createHash } from 'node:crypto'

/** The first `length` hex digits of a SHA-256; all 64 where it does not say. */
export function sha256(data: string | Uint8Array, length = 64): string {
  return createHash('sha256').update(data).digest('hex').slice(0, length)
}
