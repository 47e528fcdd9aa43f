/**
 * The stack name of a repository (`owner/name`): its own name as Docker takes one, at most 40 characters of lower-case
 * letters, digits and hyphens. `app` where the repository is not known.
 */
export function stackNameOf(repository: string): string {
  const name = repository
    .slice(repository.indexOf('/') + 1)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '')
  return name === '' ? 'app' : name
}
