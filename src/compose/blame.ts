import type { Problem } from '../errors.js'
import type { Source } from './project.js'

/** Turns what `docker compose config` says when it fails into problems with a place and a remedy. */
export function blame(
  stderr: string,
  { workspace }: { readonly workspace: string; readonly sources: readonly Source[] }
): readonly Problem[] {
  const lines = stderr.split('\n').filter(line => line.trim() !== '' && !line.startsWith('time='))
  return [
    { message: `docker compose cannot read the compose files: ${lines.join('\n').replaceAll(`${workspace}/`, '')}` }
  ]
}
