import { posix } from 'node:path'
import { objectOf } from '../json.js'
import type { Json } from '../model.js'
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
  const root = folder.endsWith('/') ? folder : `${folder}/`
  return [...new Set(paths)].filter(path => path !== folder && !path.startsWith(root)).sort()
}
