import { posix } from 'node:path'
import { objectOf } from '../json.js'
import type { Build, Json } from '../model.js'
import type { Target } from './plan.js'

/** The folders and files that a build reads from the runner, absolute: its contexts and a Dockerfile beside them. */
export function localPaths(target: Target): readonly string[] {
  const { context, dockerfile, additional_contexts: additional } = target.build
  const folder = localPath(context)
  return [
    ...(folder === undefined ? [] : [folder]),
    ...(folder !== undefined && typeof dockerfile === 'string' ? [posix.resolve(folder, dockerfile)] : []),
    ...Object.values(objectOf(additional))
      .map(localPath)
      .filter(path => path !== undefined)
  ]
}

/** A context that is a folder of the runner; an address of a repository, an archive or an image is none. */
export function localPath(context: Json | undefined): string | undefined {
  if (typeof context !== 'string' || context === '-') return undefined
  // The canonical model has absolute paths; what has a scheme, or a host and a colon, is somewhere else.
  return context.startsWith('/') ? posix.normalize(context) : undefined
}

/** The Dockerfile's path; undefined when it is inline, or in a context that is somewhere else. */
export function dockerfilePath(target: Target): string | undefined {
  const folder = localPath(target.build['context'])
  const { dockerfile, dockerfile_inline: inline } = target.build
  if (folder === undefined || typeof inline === 'string') return undefined
  return posix.resolve(folder, typeof dockerfile === 'string' ? dockerfile : 'Dockerfile')
}

/** Those of the paths that are not below a folder. */
export function outside(folder: string, paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter(path => !isWithin(folder, path)).sort()
}

/** Something that a build reads from the runner, and that must be there before it begins. */
export interface BuildInput {
  /** The key below `build` that says so: `context`, `dockerfile`, `additional_contexts.lib`. */
  readonly key: string
  readonly kind: 'folder' | 'file'
  /** Where it may be, the first that is there counts. */
  readonly paths: readonly [string, ...string[]]
}

/**
 * What a build reads from the runner. Nothing of it is somewhere else: in a repository, an archive, an image, at an address, or
 * in the compose file itself.
 */
export function buildInputs({ build }: Pick<Build, 'build'>): readonly BuildInput[] {
  const { context, dockerfile, dockerfile_inline: inline, additional_contexts: additional } = build
  const folder = localPath(context)
  const others = Object.entries(objectOf(additional)).map(
    ([name, value]) => [`additional_contexts.${name}`, value] as const
  )
  const folders = [['context', context] as const, ...others].flatMap(([key, value]): BuildInput[] => {
    const path = localPath(value)
    return path === undefined ? [] : [{ key, kind: 'folder', paths: [path] }]
  })
  if (folder === undefined || typeof inline === 'string') return folders
  const name = typeof dockerfile === 'string' ? dockerfile : 'Dockerfile'
  // The builder fetches the one, and reads the other from its own input (buildx, build/opt.go).
  if (/^https?:\/\//.test(name) || name === '-') return folders
  const path = posix.resolve(folder, name)
  return [...folders, { key: 'dockerfile', kind: 'file', paths: [path, ...lowerCase(path)] }]
}

/** BuildKit takes `dockerfile` where there is no `Dockerfile` (frontend/dockerui/config.go). */
function lowerCase(path: string): readonly string[] {
  return posix.basename(path) === 'Dockerfile' ? [posix.join(posix.dirname(path), 'dockerfile')] : []
}

/** Whether one path is the other, or below it. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
