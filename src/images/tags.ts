import type { Problem } from '../errors.js'
import { isTag } from './reference.js'

/** What the default tags are made of. `pullRequest` is its number, when the run is for one. */
export interface TagSource {
  /** Empty where there is no commit. */
  readonly commit: string
  readonly ref: string
  readonly refName: string
  readonly pullRequest?: number
}

/**
 * Any text as a tag: what a tag cannot hold becomes a hyphen, and a long one is cut to 100 characters. Two branches may
 * become one tag (`a/b` and `a-b`): such tags are for people to read, what is deployed is the digest.
 */
export function asTag(text: string): string {
  const tag = text
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100)
    .replace(/[.-]+$/, '')
  return tag === '' ? 'unnamed' : tag
}

/**
 * The tags of a run that names none. The first is the one that is deployed: the commit's. A branch or a git tag gives
 * the second; a pull request gives `pr-7` instead, so that it never moves the tag of a branch.
 */
export function defaultTags(source: TagSource): readonly string[] {
  const commit = source.commit === '' ? [] : [`sha-${source.commit.slice(0, 12)}`]
  const name = source.pullRequest === undefined ? refTag(source) : [`pr-${source.pullRequest}`]
  const tags = [...commit, ...name]
  return tags.length === 0 ? ['latest'] : tags
}

function refTag(source: TagSource): readonly string[] {
  if (source.refName === '' || source.ref.startsWith('refs/pull/')) return []
  const tag = asTag(source.refName)
  return [isReserved(tag) ? `ref-${tag}` : tag]
}

/** Tags that mean something to a later run: what an image was made of, and the cache of builds. */
export function isReserved(tag: string): boolean {
  return /^(?:content-[0-9a-f]{24}|buildcache)$/.test(tag)
}

/** What is wrong with the tags that the user wrote. */
export function tagProblems(tags: readonly string[]): readonly Problem[] {
  return tags
    .filter(tag => !isTag(tag))
    .map(tag => ({
      message: `\`tags\` has a line that is not an image tag: ${JSON.stringify(tag.slice(0, 140))}.`,
      remedy: tag.includes('/')
        ? 'Write the tag alone: the names come from `registry` and from `image:` in the compose file.'
        : 'A tag has 1 to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two.'
    }))
}
