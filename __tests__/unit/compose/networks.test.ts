import { describe, expect, it } from '@jest/globals'
import type { ComposeNetwork } from '../../../src/compose/model.js'
import { translated, web, type Given } from './project.js'

const network = (given: object) =>
  translated({ web: { image: 'a:1' } }, { model: { networks: { net: given as ComposeNetwork } } }).stack.networks?.[
    'net'
  ]

describe('networks', () => {
  it.each<[string, object, object]>([
    ['a derived name goes', { name: 'shop_net', ipam: {} }, {}],
    ['a fixed name stays', { name: 'mine' }, { name: 'mine' }],
    [
      'bridge is an overlay',
      { driver: 'bridge', driver_opts: { 'com.docker.network.bridge.name': 'br0', encrypted: '' } },
      { driver_opts: { encrypted: '' } }
    ],
    [
      'overlay stays',
      { driver: 'overlay', attachable: true, internal: true, labels: { a: 'b' } },
      { driver: 'overlay', attachable: true, internal: true, labels: { a: 'b' } }
    ],
    ['an external one', { external: true, name: 'proxy' }, { external: true, name: 'proxy' }],
    [
      'a subnet and nothing else',
      { ipam: { config: [{ subnet: '10.9.0.0/24', gateway: '10.9.0.1', ip_range: 'x' }] } },
      { ipam: { config: [{ subnet: '10.9.0.0/24' }] } }
    ],
    ['IPv6 goes', { enable_ipv6: true }, {}]
  ])('%s', (_, given, expected) => {
    expect(network(given)).toEqual(expected)
  })

  it.each<[string, Given, unknown]>([
    ['plain', { networks: { net: null } }, { net: null }],
    ['aliases', { networks: { net: { aliases: ['x'] } } }, { net: { aliases: ['x'] } }],
    [
      'container_name is an alias',
      { container_name: 'old', networks: { net: { aliases: ['x'] } } },
      { net: { aliases: ['x', 'old'] } }
    ],
    ['its own name is not', { container_name: 'web', networks: { net: null } }, { net: null }],
    ['addresses go', { networks: { net: { ipv4_address: '10.0.0.2', priority: 5, mac_address: 'x' } } }, { net: null }],
    [
      'options of the driver stay',
      { networks: { net: { driver_opts: { a: 'b' } } } },
      { net: { driver_opts: { a: 'b' } } }
    ],
    ['the host’s', { network_mode: 'host' }, { host: null }],
    ['none', { network_mode: 'none' }, { 'none-web': null }]
  ])('attachment: %s', (_, given, expected) => {
    expect(web(given, { model: { networks: { net: {} } } })['networks']).toEqual(expected)
  })

  it('takes names that a swarm refuses under others', () => {
    const { stack } = translated(
      { web: { image: 'a:1', networks: { 'front.end': { aliases: ['x'] }, other: null } } },
      { model: { networks: { 'front.end': { name: 'shop_front.end' }, other: { name: 'shop_other' } } } }
    )
    expect(stack.networks).toEqual({ 'front-end': {}, other: {} })
    expect(stack.services['web']?.['networks']).toEqual({ 'front-end': { aliases: ['x'] }, other: null })
  })

  it('points at the option that is lost', () => {
    const text =
      'networks:\n  n:\n    enable_ipv6: true\n    ipam:\n      config:\n        - subnet: 10.9.0.0/24\n          gateway: 10.9.0.1\n'
    const n = {
      enable_ipv6: true,
      enable_ipv4: true,
      ipam: { config: [{ subnet: '10.9.0.0/24', gateway: '10.9.0.1' }] }
    }
    const sources = [{ file: 'compose.yaml', text }]
    const { findings } = translated({ web: { image: 'a:1' } }, { model: { networks: { n } }, project: { sources } })
    expect(findings.filter(({ rule }) => rule === 'lost-network-option').map(({ line }) => line)).toEqual([3, 7])
  })

  it('a service without a network of the stack keeps its further names on the default one', () => {
    const service = web({ network_mode: 'bridge', container_name: 'bee' })
    expect(service['networks']).toEqual({ default: { aliases: ['bee'] } })
    expect(web({ network_mode: 'bridge' })['networks']).toBeUndefined()
  })

  it('the host’s network is declared, and not looked for in the swarm', () => {
    const { stack, externals } = translated(
      { web: { image: 'a:1', network_mode: 'host' } },
      { model: { networks: { p: { external: true, name: 'proxy' } } } }
    )
    expect(stack.networks).toEqual({ p: { external: true, name: 'proxy' }, host: { external: true, name: 'host' } })
    expect(externals.networks).toEqual(['proxy'])
  })

  it.each<[string, object, object, string]>([
    ['a network of the file by its fixed name', { n: { name: 'front' } }, { n: { name: 'front' } }, 'n'],
    [
      'an external one by its key',
      { front: { external: true, name: 'front' } },
      { front: { external: true, name: 'front' } },
      'front'
    ],
    ['any other', {}, { front: { external: true, name: 'front' } }, 'front']
  ])('network_mode may name %s', (_, networks, expected, key) => {
    const services = { web: { image: 'a:1', network_mode: 'front' } }
    const { stack } = translated(services, { model: { networks: networks as Record<string, ComposeNetwork> } })
    expect(stack.networks).toEqual(expected)
    expect(stack.services['web']?.['networks']).toEqual({ [key]: null })
  })

  it('a service on the network of its node publishes nothing, as with compose', () => {
    const ports = [{ target: 80, published: '80', host_ip: '127.0.0.1' }]
    for (const network_mode of ['host', 'none']) {
      const { stack, findings } = translated({ web: { image: 'a:1', network_mode, ports } })
      expect(stack.services['web']?.['ports']).toBeUndefined()
      expect(findings.filter(({ level }) => level === 'error')).toEqual([])
    }
  })

  it('each service without a network has one of its own, without a way out', () => {
    const { stack } = translated({
      a: { image: 'a:1', network_mode: 'none' },
      b: { image: 'a:1', network_mode: 'none' }
    })
    expect(stack.networks).toEqual({ 'none-a': { internal: true }, 'none-b': { internal: true } })
  })

  it('links become aliases of their target', () => {
    const services = {
      web: { image: 'a:1', links: ['db:database', 'db'] },
      db: { image: 'b:1', networks: { net: null } }
    }
    const { stack } = translated(services, { model: { networks: { net: {} } } })
    expect(stack.services['db']?.['networks']).toEqual({ net: { aliases: ['database'] } })
  })
})

describe('volumes', () => {
  it('keeps fixed names, drops derived ones and what nobody mounts', () => {
    const mount = (source: string) => ({ type: 'volume', source, target: `/${source}` })
    const volumes = {
      a: { name: 'shop_a' },
      b: { name: 'mine', driver: 'nfs', driver_opts: { x: 'y' } },
      c: { name: 'c', external: true },
      d: {}
    }
    const { stack, externals } = translated(
      { web: { image: 'a:1', volumes: [mount('a'), mount('b'), mount('c')] } },
      { model: { volumes } }
    )
    expect(stack.volumes).toEqual({
      a: {},
      b: { name: 'mine', driver: 'nfs', driver_opts: { x: 'y' } },
      c: { external: true, name: 'c' }
    })
    expect(externals.volumes).toEqual(['c'])
  })
})
