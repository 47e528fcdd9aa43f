/** What a release needs of CHANGELOG.md: pure text in, text out. */

/** A section of the changelog: `## 1.4.0 - 2026-11-22`, or `## Unreleased` without a date. */
export interface Section {
  readonly title: string
  /** Year, month, day, or nothing where the heading has none. */
  readonly date: string | undefined
  readonly notes: string
}

const heading = /^## (\S+)(?: - (\d{4}-\d{2}-\d{2}))?$/

/** The sections of a changelog, in its order. A heading that is neither a version with a date nor `Unreleased` throws. */
export function sections(changelog: string): readonly Section[] {
  const parts = changelog.split(/^(?=## )/m).filter(part => part.startsWith('## '))
  return parts.map(part => {
    const [first = '', ...rest] = part.split('\n')
    const [, title, date] = heading.exec(first) ?? []
    if (title === undefined || (date === undefined) !== (title === 'Unreleased')) {
      throw new Error(`CHANGELOG.md: "${first}" is neither "## Unreleased" nor "## X.Y.Z - YYYY-MM-DD"`)
    }
    return { title, date, notes: rest.join('\n').trim() }
  })
}

/**
 * The changelog with what is unreleased as the section of a version, and a new, empty `Unreleased` above it.
 * Throws where nothing is unreleased: a release that changes nothing is none.
 */
export function withRelease(changelog: string, version: string, date: string): string {
  const [newest] = sections(changelog)
  if (newest?.title !== 'Unreleased' || newest.notes === '') {
    throw new Error('CHANGELOG.md: there is nothing under "## Unreleased"')
  }
  return changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} - ${date}\n`)
}
