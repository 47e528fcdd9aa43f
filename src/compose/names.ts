import { createHash } from 'node:crypto'

/** Longest name of a swarm service: a DNS label (swarmkit manager/controlapi/common.go). */
const longestServiceName = 63

/** First characters of a SHA-256, in hex. */
export function shortHash(text: string | Uint8Array, length = 8): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

/**
 * The key of each service in the stack. A key that cannot be the name `<stack>_<key>` of a swarm service loses its
 * dots and its length; the same key always becomes the same name.
 */
export function serviceKeys(services: readonly string[], stack: string): Readonly<Record<string, string>> {
  const room = longestServiceName - stack.length - 1
  const taken = new Set<string>()
  const keys: Record<string, string> = {}
  const fits = (key: string): boolean => nameLike.test(key) && key.length <= room
  for (const service of services) if (fits(service)) taken.add((keys[service] = service))
  for (const service of services) {
    if (keys[service] !== undefined) continue
    const plain = service.replace(/[^a-zA-Z0-9_-]+/g, '-').replace(/^[-_]+|[-_]+$/g, '')
    const short = plain.length <= room && plain.length > 0 && !taken.has(plain)
    taken.add((keys[service] = short ? plain : hashedKey(service, plain, room)))
  }
  return keys
}

/** What the engine takes as a service's name (swarmkit manager/controlapi/service.go, `isValidDNSName`). */
const nameLike = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$/

function hashedKey(service: string, plain: string, room: number): string {
  const head = plain.slice(0, Math.max(0, room - 9)).replace(/[-_]+$/, '')
  return head ? `${head}-${shortHash(service)}` : `s${shortHash(service, 7)}`
}

/**
 * What compose is told as its project name: the stack's name in the letters that compose allows. Names that compose
 * derives from it are recognised by it and taken out again.
 */
export function projectName(stack: string): string {
  const name = stack.toLowerCase().replace(/[^a-z0-9_-]/g, '-')
  return /^[a-z0-9]/.test(name) ? name : `s${name}`
}

/** A `name:` that the user fixed; undefined where compose derived it as `<project>_<key>`. */
export function fixedName(name: string | undefined, key: string, project: string): string | undefined {
  return name === undefined || name === '' || name === `${project}_${key}` ? undefined : name
}
