/** Writes an image of the runner's engine as an archive, which is an OCI layout since Docker 25. */
export function saveImage(reference: string, archive: string): readonly string[] {
  return ['docker', 'image', 'save', '--output', archive, reference]
}

export function unpack(archive: string, folder: string): readonly string[] {
  return ['tar', '--extract', `--file=${archive}`, `--directory=${folder}`]
}

/** `reference` is pinned: the engine checks what it gets against the digest. */
export function pullImage(reference: string): readonly string[] {
  return ['docker', 'image', 'pull', reference]
}
