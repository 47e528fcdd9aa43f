import { clip } from './markdown.js'

/** How much of each part is shown. */
export interface Room {
  /** Rows of a table. */
  readonly rows: number
  /** Lines of a failed container's log; of its history at most 20. */
  readonly lines: number
  /** Failures with their details. */
  readonly failures: number
  readonly bars: number
}

const rooms: readonly Room[] = [
  { rows: 500, lines: 500, failures: 50, bars: 60 },
  { rows: 100, lines: 100, failures: 20, bars: 60 },
  { rows: 50, lines: 30, failures: 10, bars: 40 },
  { rows: 20, lines: 10, failures: 5, bars: 20 },
  { rows: 10, lines: 0, failures: 3, bars: 0 },
  { rows: 0, lines: 0, failures: 0, bars: 0 }
]

/**
 * The document in the most room that fits. Whole parts shrink, so that nothing is cut inside a table, a fold or a
 * block of code. `size` counts as the limit does, in bytes or characters.
 */
export function fit(render: (room: Room) => string, limit: number, size: (text: string) => number): string {
  for (const room of rooms) {
    const text = render(room)
    if (size(text) <= limit) return text
  }
  return clip(render({ rows: 0, lines: 0, failures: 0, bars: 0 }), Math.floor(limit / 4))
}

/** UTF-8 bytes. */
export function bytes(text: string): number {
  return new TextEncoder().encode(text).length
}
