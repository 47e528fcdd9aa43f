import type { Engine, Ports } from '../../ports.js'

/** In milliseconds: how soon after a wait begins an event ends it, and when events are listened for again that broke off. */
const pace = { woken: 200, lost: 1_000 }

/** `reached` becomes null when the signal fires or the time is over. */
export function endingWait(
  ports: Ports,
  signal: AbortSignal,
  ms: number
): Disposable & { readonly reached: Promise<null> } {
  const over = new AbortController()
  const reached = ports.clock.sleep(ms, AbortSignal.any([signal, over.signal])).then(() => null)
  return { reached, [Symbol.dispose]: () => over.abort() }
}

export interface Bell extends Disposable {
  /** Waits this many milliseconds, less when an event comes. */
  wait(ms: number): Promise<void>
  /** What kinds of object events told of since this was last asked; of services, since the last wait began. */
  rang(): ReadonlySet<string>
}

/** Listens to the engine's events of services and nodes, again and again when the connection drops. There are none of tasks. */
export function listenForEvents(ports: Ports, engine: Engine, signal: AbortSignal): Bell {
  const over = new AbortController()
  const until = AbortSignal.any([over.signal, signal])
  let rung = new AbortController()
  let kinds = new Set<string>()
  const listen = async () => {
    while (!until.aborted) {
      try {
        for await (const event of engine.events({ types: ['service', 'node'] }, until)) {
          kinds.add(event.Type)
          rung.abort()
        }
      } catch (thrown) {
        ports.log.debug(`events: ${String(thrown)}`)
      }
      await ports.clock.sleep(pace.lost, until)
    }
  }
  void listen()
  return {
    async wait(ms) {
      kinds.delete('service') // the look that is over has read the services last
      await ports.clock.sleep(Math.min(ms, pace.woken), until)
      await ports.clock.sleep(Math.max(0, ms - pace.woken), AbortSignal.any([rung.signal, until]))
      rung = new AbortController()
    },
    rang() {
      const rang = kinds
      kinds = new Set()
      return rang
    },
    [Symbol.dispose]: () => over.abort()
  }
}
