import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import type { Stack } from '../../../src/model.js'
import { inOrderOfPorts, portsInTheWay, withoutPorts } from '../../../src/release/ports.js'
import { live } from './swarm.js'

const mesh = (published: number, protocol = 'tcp') => ({ ...{ target: 80, published, protocol }, mode: 'ingress' })
const file = (services: Readonly<Record<string, readonly ReturnType<typeof mesh>[]>>): Stack => ({
  services: Object.fromEntries(Object.entries(services).map(([key, ports]) => [key, { image: 'app:1', ports }]))
})
const running = (key: string, ...ports: readonly (readonly [number, string?, string?])[]): Service => {
  const service = live('shop', key)
  const Ports = ports.map(([PublishedPort, Protocol = 'tcp', PublishMode = 'ingress']) => ({
    ...{ PublishedPort, Protocol, PublishMode, TargetPort: 80 }
  }))
  return { ...service, Spec: { ...service.Spec, EndpointSpec: { Mode: 'vip', Ports } } }
}
const batches = (stack: Stack, ...services: readonly Service[]) =>
  inOrderOfPorts(stack, Object.keys(stack.services), { name: 'shop', live: services })

describe('services are updated', () => {
  it('together where no port moves', () => {
    expect(batches(file({ front: [mesh(80)], web: [mesh(81)] }), running('web', [81]))).toEqual([['front', 'web']])
  })

  it('after the one whose port they get', () => {
    const stack = file({ front: [mesh(80)], web: [], api: [] })
    expect(batches(stack, running('web', [80]), running('api'))).toEqual([['web'], ['front', 'api']])
  })

  it('together where a port of the same number is another: of the other protocol, or of the node, twice', () => {
    const stack = file({ front: [mesh(80)], web: [] })
    expect(batches(stack, running('web', [80, 'udp']))).toEqual([['front', 'web']])
    const onNode = file({ front: [{ ...mesh(80), mode: 'host' }], web: [] })
    expect(batches(onNode, running('web', [80, 'tcp', 'host']))).toEqual([['front', 'web']])
  })

  it('after the one whose port they get for themselves on the node', () => {
    const onNode = file({ front: [{ ...mesh(80), mode: 'host' }], web: [] })
    expect(batches(onNode, running('web', [80]))).toEqual([['web'], ['front']])
  })

  it('after those that only give, where one takes and gives', () => {
    const stack = file({ a: [], b: [mesh(80)], c: [mesh(81)] })
    expect(batches(stack, running('a', [80]), running('b', [81]))).toEqual([['a'], ['b', 'c']])
  })
})

describe('in the way of new ports', () => {
  const stack = file({ web: [mesh(80), mesh(53, 'udp')] })
  const way = (holder: Service, leaving: boolean) => portsInTheWay(stack, ['web'], holder, { name: 'shop', leaving })

  it('is what goes, with those ports, and keeps its others', () => {
    const old = running('old', [80, 'tcp', 'host'], [81], [53, 'udp'])
    expect(way(old, true)).toEqual(['80/tcp', '53/udp'])
    expect(withoutPorts(old, way(old, true)).EndpointSpec).toEqual({
      Mode: 'vip',
      Ports: [expect.objectContaining({ PublishedPort: 81 })]
    })
  })

  it('is what stays, with the ports that it gives up, and not with those that it keeps', () => {
    expect(way(running('web', [80]), false)).toEqual([])
    const both = file({ web: [mesh(80)], api: [mesh(81)] })
    expect(portsInTheWay(both, ['web'], running('api', [80], [81]), { name: 'shop', leaving: false })).toEqual([
      '80/tcp'
    ])
  })
})
