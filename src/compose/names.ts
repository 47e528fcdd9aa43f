import { sha256 } from '../hash.js'
import { bareRecord } from '../json.js'

/** Longest name of a service or network of a swarm: a DNS label (swarmkit manager/controlapi/common.go). */
const longestName = 63

/**
 * The key of each service, or of each network, in the stack. A key that cannot be the name `<stack>_<key>` in the swarm
 * loses its dots and its length, and one that differs from another by upper case only gets a hash: names in a swarm are
 * the same then. The same key always becomes the same name.
 */
export function stackKeys(wanted: readonly string[], stack: string): Readonly<Record<string, string>> {
  const room = longestName - stack.length - 1
  const taken = new Set<string>()
  const keys = bareRecord<string>()
  const take = (name: string, key: string): void => {
    keys[name] = key
    taken.add(key.toLowerCase())
  }
  // Services are kept in records by this key: one such as `constructor` would find what every object has.
  const fits = (key: string): boolean =>
    key !== '' &&
    nameLike.test(`${stack}_${key}`) &&
    key.length <= room &&
    !taken.has(key.toLowerCase()) &&
    !(key in Object.prototype)
  for (const name of wanted) if (fits(name)) take(name, name)
  for (const name of wanted) {
    if (keys[name] !== undefined) continue
    const plain = name.replace(/[^a-zA-Z0-9_-]+/g, '-').replace(/^[-_]+|[-_]+$/g, '')
    take(name, fits(plain) ? plain : hashedKey(name, plain, room))
  }
  return keys
}

/** Whether a swarm takes a name of a service or network as it is. */
export function isSwarmName(name: string): boolean {
  return nameLike.test(name) && name.length <= longestName
}

/** What the engine takes as a name (swarmkit manager/controlapi/common.go, `isValidDNSName`). */
const nameLike = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$/

function hashedKey(service: string, plain: string, room: number): string {
  const head = plain.slice(0, Math.max(0, room - 9)).replace(/[-_]+$/, '')
  return head ? `${head}-${sha256(service, 8)}` : `s${sha256(service, 7)}`
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
