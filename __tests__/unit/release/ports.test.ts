import { describe, expect, it } from '@jest/globals'
import type { Service } from '../../../src/engine-types.js'
import type { Stack } from '../../../src/model.js'
import { inOrderOfPorts, portsInTheWay, withoutPorts } from '../../../src/release/ports.js'
import { live } from './swarm.js'

const mesh = (published: number, protocol = 'tcp') => ({ target: 80, published, protocol, mode: 'ingress' })
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

  it('together where a port of the same number is another: of the node, or of the other protocol', () => {
    const stack = file({ front: [mesh(80)], web: [] })
    expect(batches(stack, running('web', [80, 'tcp', 'host']))).toEqual([['front', 'web']])
    expect(batches(stack, running('web', [80, 'udp']))).toEqual([['front', 'web']])
  })
})

it('what is to go gives away the ports that others get, and keeps the others', () => {
  const old = running('old', [80], [81], [53, 'udp'])
  const given = portsInTheWay(file({ web: [mesh(80), mesh(53, 'udp')] }), ['web'], old)
  expect(given).toEqual(['80/tcp', '53/udp'])
  expect(withoutPorts(old, given).EndpointSpec).toEqual({
    Mode: 'vip',
    Ports: [expect.objectContaining({ PublishedPort: 81 })]
  })
})
