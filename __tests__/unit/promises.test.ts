import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { unlessEnded } from '../../src/promises.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const never = new Promise<never>(() => undefined)

describe('an answer unless something ends first', () => {
  it('is the answer, null, or why there is none', async () => {
    expect(await unlessEnded(Promise.resolve(7), never)).toBe(7)
    expect(await unlessEnded(never, Promise.resolve())).toBeNull()
    await expect(unlessEnded(Promise.reject(new Error('lost')), never)).rejects.toThrow('lost')
  })

  it('is not kept while the end is awaited, or a long watch would keep all that it ever saw', async () => {
    let end: () => void = () => undefined
    const ended = new Promise<void>(resolve => (end = resolve))
    const answers: WeakRef<object>[] = []
    for (let look = 0; look < 50; look++) {
      const answer = await unlessEnded(Promise.resolve({ look, tasks: new Array(1_000).fill(look) }), ended)
      if (answer !== null) answers.push(new WeakRef(answer))
    }
    await new Promise(resolve => setImmediate(resolve))
    collectGarbage()
    expect(answers).toHaveLength(50)
    // the last one may still be on the stack
    expect(answers.filter(answer => answer.deref() !== undefined).length).toBeLessThanOrEqual(1)
    end()
  })
})
