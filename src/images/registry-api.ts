/** What a request to the read-only registry asks for. */
export type Asked =
  | { readonly for: 'ping' }
  | { readonly for: 'manifest' | 'blob'; readonly name: string; readonly digest: string }
  | { readonly for: 'nothing'; readonly status: 404 | 405; readonly code: string }

/**
 * Reads a request as the part of the distribution API that a pull by digest uses
 * (https://github.com/opencontainers/distribution-spec/blob/main/spec.md). There are no tags here: what is pulled is
 * always named by its digest.
 */
export function readRequest(method: string, path: string): Asked {
  if (method !== 'GET' && method !== 'HEAD') return { for: 'nothing', status: 405, code: 'UNSUPPORTED' }
  if (/^\/v2\/?$/.test(path)) return { for: 'ping' }
  const match = /^\/v2\/([a-z0-9._/-]+)\/(manifests|blobs)\/(sha256:[0-9a-f]{64})$/.exec(path)
  if (match === null) return { for: 'nothing', status: 404, code: 'NAME_UNKNOWN' }
  const [, name = '', kind, digest = ''] = match
  return { for: kind === 'manifests' ? 'manifest' : 'blob', name, digest }
}

/** Where a layout keeps what has this digest (https://github.com/opencontainers/image-spec/blob/main/image-layout.md). */
export function blobPath(folder: string, digest: string): string {
  return `${folder}/blobs/${digest.replace(':', '/')}`
}

/** The media type that a manifest says of itself; of old ones that say nothing, what it must be. */
export function mediaType(manifest: string): string {
  try {
    const { mediaType: own, manifests } = JSON.parse(manifest) as { mediaType?: unknown; manifests?: unknown }
    if (typeof own === 'string') return own
    return `application/vnd.oci.image.${Array.isArray(manifests) ? 'index' : 'manifest'}.v1+json`
  } catch {
    return 'application/octet-stream'
  }
}

/** The first byte that a `Range: bytes=N-` asks for; undefined for the whole. Other ranges are not used by engines. */
export function rangeStart(header: string | undefined, size: number): number | undefined {
  const start = /^bytes=(\d+)-$/.exec(header ?? '')?.[1]
  return start !== undefined && Number(start) < size ? Number(start) : undefined
}

/** The digest of what a layout holds, from its index.json; undefined when it holds none or several. */
export function layoutDigest(index: string | null): string | undefined {
  try {
    const { manifests } = JSON.parse(index ?? '') as { manifests?: readonly { digest?: unknown }[] }
    const digest = manifests?.length === 1 ? manifests[0]?.digest : undefined
    return typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : undefined
  } catch {
    return undefined
  }
}
