/** A pinned reference in the parts that people tell images apart by. */
interface ImageParts {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

/**
 * `registry.example.com/team/shop:1.2@sha256:9f86d0…` as `team/shop:1.2@9f86d081`: without the registry, the digest cut
 * to eight characters; an official image as people write it, `postgres:17`.
 */
export function shortImage(reference: string): string {
  const { repository, tag, digest } = parts(reference)
  return `${withoutRegistry(repository)}${tag && `:${tag}`}${digest && `@${digest.slice(0, 8)}`}`
}

/** What to show of the new image beside the old one: only tag and digest where the repository is the same. */
export function shortChange(before: string, after: string): string {
  const old = parts(before)
  const now = parts(after)
  if (old.repository !== now.repository) return shortImage(after)
  const digest = now.digest && `@${now.digest.slice(0, 8)}`
  return old.tag === now.tag ? digest || (now.tag && `:${now.tag}`) : `:${now.tag || 'latest'}${digest}`
}

function parts(reference: string): ImageParts {
  const [name = '', digest = ''] = reference.split('@sha256:')
  const colon = name.lastIndexOf(':')
  const tagged = colon > name.lastIndexOf('/')
  return { repository: tagged ? name.slice(0, colon) : name, tag: tagged ? name.slice(colon + 1) : '', digest }
}

/** The first part is a registry when it has a dot or a port, or is `localhost`: the rule of docker's own reference. */
function withoutRegistry(repository: string): string {
  const slash = repository.indexOf('/')
  const first = repository.slice(0, Math.max(0, slash))
  const name = /[.:]/.test(first) || first === 'localhost' ? repository.slice(slash + 1) : repository
  return name.replace(/^library\/(?=[^/]+$)/, '')
}
