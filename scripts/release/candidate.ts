/** Whether a commit is the release that somebody asks for: pure. */
import { sections } from './changelog.ts'

/** What is known of the commit that is to be released. */
export interface Candidate {
  /** As asked for, such as `1.4.0`. */
  readonly version: string
  readonly packageVersion: string
  readonly lockVersion: string
  readonly changelog: string
  /** All tags of the repository. */
  readonly tags: readonly string[]
}

export interface Release {
  readonly tag: string
  /** The moving tag: `v1`. */
  readonly major: string
  /** Markdown. */
  readonly notes: string
}

/** Major, minor, patch; nothing where it is not `X.Y.Z`. Pre-releases have no place here: `v1` must never lead to one. */
export function numbers(version: string): readonly [number, number, number] | undefined {
  const [, major, minor, patch] = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(version) ?? []
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)]
}

function isNewer(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((number, index) => number !== other[index])
  return at >= 0 && (one[at] ?? 0) > (other[at] ?? 0)
}

/** The release, or all that speaks against it. */
export function judge(candidate: Candidate): Release | { readonly problems: readonly string[] } {
  const { version, packageVersion, lockVersion, changelog, tags } = candidate
  const wanted = numbers(version)
  if (wanted === undefined) return { problems: [`"${version}" is no version: write it as 1.4.0`] }
  const tag = `v${version}`
  const major = `v${wanted[0]}`
  const [unreleased, newest] = sections(changelog)
  const released = tags.flatMap(name => (name.startsWith('v') ? [numbers(name.slice(1)) ?? []] : []))
  const newer = released.filter(other => other[0] === wanted[0] && isNewer(other, wanted))
  const problems = [
    ...(packageVersion === version ? [] : [`package.json has version ${packageVersion}`]),
    ...(lockVersion === version ? [] : [`package-lock.json has version ${lockVersion}`]),
    ...(unreleased?.title === 'Unreleased' && unreleased.notes === ''
      ? []
      : ['CHANGELOG.md: the first section must be an empty "## Unreleased"']),
    ...(newest?.title === version && newest.notes !== ''
      ? []
      : [`CHANGELOG.md: the newest section is ${newest?.title ?? 'missing'}, or it is empty`]),
    ...(tags.includes(tag) ? [`${tag} exists: a version is released once`] : []),
    ...(newer.length > 0 ? [`${major} would go back: v${newer.map(each => each.join('.')).join(', v')} exists`] : [])
  ]
  return problems.length > 0 ? { problems } : { tag, major, notes: newest?.notes ?? '' }
}
