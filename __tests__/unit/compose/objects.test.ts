import { describe, expect, it } from '@jest/globals'
import type { ComposeObject } from '../../../src/compose/model.js'
import { translated, web, type Given } from './project.js'

const services = { web: { image: 'a:1', secrets: [{ source: 's' }] }, db: { image: 'b:1', secrets: [{ source: 's' }] } }
const need = (object: ComposeObject) =>
  translated(services, { model: { secrets: { s: object, unused: { file: '/x' } } } }).needs

describe('what has to be in the swarm first', () => {
  it.each<[string, ComposeObject, object]>([
    ['a file', { name: 'shop_s', file: '/repo/s$$.txt' }, { source: { from: 'file', path: '/repo/s$.txt' } }],
    ['a variable', { environment: 'TOKEN' }, { source: { from: 'environment', variable: 'TOKEN' } }],
    ['content, with its dollar signs', { content: 'a$$b\n' }, { source: { from: 'content', content: 'a$b\n' } }],
    ['an external one', { external: true, name: 'prod_s' }, { source: { from: 'external', name: 'prod_s' } }],
    ['a fixed name', { name: 'mine', file: '/x' }, { source: { from: 'file', path: '/x' }, name: 'mine' }],
    ['labels', { file: '/x', labels: { a: 'b$$' } }, { source: { from: 'file', path: '/x' }, labels: { a: 'b$' } }]
  ])('%s', (_, object, expected) => {
    expect(need(object)).toEqual([{ kind: 'secret', key: 's', services: ['web', 'db'], ...expected }])
  })

  it('has its place in the file', () => {
    const sources = [{ file: 'compose.yaml', text: 'secrets:\n  s:\n    file: x\n' }]
    const { needs } = translated(services, { model: { secrets: { s: { file: '/x' } } }, project: { sources } })
    expect(needs[0]?.at).toEqual({ file: 'compose.yaml', line: 2, column: 3 })
  })

  it('is external to the stack, under a provisional name', () => {
    const model = { secrets: { s: { external: true, name: 'prod_s' } } }
    expect(translated(services, { model }).stack.secrets).toEqual({ s: { external: true, name: 'prod_s' } })
  })
})

describe('mounts of secrets and configs', () => {
  it.each<[string, Given, Record<string, unknown>]>([
    [
      'a secret’s target is written',
      { secrets: [{ source: 's' }] },
      { secrets: [{ source: 's', target: '/run/secrets/s' }] }
    ],
    ['a config’s too', { configs: [{ source: 'c' }] }, { configs: [{ source: 'c', target: '/c' }] }],
    [
      'modes are octal',
      { secrets: [{ source: 's', target: 't', mode: '0440', uid: '5' }] },
      { secrets: [{ source: 's', target: 't', mode: 0o440, uid: '5' }] }
    ],
    [
      'modes from variables too',
      { secrets: [{ source: 's', target: 't', mode: '440' }] },
      { secrets: [{ source: 's', target: 't', mode: 0o440 }] }
    ]
  ])('%s', (_, given, expected) => {
    const service = web(given)
    for (const [key, value] of Object.entries(expected)) expect(service[key]).toEqual(value)
  })
})
