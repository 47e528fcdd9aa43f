import { describe, expect, it } from '@jest/globals'
import type { Node } from '../../../src/engine-types.js'
import { platformNotes } from '../../../src/images/platforms.js'
import type { Build } from '../../../src/model.js'

const node = (Architecture: string): Node =>
  ({ Spec: { Availability: 'active' }, Description: { Platform: { Architecture, OS: 'linux' } } }) as unknown as Node
const build = (service: string, more: Partial<Build> = {}): Build => ({ service, build: {}, ...more })
const listed = (...platforms: string[]): Partial<Build> => ({ build: { platforms } })
const [amd, arm, both] = [['linux/amd64'], ['linux/arm64'], ['linux/amd64', 'linux/arm64']]
const mixed = ['x86_64', 'aarch64']

describe('platformNotes', () => {
  it.each<[string, string[], string[], Build[], [string, string | undefined][]]>([
    ['what the nodes are', ['x86_64'], amd, [build('web')], []],
    ['nothing', ['x86_64'], arm, [], []],
    ['no nodes that say', [], arm, [build('web')], []],
    ["the builder's own", ['x86_64'], [], [build('web')], []],
    ['one too many, said once', ['x86_64'], both, [build('a'), build('b')], [['platform-without-node', undefined]]],
    ['half of mixed nodes', mixed, amd, [build('web')], [['node-without-platform', undefined]]],
    [
      "a service's own",
      ['x86_64'],
      amd,
      [build('web', { platform: 'linux/arm64/v8' })],
      [['platform-without-node', 'web']]
    ],
    ["a service's own on mixed nodes", mixed, both, [build('web', { platform: 'linux/arm64' })], []],
    [
      "a service's list",
      mixed,
      both,
      [build('web', listed('linux/amd64', 'linux/386'))],
      [
        ['platform-without-node', 'web'],
        ['node-without-platform', 'web']
      ]
    ],
    ['what no service takes', ['x86_64'], arm, [build('web', { platform: 'linux/amd64' })], []]
  ])('building for %s', (_, nodes, platforms, builds, notes) => {
    const found = platformNotes(nodes.map(node), platforms, builds)
    expect(found.map(({ rule, service }) => [rule, service])).toEqual(notes)
  })

  it('says which and where', () => {
    expect(platformNotes([node('x86_64')], [], [build('web', { platform: 'linux/arm64' })])).toEqual([
      {
        rule: 'platform-without-node',
        service: 'web',
        at: ['services', 'web', 'platform'],
        message: 'The image of web is built for linux/arm64, but no node of the swarm is linux/arm64: linux/amd64.'
      }
    ])
    const [note] = platformNotes(mixed.map(node), arm, [build('web')])
    expect(note?.message).toBe(
      'A node of the swarm is linux/amd64, but images are not built for it: tasks cannot run there.'
    )
  })
})
