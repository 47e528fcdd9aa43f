import type { Node } from '../engine-types.js'
import { textsOf } from '../json.js'
import type { Note } from '../compose/translated.js'
import type { Build } from '../model.js'
import { platformName } from '../platform.js'

function normalize(platform: string): string {
  const [os = 'linux', ...architecture] = platform.split('/')
  return platformName(architecture.join('/'), os)
}

/** The platforms of the nodes that can run tasks, sorted. A node that is down counts: it may come back. */
export function nodePlatforms(nodes: readonly Node[]): readonly string[] {
  const platforms = nodes
    .filter(node => node.Spec.Availability !== 'drain')
    .map(node => node.Description?.Platform)
    .filter(platform => platform?.Architecture !== undefined && platform.Architecture !== '')
    .map(platform => platformName(platform?.Architecture ?? '', platform?.OS))
  return [...new Set(platforms)].sort()
}

/** What to build for: what the user wrote, or with `auto` every platform that the swarm's nodes have. */
export function platformsFor(nodes: readonly Node[], wanted: readonly string[] | 'auto'): readonly string[] {
  return wanted === 'auto' ? nodePlatforms(nodes) : [...new Set(wanted.map(normalize))]
}

/** Whether one of the builder's platforms runs or emulates this one: `linux/amd64/v2` is there when `linux/amd64` is. */
export function canBuild(builder: readonly string[], platform: string): boolean {
  // A builder that names none is one that has not started yet.
  return builder.length === 0 || builder.map(normalize).includes(normalize(platform))
}

/** What is odd about building for `platforms`, or what a service says itself, when the nodes are these. */
export function platformNotes(
  nodes: readonly Node[],
  platforms: readonly string[],
  builds: readonly Build[]
): readonly Note[] {
  const there = nodePlatforms(nodes)
  if (there.length === 0) return []
  const own = builds.flatMap(build => ownPlatforms(build))
  const common: readonly Wanted[] = builds.length > own.length ? [{ platforms, at: [], mixed: true }] : []
  return [...common, ...own].flatMap(each => {
    const { service, at, mixed } = each
    const wanted = each.platforms.map(normalize)
    const where = { at, ...(service !== undefined && { service }) }
    const whose = service === undefined ? 'Images are' : `The image of ${service} is`
    const idle = wanted.filter(platform => !there.includes(platform))
    const lacking = mixed && wanted.length > 0 ? there.filter(platform => !wanted.includes(platform)) : []
    return [
      ...idle.map(platform => ({
        rule: 'platform-without-node' as const,
        message: `${whose} built for ${platform}, but no node of the swarm is ${platform}: ${there.join(', ')}.`,
        ...where
      })),
      ...lacking.map(platform => ({
        rule: 'node-without-platform' as const,
        message: `A node of the swarm is ${platform}, but ${whose.replace(/^\w/, letter => letter.toLowerCase())} not built for it: tasks cannot run there.`,
        ...where
      }))
    ]
  })
}

interface Wanted {
  readonly platforms: readonly string[]
  readonly service?: string
  readonly at: Note['at']
  /** Its tasks may be on any node: `platform` of a service keeps them to its own. */
  readonly mixed: boolean
}

/** What a service says of its own platforms, which goes before those of the run; nothing where it says nothing. */
function ownPlatforms({ service, platform, build }: Build): readonly Wanted[] {
  if (platform !== undefined)
    return [{ platforms: [platform], service, at: ['services', service, 'platform'], mixed: false }]
  const listed = textsOf(build['platforms'])
  return listed.length === 0
    ? []
    : [{ platforms: listed, service, at: ['services', service, 'build', 'platforms'], mixed: true }]
}
