import { describe, expect, it } from '@jest/globals'
import type { Info, Node } from '../../../src/engine-types.js'
import { checkClock, checkEngine, checkQuorum, checkSwarm, platformOf } from '../../../src/server/checks.js'
import { checkLines } from '../../../src/report/checks.js'

const manager = (name: string, reachability: string): Node => ({
  ID: name,
  Version: { Index: 1 },
  Spec: { Role: 'manager', Availability: 'active' },
  Description: { Hostname: name },
  Status: { State: 'ready' },
  ManagerStatus: { Reachability: reachability }
})

describe('the server', () => {
  it.each([
    ['1.41', '20.10.24', 'ok'],
    ['1.51', '28.5.2', 'ok'],
    ['1.40', '19.03.15', 'problem'],
    ['2.0', '40.0.0', 'ok']
  ])('an engine of API %s (%s) is %s', (api, engine, state) => {
    expect(checkEngine({ api, engine }).state).toBe(state)
  })

  it.each([
    [{ LocalNodeState: 'active', ControlAvailable: true }, 'ok', /manager/],
    [{ LocalNodeState: 'inactive' }, 'problem', /docker swarm init/],
    [undefined, 'problem', /docker swarm init/],
    [{ LocalNodeState: 'locked' }, 'problem', /docker swarm unlock/],
    [{ LocalNodeState: 'error', Error: 'no certificate' }, 'problem', /no certificate/],
    [
      { LocalNodeState: 'active', RemoteManagers: [{ NodeID: 'a', Addr: '192.0.2.1:2377' }] },
      'problem',
      /\(192\.0\.2\.1\)/
    ]
  ] as const)('a swarm %j is %s', (swarm, state, words) => {
    const info = { Name: 'n1', ...(swarm === undefined ? {} : { Swarm: swarm }) } as Info
    const check = checkSwarm(info, 'deploy@192.0.2.7')
    expect(check.state).toBe(state)
    expect(`${check.detail} ${check.remedy ?? ''}`).toMatch(words)
  })

  it('counts the managers that must stay', () => {
    const three = [manager('a', 'reachable'), manager('b', 'reachable'), manager('c', 'unreachable')]
    expect(checkQuorum(three)).toMatchObject({
      state: 'warning',
      detail: expect.stringMatching(/2 of 3 .*c is away.*One more lost/)
    })
    expect(checkQuorum(three.slice(0, 2)).state).toBe('ok')
    const five = [...three, manager('d', 'reachable'), manager('e', 'reachable')]
    expect(checkQuorum(five).detail).not.toMatch(/One more/)
  })

  it.each([
    [0, 'ok', /in step/],
    [-20_000, 'ok', /20 s off/],
    [90_000, 'warning', /90 s ahead/],
    [-3_600_000, 'warning', /3600 s behind/]
  ])('a clock %d ms off is %s', (skew, state, words) => {
    expect(checkClock(skew)).toMatchObject({ state, detail: expect.stringMatching(words) })
  })

  it.each([
    ['x86_64', 'linux/amd64'],
    ['aarch64', 'linux/arm64'],
    ['armv7l', 'linux/arm/v7'],
    ['riscv64', 'linux/riscv64']
  ])('%s is %s', (machine, platform) => {
    const node = { ...manager('a', 'reachable'), Description: { Platform: { OS: 'linux', Architecture: machine } } }
    expect(platformOf(node)).toBe(platform)
  })

  it('reads as a table, with remedies below', () => {
    const lines = checkLines([
      { name: 'engine', state: 'ok', detail: 'Docker Engine 28.5.2' },
      {
        name: 'networks',
        state: 'problem',
        detail: 'The external network proxy does not exist.',
        remedy: 'Make it:\nlike this'
      }
    ])
    expect(lines).toEqual([
      'ok       engine    Docker Engine 28.5.2',
      'problem  networks  The external network proxy does not exist.',
      '                   Make it:',
      '                   like this'
    ])
  })
})
