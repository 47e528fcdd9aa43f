/** What the builder on the runner can do, as far as it decides about arguments. */
export interface Builder {
  readonly name: string
  /** `docker`, `docker-container`, `kubernetes`, `remote` or `cloud`. */
  readonly driver: string
  readonly platforms: readonly string[]
  /** Exports its cache to a registry, a folder or GitHub, and adds attestations. */
  readonly cacheExport: boolean
  readonly multiPlatform: boolean
  /** Writes an OCI layout. */
  readonly ociExport: boolean
}

/**
 * Reads `docker --debug buildx inspect`, whose Features are what the builder says of itself (buildx,
 * commands/inspect.go; only with --debug). A buildx that says nothing of features is judged by its driver: `docker` can
 * do no more than build and push, unless its engine keeps images in containerd, and every other driver does it all.
 * undefined when the text is not an answer of buildx.
 */
export function parseBuilder(output: string): Builder | undefined {
  const lines = output.split('\n')
  const driver = field(lines, 'Driver')
  if (driver === undefined) return undefined
  const able = driver !== 'docker'
  return {
    name: field(lines, 'Name') ?? 'default',
    driver,
    platforms: [
      ...new Set(
        lines
          .filter(line => /^\s*Platforms:/.test(line))
          .flatMap(line => line.replace(/^\s*Platforms:\s*/, '').split(','))
          // A star marks a platform that was given by hand.
          .map(platform => platform.trim().replace(/\*$/, ''))
          .filter(platform => platform !== '')
      )
    ],
    cacheExport: feature(lines, 'Cache export') ?? able,
    multiPlatform: feature(lines, 'Multi-platform build') ?? able,
    ociExport: feature(lines, 'OCI exporter') ?? able
  }
}

function field(lines: readonly string[], name: string): string | undefined {
  const line = lines.find(candidate => candidate.startsWith(`${name}:`))
  return line?.slice(name.length + 1).trim()
}

/** Of several nodes the builder can do what all of them can. */
function feature(lines: readonly string[], name: string): boolean | undefined {
  const values = lines.map(line => line.trim()).filter(line => line.startsWith(`${name}:`))
  return values.length === 0 ? undefined : values.every(line => line.endsWith('true'))
}
