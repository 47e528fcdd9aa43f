/**
 * The digests that a build made, by target, from bake's metadata file. `containerimage.digest` is what the registry
 * serves: the index where there is one (several platforms, or attestations), else the manifest. A target without one is
 * left out; a text that is not a metadata file gives nothing.
 */
export function readDigests(metadata: string): Readonly<Record<string, string>> {
  const targets = parsed(metadata)
  return Object.fromEntries(
    Object.entries(targets).flatMap(([target, facts]) => {
      const digest = (facts as Record<string, unknown> | null)?.['containerimage.digest']
      return typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) ? [[target, digest]] : []
    })
  )
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
