import { setTimeout as delay } from 'node:timers/promises'
import type { Host, HostAddress, Shell } from '../ports.js'
import { makeEngine } from './engine.js'
import type { EngineLink } from './engine-wire.js'

/** How long an engine on this machine may be away, such as while it is restarted. */
const patienceMs = 60_000

/** The engine of the machine that we run on: no SSH, and its programs are ours. */
export function localHost(
  shell: Shell,
  env: Readonly<Record<string, string>>,
  address: HostAddress
): Host & { ping(timeoutMs: number): Promise<unknown> } {
  const link: EngineLink = {
    name: 'this runner',
    socketPath: address.socket,
    pooled: true,
    ready: () => Promise.resolve(),
    recover: async since => {
      const waited = Date.now() - since
      if (waited > patienceMs) return false
      await delay(Math.min(2_000, 200 + waited / 4))
      return true
    }
  }
  const { engine, http, close } = makeEngine(link)
  return {
    name: address.text,
    engine,
    knownHosts: [],
    dockerHost: `unix://${address.socket}`,
    // nothing is far away here
    openFront: () =>
      Promise.resolve({ dockerHost: `unix://${address.socket}`, [Symbol.asyncDispose]: () => Promise.resolve() }),
    run: (argv, options = {}) => shell.run(argv, { env, ...options }),
    forwardBack: port => Promise.resolve({ port, close: () => Promise.resolve() }),
    keep: () => undefined,
    ping: timeoutMs => http.ping(timeoutMs),
    [Symbol.asyncDispose]: () => {
      close()
      return Promise.resolve()
    }
  }
}
