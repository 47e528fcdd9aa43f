import { createHmac } from 'node:crypto'
import { sha256 } from '../hash.js'

/** Longest name of a secret or config that the engine takes (swarmkit, manager/controlapi/common.go). */
const longest = 64
const hashLength = 12

/** Bytes that the swarm takes at least and at most (swarmkit, manager/controlapi/secret.go and config.go). */
export const sizes = {
  secret: { least: 1, most: 500 * 1024 - 1 },
  config: { least: 1, most: 1000 * 1024 - 1 }
} as const

/**
 * The name that a value has in the swarm: `shop_database-url-3f9a0c6d2b18`. Objects cannot be changed, so another value
 * is another object. The hash is keyed: whoever may list names could otherwise try out weak values against a plain hash.
 * The readable part is cut where the whole would be longer than 64 characters; the hash is over the uncut name.
 */
export function versionedName(
  key: Uint8Array,
  object: { readonly kind: 'secret' | 'config'; readonly readable: string; readonly data: Uint8Array }
): string {
  const hash = createHmac('sha256', key)
    .update(`${object.kind}\0${object.readable}\0`)
    .update(object.data)
    .digest('hex')
    .slice(0, hashLength)
  return `${cut(object.readable, longest - hashLength - 1)}-${hash}`
}

/** `<stack>_<key>`, or the fixed `name:` of the compose file, with what a name cannot hold made a hyphen. */
export function readablePart(stack: string, key: string, fixed: string | undefined): string {
  const name = (fixed ?? `${stack}_${key}`).replace(/[^a-zA-Z0-9_.-]+/g, '-').replace(/^[^a-zA-Z0-9]+/, '')
  return name === '' ? stack : name
}

/** The name of the config that holds the stack's key. */
export function keyName(stack: string): string {
  const suffix = '_swarm-rollout.key'
  if (stack.length + suffix.length <= longest) return `${stack}${suffix}`
  const hash = sha256(stack, 8)
  return `${cut(stack, longest - suffix.length - 9)}-${hash}${suffix}`
}

/** A name's end must be a letter or a digit too, where nothing follows; before a hyphen anything goes. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[^a-zA-Z0-9]+$/, '')
}

/** Whether the swarm takes a name as it is: 1 to 64 of letters, digits, `-`, `_`, `.`, alphanumeric at both ends. */
export function isObjectName(name: string): boolean {
  return name.length <= longest && /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/.test(name)
}
