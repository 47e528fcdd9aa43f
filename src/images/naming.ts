import { textsOf } from '../json.js'
import type { Build } from '../model.js'
import { parseReference, type Reference } from './reference.js'
import { defaultTags, type TagSource } from './tags.js'

/** How built images are named. */
export interface Naming {
  readonly stack: string
  /** Where names without a registry of their own go: `ghcr.io/owner`. */
  readonly registry?: string
  /** `direct`: every image gets the name of its server's own loopback, whatever the compose file calls it. */
  readonly transfer: 'registry' | 'direct'
  /** What the user wrote; empty for the default. */
  readonly tags: readonly string[]
  readonly source: TagSource
}

/** What the image of one build is called. */
export interface ImageNames {
  /** What its service deploys, still without the digest. */
  readonly deployed: Reference
  /** Everything that is pushed, as `repository:tag`. */
  readonly pushed: readonly string[]
}

/** The names of a build's image; or why there are none: what the compose file says is no image's name, or nowhere to push to. */
export function namesOf(build: Build, naming: Naming): ImageNames | 'no-registry' | 'invalid' {
  const reference = nameOf(build, naming)
  if (typeof reference === 'string') return reference
  const tags = tagsOf(reference, naming)
  const more = naming.transfer === 'registry' && mayMoveTags(naming) ? textsOf(build.build['tags']) : []
  return {
    deployed: { ...reference, tag: tags[0] ?? 'latest' },
    pushed: [...tags.map(tag => `${reference.repository}:${tag}`), ...more]
  }
}

/** The run's tags, and the one that the compose file gives the image. */
function tagsOf(reference: Reference, naming: Naming): readonly string[] {
  const tags = naming.tags.length > 0 ? naming.tags : defaultTags(naming.source)
  const own = mayMoveTags(naming) && reference.tag !== undefined ? [reference.tag] : []
  return [...new Set([...tags, ...own])]
}

/** A tag of the compose file is somebody's to move only on a branch and only when the user did not say which tags: a pull request never moves it. */
function mayMoveTags({ source, tags }: Naming): boolean {
  return source.pullRequest === undefined && tags.length === 0
}

function nameOf(build: Build, naming: Naming): Reference | 'no-registry' | 'invalid' {
  const written = build.image === undefined ? undefined : parseReference(build.image.replace(/@.*$/, ''))
  if (build.image !== undefined && written === undefined) return 'invalid'
  if (naming.transfer === 'direct') {
    const name = written === undefined ? ownName(build.service, naming) : written.path.replace(/^library\//, '')
    return reparse(`${naming.registry ?? ''}/${name}`, written?.tag)
  }
  // A name alone, `web`, would be an official image of Docker Hub, which nobody can push: it is the registry's.
  const bare = written !== undefined && /^[^/]+$/.test(written.repository)
  if (written !== undefined && !bare) return written
  if (naming.registry === undefined) return 'no-registry'
  return reparse(
    `${naming.registry}/${written === undefined ? ownName(build.service, naming) : written.repository}`,
    written?.tag
  )
}

function reparse(name: string, tag: string | undefined): Reference | 'invalid' {
  const reference = parseReference(name.toLowerCase())
  if (reference === undefined) return 'invalid'
  return tag === undefined ? reference : { ...reference, tag }
}

/** `shop-web`: with what a repository's name cannot hold made a hyphen. */
function ownName(service: string, naming: Naming): string {
  const part = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
  return `${part(naming.stack)}-${part(service)}`
}
