import { posix } from 'node:path'
import { addTags } from '../commands/bake.js'
import { messageOf } from '../errors.js'
import { targetPlatforms } from '../images/bake.js'
import { canKey, contentKey, ignoreFiles, type TreeEntry } from '../images/content-key.js'
import { objectOf } from '../json.js'
import { parseIgnore, type Ignore } from '../images/ignore.js'
import { madeFrom } from '../images/layers.js'
import { dockerfilePath, localPath } from '../images/paths.js'
import type { Target } from '../images/plan.js'
import type { Ports } from '../ports.js'

/**
 * A key for what each target is made of, see {@link contentKey}. A target that cannot have one (its context is somewhere
 * else, it must not use the cache, a file cannot be read) is left out.
 */
export async function contentKeys(
  ports: Ports,
  targets: readonly Target[],
  platforms: readonly string[]
): Promise<Readonly<Record<string, string>>> {
  const keys: Record<string, string> = {}
  const images: Record<string, string> = {}
  let waiting = targets.filter(canKey)
  for (;;) {
    // One that is made from the image of a service comes after it, and has no key where that has none.
    const ready = waiting.filter(target => madeFrom(target).every(service => service in images))
    if (ready.length === 0) return keys
    waiting = waiting.filter(target => !ready.includes(target))
    for (const target of ready) {
      try {
        const key = await keyOf(ports, target, platforms, images)
        keys[target.name] = key
        for (const service of target.services) images[service] = key
      } catch (error) {
        // The build itself will say what is wrong, better than we could.
        ports.log.debug(`No content key for ${target.name}: ${messageOf(error)}`)
      }
    }
  }
}

async function keyOf(
  ports: Ports,
  target: Target,
  platforms: readonly string[],
  images: Readonly<Record<string, string>>
): Promise<string> {
  const { context, dockerfile_inline: inline, additional_contexts: additional } = target.build
  const path = dockerfilePath(target)
  const text = typeof inline === 'string' ? inline : path === undefined ? null : await ports.files.text(path)
  if (text === null) throw new Error('there is no Dockerfile')
  const ignore = parseIgnore(await firstText(ports, ignoreFiles(target)))
  const trees: Record<string, readonly TreeEntry[]> = {}
  if (typeof context === 'string')
    trees[context] = await ports.files.hashTree(
      context,
      (each, kind) => skipIn(ignore, each, kind) || (each === '.git' && !usesGit(text))
    )
  for (const extra of Object.values(objectOf(additional))) {
    const folder = localPath(extra)
    if (folder === undefined || typeof extra !== 'string') continue
    const ownIgnore = parseIgnore(await ports.files.text(posix.join(folder, '.dockerignore')))
    trees[extra] ??= await ports.files.hashTree(folder, (each, kind) => skipIn(ownIgnore, each, kind))
  }
  return contentKey(target, targetPlatforms(target, platforms), { dockerfile: text, trees, images })
}

/**
 * The history changes with each commit, whatever the image is made of. BuildKit leaves it out of what it clones itself
 * (BUILDKIT_CONTEXT_KEEP_GIT_DIR); here it counts where the Dockerfile speaks of git at all.
 */
function usesGit(dockerfile: string): boolean {
  return /\bgit\b/.test(dockerfile)
}

/** A folder that is left out is still looked into where something below it may be taken back in. */
function skipIn(ignore: Ignore, path: string, kind: TreeEntry['kind']): boolean {
  return ignore.ignores(path) && !(kind === 'directory' && ignore.mayHoldExceptions)
}

async function firstText(ports: Ports, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const text = await ports.files.text(path)
    if (text !== null) return text
  }
  return null
}

/** Asks for the digest of a reference; undefined when it is not there. */
type FindDigest = (reference: string) => Promise<string | undefined>

/**
 * The targets that the registry already has, made of the same content, with their digests. A registry that cannot be
 * asked has none: building is always right.
 */
export async function findReusable(
  ports: Ports,
  targets: readonly Target[],
  keys: Readonly<Record<string, string>>,
  find: FindDigest
): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(
    targets.map(async target => {
      const key = keys[target.name]
      if (key === undefined) return []
      const repositories = [...new Set(Object.values(target.deploys).map(reference => reference.repository))]
      try {
        const digests = await Promise.all(repositories.map(repository => find(`${repository}:${key}`)))
        const [digest] = digests
        return digest !== undefined && digests.every(each => each === digest) ? [[target.name, digest] as const] : []
      } catch (error) {
        ports.log.debug(`${target.name} could not be looked for: ${messageOf(error)}`)
        return []
      }
    })
  )
  return Object.fromEntries(found.flat())
}

/**
 * Gives an image that is in its registry already the tags of this run, where it does not have them. What is deployed is
 * the digest, so a tag that cannot be moved is only said.
 */
export async function tagReused(
  ports: Ports,
  target: Target,
  digest: string,
  request: { readonly env: Readonly<Record<string, string>>; readonly find: FindDigest }
): Promise<void> {
  const lacking: string[] = []
  for (const reference of target.references) {
    const there = await request.find(reference).catch(() => undefined)
    if (there !== digest) lacking.push(reference)
  }
  const repositories = Map.groupBy(lacking, reference => reference.replace(/:[^:/]*$/, ''))
  for (const [repository, references] of repositories) {
    const argv = addTags(`${repository}@${digest}`, references)
    const options = { env: request.env, timeoutMs: 60_000, signal: ports.cancelled }
    const { code, stderr } = await ports.shell.run(argv, options)
    if (code === 0) ports.log.info(`Tagged ${references.join(', ')}.`)
    else ports.log.notice(`${references.join(', ')} could not be tagged: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  }
}
