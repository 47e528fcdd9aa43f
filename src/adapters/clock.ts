import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../ports.js'

/** The runner's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error
    })
  }
}
