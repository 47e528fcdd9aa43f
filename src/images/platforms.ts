import type { Node } from '../engine-types.js'
import type { Finding } from '../model.js'

/** The kernel's names of architectures as images name them (containerd platforms, database.go). */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armhf: 'arm/v7',
  armv6l: 'arm/v6',
  armel: 'arm/v6',
  i386: '386',
  i686: '386'
}

/** `linux/arm64` for what a node or a user says: `aarch64`, `linux/aarch64`, `linux/arm64/v8`. */
export function platformOf(architecture: string, os = 'linux'): string {
  const name = architecture.toLowerCase()
  return `${os.toLowerCase()}/${architectures[name] ?? name}`.replace(/^(linux\/arm64)\/v8$/, '$1')
}

function normalize(platform: string): string {
  const [os = 'linux', ...architecture] = platform.split('/')
  return platformOf(architecture.join('/'), os)
}

/** The platforms of the nodes that can run tasks, sorted. A node that is down counts: it may come back. */
export function nodePlatforms(nodes: readonly Node[]): readonly string[] {
  const platforms = nodes
    .filter(node => node.Spec.Availability !== 'drain')
    .map(node => node.Description?.Platform)
    .filter(platform => platform?.Architecture !== undefined && platform.Architecture !== '')
    .map(platform => platformOf(platform?.Architecture ?? '', platform?.OS))
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

/** What is odd about building for these platforms when the nodes are those. */
export function platformFindings(nodes: readonly Node[], platforms: readonly string[]): readonly Finding[] {
  const there = nodePlatforms(nodes)
  if (there.length === 0) return []
  const idle = platforms.filter(platform => !there.includes(normalize(platform)))
  const lacking = there.filter(platform => !platforms.map(normalize).includes(platform))
  return [
    ...idle.map(platform => ({
      level: 'warning' as const,
      rule: 'platform-without-node',
      message: `Images are built for ${platform}, but no node of the swarm is ${platform}: ${there.join(', ')}.`,
      remedy: 'Remove it from `platforms`, or leave `platforms` on `auto`.'
    })),
    ...(platforms.length === 0 ? [] : lacking).map(platform => ({
      level: 'warning' as const,
      rule: 'node-without-platform',
      message: `A node of the swarm is ${platform}, but images are not built for it: tasks cannot run there.`,
      remedy: `Add ${platform} to \`platforms\`, or leave \`platforms\` on \`auto\`.`
    }))
  ]
}
