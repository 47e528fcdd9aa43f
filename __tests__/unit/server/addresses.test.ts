import { describe, expect, it } from '@jest/globals'
import { addressPool, advertiseAddress } from '../../../src/server/addresses.js'

const fresh = { addresses: ['203.0.113.7', '10.0.0.2'], source: '203.0.113.7' } as const

describe('addresses', () => {
  it.each([
    ['the chosen one', 'example.com', '10.0.0.2', {}, '10.0.0.2'],
    ['the one that host names', '10.0.0.2', undefined, {}, '10.0.0.2'],
    ['the one towards the world', 'example.com', undefined, {}, '203.0.113.7'],
    ['the only one', 'example.com', undefined, { addresses: ['192.0.2.1'], source: '192.0.2.9' }, '192.0.2.1'],
    ['none of several', 'example.com', undefined, { source: '192.0.2.9' }, undefined]
  ] as const)('%s', (_, host, chosen, change, address) => {
    expect(advertiseAddress({ ...fresh, ...change }, host, chosen)).toBe(address)
  })

  it.each([
    [[], undefined],
    [['192.168.1.0/24', '172.17.0.0/16'], undefined],
    [['10.0.0.0/16'], '10.200.0.0/16'],
    [['10.200.3.0/24'], '10.100.0.0/16'],
    [['10.0.0.0/8'], '172.30.0.0/16'],
    [['10.0.0.0/8', '172.16.0.0/12'], '192.168.192.0/18']
  ])('beside the routes %j overlay networks are in %s', (routes, pool) => {
    expect(addressPool(routes)).toBe(pool)
  })
})
