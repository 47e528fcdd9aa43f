/**
 * An image's name in its parts, as Docker reads it (distribution/reference, normalize.go): `web` is
 * `docker.io/library/web`. `repository` is the whole name without tag and digest, in the form that people write.
 */
export interface Reference {
  readonly domain: string
  /** Without the domain: `library/web`. */
  readonly path: string
  /** As people write it: `web`, `owner/web`, `ghcr.io/owner/web`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const namePattern = new RegExp(`^${component}(?:/${component})*$`)
const domainPattern = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/
const tagPattern = /^\w[\w.-]{0,127}$/
const digestPattern = /^sha256:[0-9a-f]{64}$/

/** Whether a text can be an image's tag: 1 to 128 letters, digits, `_`, `.` and `-`, not beginning with the last two. */
export function isTag(text: string): boolean {
  return tagPattern.test(text)
}

/** A reference's parts; undefined when Docker would not take it for one. */
export function parseReference(text: string): Reference | undefined {
  const [name = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !digestPattern.test(digest))) return undefined
  const colon = name.lastIndexOf(':')
  const tagged = colon > name.lastIndexOf('/')
  const tag = tagged ? name.slice(colon + 1) : undefined
  if (tag !== undefined && !isTag(tag)) return undefined
  const { domain, path } = splitDomain(tagged ? name.slice(0, colon) : name)
  if (!domainPattern.test(domain) || !namePattern.test(path) || path.length > 255) return undefined
  return {
    domain,
    path,
    repository: familiar(domain, path),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest })
  }
}

/** What stands before the first slash is a domain when it has a dot, a port or capitals, or is `localhost`. */
function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  if (first !== '' && (/[.:\]]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)) {
    const domain = first === 'index.docker.io' ? dockerHub : first
    const rest = name.slice(slash + 1)
    return { domain, path: domain === dockerHub && !rest.includes('/') ? `library/${rest}` : rest }
  }
  return { domain: dockerHub, path: slash < 0 ? `library/${name}` : name }
}

function familiar(domain: string, path: string): string {
  return domain === dockerHub ? path.replace(/^library\/(?=[^/]+$)/, '') : `${domain}/${path}`
}

export const dockerHub = 'docker.io'

/** `repository[:tag][@digest]`, as people write it. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${reference.repository}${tag}${digest}`
}

/** Whether an image is one of Docker Hub's official ones, such as `redis:7`, which anybody may pull. */
export function isOfficial(text: string): boolean {
  const reference = parseReference(text)
  return reference?.domain === dockerHub && reference.path.startsWith('library/')
}

/**
 * The reference with its digest, so that it names the same bytes for ever. A reference without a tag gets `latest`,
 * which is what its digest was asked for.
 */
export function pin(reference: Reference, digest: string): string {
  return formatReference({ ...reference, tag: reference.tag ?? 'latest', digest })
}

/** Two spellings of one name are equal: `web` and `docker.io/library/web:latest`. */
export function canonicalName(text: string): string {
  const reference = parseReference(text)
  if (reference === undefined) return text
  return formatReference({
    ...reference,
    ...(reference.tag === undefined && reference.digest === undefined && { tag: 'latest' })
  })
}

/** The registry part of the `registry` input: `ghcr.io/owner` is served by `ghcr.io`, `owner` by Docker Hub. */
export function registryDomain(registry: string | undefined): string {
  return registry === undefined ? dockerHub : splitDomain(`${registry}/x`).domain
}

/** The key of a registry in Docker's config.json and the address that a login is sent to. */
export function serverAddress(domain: string): string {
  return domain === dockerHub ? 'https://index.docker.io/v1/' : domain
}
