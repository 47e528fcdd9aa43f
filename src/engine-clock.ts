import type { Info } from './engine-types.js'

/**
 * How far the engine's clock is ahead of the runner's, in milliseconds: its time when it answered, against the middle between the runner's times
 * of the question and of the answer. null where the engine does not tell its time.
 */
export function clockAhead({ SystemTime }: Info, askedAt: number, answeredAt: number): number | null {
  const time = Date.parse(SystemTime ?? '')
  return !(time > 0) ? null : time - (askedAt + answeredAt) / 2
}
