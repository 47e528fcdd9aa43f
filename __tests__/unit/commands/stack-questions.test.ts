import { describe, expect, it } from '@jest/globals'
import { questionKey, stackQuestions } from '../../../src/commands/stack-questions.js'

const asked = (path: string, filters: unknown): string =>
  `${path}?${new URLSearchParams({ filters: JSON.stringify(filters) }).toString()}`

describe('what docker stack deploy asks', () => {
  it('of any stack: the node, its networks, its services', () => {
    expect(stackQuestions('shop', { services: { web: { image: 'a' } } })).toEqual([
      '/info',
      asked('/networks', { label: ['com.docker.stack.namespace=shop'] }),
      asked('/services', { label: ['com.docker.stack.namespace=shop'] })
    ])
  })

  it('of what a service uses: by its name in the swarm, once for the services that use the same', () => {
    const uses = { image: 'a', secrets: [{ source: 'key' }, { source: 'db' }], configs: [{ source: 'conf' }] }
    const questions = stackQuestions('shop', {
      services: { web: uses, worker: uses },
      networks: { proxy: { external: true, name: 'edge' }, default: {} },
      secrets: { key: { external: true, name: 'shop_key.1' }, db: { external: true, name: 'shop_db.1' } },
      configs: { conf: { external: true, name: 'shop_conf.1' } }
    })
    expect(questions.filter(question => !question.includes('namespace') && question !== '/info')).toEqual([
      '/networks/edge',
      asked('/secrets', { name: ['shop_key.1', 'shop_db.1'] }),
      asked('/configs', { name: ['shop_conf.1'] })
    ])
  })

  it.each([
    [
      'filters as sets, in another order',
      asked('/s', { name: ['b', 'a'] }),
      asked('/s', { name: { a: true, b: true } }),
      true
    ],
    ['other filters', asked('/s', { name: ['a'] }), asked('/s', { name: ['b'] }), false],
    ['another path', '/info', '/version', false],
    ['another parameter', '/s?status=true', '/s', false],
    ['filters that nobody can read', '/s?filters=%7B', '/s?filters=%7B', true]
  ])('%s', (_, one, other, same) => {
    expect(questionKey(one) === questionKey(other)).toBe(same)
  })
})
