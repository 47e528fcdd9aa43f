import { sha256 } from '../hash.js'
import { canonicalJson, objectOf } from '../json.js'
import type { Json, JsonObject } from '../model.js'
import { serviceOf } from './layers.js'
import { dockerfilePath, localPath } from './paths.js'
import type { Target } from './plan.js'

/** What is in one folder or file: everything that a build could notice about it. */
export interface TreeEntry {
  readonly path: string
  readonly kind: 'file' | 'directory' | 'link'
  readonly mode: number
  /** Of a file's bytes or a link's target; empty for a folder. */
  readonly hash: string
}

/** Raised when the way of making keys changes, so that no old key is taken for a new one. */
const version = 1

/** Where a build finds nothing that could be read beforehand, or is told to look anew each time. */
export function canKey(target: Target): boolean {
  const { no_cache: noCache, no_cache_filter: filter, pull, context, additional_contexts: additional } = target.build
  if (noCache === true || pull === true || (Array.isArray(filter) && filter.length > 0)) return false
  if (localPath(context) === undefined) return false
  // A repository's branch is only known once it is there.
  return Object.values(objectOf(additional)).every(
    value => localPath(value) !== undefined || isImage(value) || serviceOf(value) !== undefined
  )
}

function isImage(context: Json): boolean {
  return typeof context === 'string' && context.startsWith('docker-image://')
}

/**
 * A name for what a build is made of: its definition, its Dockerfile, every file of its contexts that is not ignored,
 * the keys of the services' images that it is made from, and the platforms. Not in it: where the folders are, tags, caches, the commit, the value of build secrets, and what a
 * base image's tag points to now.
 */
export function contentKey(
  target: Target,
  platforms: readonly string[],
  read: {
    readonly dockerfile: string
    readonly trees: Readonly<Record<string, readonly TreeEntry[]>>
    /** By service: the keys of the images that it is made from. */
    readonly images?: Readonly<Record<string, string>>
  }
): string {
  const { context, additional_contexts: additional } = target.build
  const left = new Set(['context', 'dockerfile', 'additional_contexts', 'tags', 'cache_from', 'cache_to', 'ssh'])
  const definition = Object.fromEntries(Object.entries(target.build).filter(([name]) => !left.has(name)))
  const contexts = Object.entries(objectOf(additional)).map(([name, value]) => [
    name,
    read.images?.[serviceOf(value) ?? ''] ?? treeOrName(value, read.trees)
  ])
  const material = canonicalJson({
    version,
    definition,
    platforms: [...platforms].sort(),
    secrets: target.secrets.map(secret => secret.id).sort(),
    dockerfile: read.dockerfile,
    context: treeOrName(context ?? '.', read.trees),
    contexts: Object.fromEntries(contexts) as JsonObject
  })
  return `content-${sha256(material, 24)}`
}

function treeOrName(context: Json, trees: Readonly<Record<string, readonly TreeEntry[]>>): Json {
  const tree = typeof context === 'string' ? trees[context] : undefined
  if (tree === undefined) return context
  return tree.map(({ path, kind, mode, hash }) => [path, kind, kind === 'link' ? 0 : mode & 0o7777, hash])
}

/** The ignore files of a build, the first that is there counts: beside its Dockerfile, else in its context. */
export function ignoreFiles(target: Target): readonly string[] {
  const dockerfile = dockerfilePath(target)
  const context = localPath(target.build['context'])
  return [
    ...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]),
    ...(context === undefined ? [] : [`${context}/.dockerignore`])
  ]
}
