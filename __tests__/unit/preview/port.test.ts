import { describe, expect, it } from '@jest/globals'
import type { PublishedPort, Service, Task } from '../../../src/engine-types.js'
import { previewPort } from '../../../src/preview/port.js'

const service = (...Ports: PublishedPort[]) => ({ Endpoint: { Ports } }) as unknown as Service
const task = (State: string, ...Ports: PublishedPort[]) =>
  ({ DesiredState: State, Status: { State, PortStatus: { Ports } } }) as unknown as Task
const port = (TargetPort: number, PublishedPort: number, Protocol = 'tcp') => ({ TargetPort, PublishedPort, Protocol })

describe('previewPort', () => {
  it.each<[string, readonly Service[], readonly Task[], number | null]>([
    ['nothing published', [service()], [task('running')], null],
    ['the mesh', [service(port(3000, 30_001))], [], 30_001],
    ['a port of the node', [service()], [task('running', port(8080, 32_768))], 32_768],
    ['several: the one that leads to 80', [service(port(22, 30_001), port(80, 30_002))], [], 30_002],
    ['several, none of them 80: the lowest', [service(port(9000, 30_001), port(3000, 30_002))], [], 30_002],
    ['UDP does not count', [service(port(80, 30_001, 'udp'))], [], null],
    ['a task that is gone does not count', [], [task('shutdown', port(80, 30_001))], null],
    ['a port that is not chosen yet', [service({ TargetPort: 80 })], [], null]
  ])('of %s', (_, services, tasks, wanted) => {
    expect(previewPort(services, tasks)).toBe(wanted)
  })
})
