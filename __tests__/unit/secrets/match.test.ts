import { describe, expect, it } from '@jest/globals'
import { findValue } from '../../../src/secrets/match.js'

const values = (secrets: Record<string, string>, env: Record<string, string> = {}) => ({
  secrets: new Map(Object.entries(secrets)),
  env
})

describe('findValue', () => {
  it.each<[string, string[], Record<string, string>, Record<string, string>, object]>([
    ['an exact name', ['db'], { db: '1', DB: '2' }, {}, { found: 'secrets', name: 'db', value: '1' }],
    [
      'the usual rule',
      ['database-url'],
      { DATABASE_URL: '1' },
      {},
      { found: 'secrets', name: 'DATABASE_URL', value: '1' }
    ],
    ['dots too', ['tls.key'], { TLS_KEY: '1' }, {}, { found: 'secrets', name: 'TLS_KEY', value: '1' }],
    ['secrets before the environment', ['a'], { A: '1' }, { a: '2' }, { found: 'secrets', name: 'A', value: '1' }],
    ['the environment', ['a-b'], {}, { A_B: '2' }, { found: 'environment', name: 'A_B', value: '2' }],
    ['the first candidate first', ['x', 'y'], { y: '2', x: '1' }, {}, { found: 'secrets', name: 'x', value: '1' }],
    ['a later candidate', ['x', 'y'], { Y: '2' }, {}, { found: 'secrets', name: 'Y', value: '2' }],
    ['ambiguity', ['a-b'], { A_B: '1', 'a.b': '2' }, {}, { found: 'ambiguous', names: ['A_B', 'a.b'] }],
    [
      'ambiguity in the environment',
      ['a-b'],
      {},
      { A_B: '1', a_b: '2' },
      { found: 'ambiguous', names: ['A_B', 'a_b'] }
    ],
    ['an empty value', ['a'], { a: '' }, { A: '1' }, { found: 'secrets', name: 'a', value: '' }],
    ["not the runner's own", ['user'], {}, { USER: 'root' }, { found: 'nothing' }],
    ["not the runner's token", ['github-token'], {}, { GITHUB_TOKEN: 'x' }, { found: 'nothing' }],
    [
      "the runner's own by its exact name",
      ['USER'],
      {},
      { USER: 'root' },
      { found: 'environment', name: 'USER', value: 'root' }
    ],
    ['nothing', ['a'], { b: '1' }, { c: '2' }, { found: 'nothing' }]
  ])('%s', (_, candidates, secrets, env, expected) => {
    expect(findValue(candidates, values(secrets, env))).toEqual(expected)
  })
})
