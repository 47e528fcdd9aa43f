import { parseReference, type Reference } from '../images/reference.js'

/**
 * `registry.example.com/team/shop:1.2@sha256:9f86d0…` as `team/shop:1.2@9f86d081`: without the registry, the digest cut
 * to eight characters; an official image as people write it, `postgres:17`.
 */
export function shortImage(image: string): string {
  const reference = parseReference(image)
  return reference === undefined
    ? image
    : `${reference.path.replace(/^library\/(?=[^/]+$)/, '')}${versionOf(reference)}`
}

/** What to show of the new image beside the old one: only tag and digest where the repository is the same. */
export function shortChange(before: string, after: string): string {
  const [old, now] = [before, after].map(parseReference)
  if (now === undefined || old?.repository !== now.repository) return shortImage(after)
  if (old.tag === now.tag) return now.digest === undefined ? versionOf(now) : shortDigest(now.digest)
  return versionOf({ ...now, tag: now.tag ?? 'latest' })
}

function versionOf({ tag, digest }: Pick<Reference, 'tag' | 'digest'>): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : shortDigest(digest)}`
}

function shortDigest(digest: string): string {
  return `@${digest.replace(/^sha256:/, '').slice(0, 8)}`
}
