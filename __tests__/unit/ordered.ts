import type { Engine } from '../../src/ports.js'

/** What `inOrder` of a made-up engine gives: its calls, each begun when the one before has ended. */
export function inOrderOf(engine: Engine): Engine {
  let last: Promise<unknown> = Promise.resolve()
  return new Proxy(engine, {
    get: (target, name) => {
      const call: unknown = Reflect.get(target, name)
      if (typeof call !== 'function') return call
      return (...args: unknown[]) => {
        const answer = last.then(() => Reflect.apply(call, target, args) as unknown)
        last = answer.catch(() => undefined)
        return answer
      }
    }
  })
}
