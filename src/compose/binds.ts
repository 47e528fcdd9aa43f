import { sha256 } from '../hash.js'
import type { ServiceContext } from './context.js'
import { dollar, undollar, type ComposeMount } from './model.js'
import type { PathInfo } from './project.js'
import type { Note, Translated } from './translated.js'

/** A file of the repository that a service sees as a config. */
export interface CarriedFile {
  /** Key of the config in the stack; the same file always has the same one. */
  readonly key: string
  /** Absolute path on the runner. */
  readonly path: string
  /** Permission bits of the file, which the mount keeps. */
  readonly mode: number
  /** With doubled dollar signs, as in the stack file. */
  readonly target: string
}

/** A config is smaller than 1,024,000 bytes (swarmkit manager/controlapi/config.go, MaxConfigSize). */
const largestConfig = 1_023_999
/** More than this is not configuration: it belongs into an image or a volume. */
const mostFiles = 64
const largestDirectory = 4 * 1024 * 1024

/**
 * The files that a bind of the repository brings along. Undefined where the bind is about the server and stays a bind.
 */
export function carryBind(
  context: ServiceContext,
  mount: ComposeMount
): Translated<readonly CarriedFile[]> | undefined {
  const path = undollar(mount.source ?? '')
  const info = context.project.paths[path] ?? { kind: 'outside' }
  switch (info.kind) {
    case 'outside':
      return isRelative(context, mount) ? stop(context, mount, outside(context, path)) : undefined
    case 'missing':
      return stop(context, mount, missing(context, path))
    case 'link':
      return stop(context, mount, link(context, path))
    case 'other':
      return stop(context, mount, neither(context, path))
    case 'file':
      return carryFile(context, mount, path, info)
    case 'directory':
      return carryDirectory(context, mount, path, info)
  }
}

function carryFile(
  context: ServiceContext,
  mount: ComposeMount,
  path: string,
  info: Extract<PathInfo, { kind: 'file' }>
): Translated<readonly CarriedFile[]> {
  if (info.size === 0) return stop(context, mount, { rule: 'bind-empty', message: `${shown(context, path)} is empty.` })
  if (info.size > largestConfig) return stop(context, mount, tooLarge(context, path, `${info.size} bytes`))
  const file = { key: keyOf(context, path), path, mode: info.mode & 0o777, target: mount.target }
  return { value: [file], notes: readOnlyNotes(context, mount, path) }
}

function carryDirectory(
  context: ServiceContext,
  mount: ComposeMount,
  folder: string,
  info: Extract<PathInfo, { kind: 'directory' }>
): Translated<readonly CarriedFile[]> {
  const files = info.files.filter(file => file.size > 0)
  const bytes = files.reduce((sum, file) => sum + file.size, 0)
  if (files.length === 0) return stop(context, mount, missing(context, folder))
  if (files.length > mostFiles) return stop(context, mount, tooLarge(context, folder, `${files.length} files`))
  if (bytes > largestDirectory || files.some(file => file.size > largestConfig)) {
    return stop(context, mount, tooLarge(context, folder, `${bytes} bytes`))
  }
  const target = mount.target.replace(/\/+$/, '')
  const carried = files.map(file => {
    const path = `${folder}/${file.path}`
    return { key: keyOf(context, path), path, mode: file.mode & 0o777, target: `${target}/${dollar(file.path)}` }
  })
  return { value: carried, notes: readOnlyNotes(context, mount, folder) }
}

/** `nginx-conf-1a2b3c4d`: readable, and bound to the path, not to the content. */
function keyOf(context: ServiceContext, path: string): string {
  const relative = shown(context, path)
  const name = relative
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(-24)
    .replace(/^-+/, '')
  return `${name || 'file'}-${sha256(relative, 8)}`
}

function shown(context: ServiceContext, path: string): string {
  const { workspace } = context.project
  if (path === workspace) return 'the whole repository'
  return path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path
}

function isRelative(context: ServiceContext, mount: ComposeMount): boolean {
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  const text = context.written([...at, 'source']) ?? context.written(at) ?? ''
  return /^[.~]/.test(text)
}

type Reason = Pick<Note, 'rule' | 'message' | 'remedy'>

function stop(context: ServiceContext, mount: ComposeMount, reason: Reason): Translated<readonly CarriedFile[]> {
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  return { value: [], notes: [{ ...reason, service: context.name, at }] }
}

function missing(context: ServiceContext, path: string): Reason {
  const message = `${context.name} mounts ${shown(context, path)}, which is not in the repository, so no server will have it.`
  return { rule: 'bind-missing', message }
}

/** A link is not followed: it may lead to anything on the runner, and what it leads to is not what was committed. */
function link(context: ServiceContext, path: string): Reason {
  const message = `${context.name} mounts ${shown(context, path)}, which is a symbolic link: only files and folders travel to the servers.`
  const remedy = 'Mount what it points to, if that is in the repository, or commit the file in place of the link.'
  return { rule: 'bind-missing', message, remedy }
}

function neither(context: ServiceContext, path: string): Reason {
  const message = `${context.name} mounts ${shown(context, path)}, which is neither a file nor a folder, so no server will have it.`
  return { rule: 'bind-missing', message }
}

function outside(context: ServiceContext, path: string): Reason {
  const message = `${context.name} mounts ${path} of the runner, outside of the repository; no server has it.`
  return { rule: 'bind-missing', message }
}

function tooLarge(context: ServiceContext, path: string, size: string): Reason {
  const what = context.service.build === undefined ? '' : ' The image that is built can hold it.'
  const message = `${context.name} mounts ${shown(context, path)} (${size}), too large to travel as configs.${what}`
  return { rule: 'bind-too-large', message }
}

function readOnlyNotes(context: ServiceContext, mount: ComposeMount, path: string): readonly Note[] {
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  const writable = mount.read_only === true ? '' : ', read only'
  const message = `${shown(context, path)} reaches ${context.name} as a Swarm config${writable}.`
  return [{ rule: 'bind-as-config', service: context.name, at, message }]
}
