import { describe, expect, it } from '@jest/globals'
import { engineFailed } from '../../../src/errors/engine.js'

describe('a call that the run cannot do without', () => {
  it.each([
    [
      503,
      'rpc error: code = Unknown desc = The swarm does not have a leader. It is possible that',
      /has no leader[\s\S]*Bring the managers back/
    ],
    [0, 'The connection to deploy@192.0.2.7 was lost and did not come back', /was lost[\s\S]*run the job again/],
    [500, 'no space left on device', /refused: no space left/]
  ])('of status %d (%s) is told in words for the user', (status, message, words) => {
    const problem = engineFailed({ status, message })
    expect(`${problem.message}\n${problem.remedy ?? ''}`).toMatch(words)
  })
})
