import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { composeConfig, composeEnvironment } from '../commands/compose.js'
import { blame } from '../compose/blame/index.js'
import { parseModel, undollar, type ComposeModel } from '../compose/model.js'
import { projectName } from '../compose/names.js'
import type { ComposeProject, PathInfo, Source } from '../compose/project.js'
import { referencesOf } from '../compose/references.js'
import { unsetVariables } from '../compose/unset.js'
import { UserError } from '../errors.js'
import { composeFilesMissing, composeNotInstalled, defaultNames, noComposeFile } from '../errors/compose.js'
import type { Files, Ports, RunResult } from '../ports.js'

export interface ReadComposeRequest {
  /** Absolute path of the repository on the runner. */
  readonly workspace: string
  /** Relative to the workspace; empty for the default names. */
  readonly files: readonly string[]
  readonly envFiles: readonly string[]
  readonly profiles: readonly string[]
  readonly stack: string
  /** For interpolation, over the job's own environment. */
  readonly variables: Readonly<Record<string, string>>
}

/**
 * Reads the compose files: by `docker compose config` for their meaning, and as texts for the places of keys.
 * Throws UserError, with file and line where they can be told: no file, not YAML, what compose itself refuses.
 */
export async function readCompose(
  ports: Pick<Ports, 'env' | 'shell' | 'files' | 'cancelled'>,
  request: ReadComposeRequest
): Promise<ComposeProject> {
  const { workspace } = request
  const files = await composeFiles(ports.files, request)
  const running = runCompose(ports, request, files)
  running.catch(() => undefined) // where the texts cannot be read
  const texts = await readSources(ports.files, request, files)
  const { model, unset } = understood(await running, request, texts)
  return {
    workspace,
    model,
    unset,
    ...texts,
    paths: await bindSources(ports.files, workspace, model),
    imageHealthchecks: await builtHealthchecks(ports.files, model)
  }
}

async function composeFiles(
  files: Files,
  { workspace, files: given, envFiles }: ReadComposeRequest
): Promise<string[]> {
  const wanted = given.map(file => resolve(workspace, file))
  const missing = await absent(files, [...wanted, ...envFiles.map(file => resolve(workspace, file))])
  if (missing.length > 0) throw composeFilesMissing(missing.map(file => relative(workspace, file)))
  if (wanted.length > 0) return wanted
  for (const name of defaultNames) {
    const path = join(workspace, name)
    if ((await files.stat(path)) !== null) return [path]
  }
  throw noComposeFile()
}

async function absent(files: Files, paths: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(paths.map(async path => ({ path, stat: await files.stat(path) })))
  return stats.filter(({ stat }) => stat === null).map(({ path }) => path)
}

/** The compose files and those they include, extend or take variables from, each once. */
async function readSources(
  files: Files,
  { workspace, envFiles }: ReadComposeRequest,
  roots: readonly string[]
): Promise<{ sources: Source[]; envSources: Source[] }> {
  const sources = new Map<string, Source>()
  const env = new Set([join(dirname(roots[0] ?? workspace), '.env'), ...envFiles.map(file => resolve(workspace, file))])
  const queue = [...roots]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const text = sources.has(path) ? null : await textOf(files, path)
    if (text === null) continue
    sources.set(path, { file: relative(workspace, path), text })
    const found = referencesOf(text)
    queue.push(...found.compose.map(file => resolve(dirname(path), file)))
    for (const file of found.env) env.add(resolve(dirname(path), file))
  }
  const envSources = await Promise.all(
    [...env].map(async path => ({ file: relative(workspace, path), text: await textOf(files, path) }))
  )
  return {
    sources: [...sources.values()],
    envSources: envSources.filter((source): source is Source => source.text !== null)
  }
}

async function textOf(files: Files, path: string): Promise<string | null> {
  const stat = await files.stat(path)
  return stat?.kind === 'file' ? await files.text(path) : null
}

/** What `docker compose config` printed, and in which format. */
interface Printed {
  readonly result: RunResult
  readonly format: 'json' | 'yaml'
  /** What the files' variables could take their values from. */
  readonly environment: Readonly<Record<string, string>>
}

async function runCompose(
  { env, shell, cancelled }: Pick<Ports, 'env' | 'shell' | 'cancelled'>,
  { workspace, envFiles, profiles, stack, variables }: ReadComposeRequest,
  files: readonly string[]
): Promise<Printed> {
  const project = projectName(stack)
  const absolute = envFiles.map(file => resolve(workspace, file))
  const environment = composeEnvironment(env, variables)
  const print = (format: 'json' | 'yaml'): Promise<RunResult> =>
    shell.run(composeConfig({ project, files, envFiles: absolute, profiles, format }), {
      env: environment,
      // The `.env` beside the first compose file is the one that counts, whatever the folder of the step.
      cwd: dirname(files[0] ?? workspace),
      signal: cancelled,
      timeoutMs: 60_000
    })
  const json = await print('json')
  // Compose 2.40 cannot print `build.ssh` with a path as JSON ("error calling MarshalJSON for type types.SSHKey").
  const format = json.stderr.includes('MarshalJSON') ? 'yaml' : 'json'
  return { result: format === 'yaml' ? await print('yaml') : json, format, environment }
}

function understood(
  { result, format, environment }: Printed,
  { workspace }: ReadComposeRequest,
  texts: Pick<ComposeProject, 'sources' | 'envSources'>
): { model: ComposeModel; unset: readonly string[] } {
  if (
    result.code === 127 ||
    /is not a docker command|unknown command: docker compose|^unknown flag: --file/m.test(result.stderr)
  ) {
    throw composeNotInstalled(result.stderr.trim())
  }
  if (result.code !== 0) throw new UserError(blame(result.stderr, { workspace, environment, ...texts }))
  return { model: parseModel(result.stdout, format), unset: unsetVariables(result.stderr) }
}

/** What the bind mounts point to, for those that point into the repository. */
async function bindSources(files: Files, workspace: string, model: ComposeModel): Promise<Record<string, PathInfo>> {
  const mounts = Object.values(model.services).flatMap(service => service.volumes ?? [])
  const sources = mounts.filter(({ type }) => type === 'bind').map(({ source }) => undollar(source ?? ''))
  const inside = [...new Set(sources)].filter(path => isInside(workspace, path))
  return Object.fromEntries(await Promise.all(inside.map(async path => [path, await describe(files, path)] as const)))
}

function isInside(workspace: string, path: string): boolean {
  const way = relative(workspace, path)
  return !way.startsWith('..') && !isAbsolute(way)
}

async function describe(files: Files, path: string): Promise<PathInfo> {
  const stat = await files.stat(path)
  if (stat === null) return { kind: 'missing' }
  if (stat.kind === 'file') return { kind: 'file', size: stat.size, mode: stat.mode }
  if (stat.kind !== 'directory') return { kind: stat.kind }
  const names = await files.list(path)
  // What has more files is refused whatever they hold: there is no need to look at each.
  if (names.length > 1000)
    return { kind: 'directory', files: names.map(name => ({ path: name, size: 1, mode: 0o644 })) }
  const entries = names.map(async name => {
    const info = await files.stat(join(path, name))
    return { path: name, size: info?.size ?? 0, mode: info?.mode ?? 0o644 }
  })
  return { kind: 'directory', files: await Promise.all(entries) }
}

/** Services whose Dockerfile has a HEALTHCHECK: they need none in the compose file. */
async function builtHealthchecks(files: Files, model: ComposeModel): Promise<string[]> {
  const found = Object.entries(model.services).map(async ([name, { build }]) => {
    const { context, dockerfile, dockerfile_inline } = build ?? {}
    if (typeof context !== 'string') return []
    const path = resolve(undollar(context), undollar(typeof dockerfile === 'string' ? dockerfile : 'Dockerfile'))
    const text = typeof dockerfile_inline === 'string' ? dockerfile_inline : await textOf(files, path)
    return text !== null && /^\s*HEALTHCHECK\s+(?!NONE)/im.test(text) ? [name] : []
  })
  return (await Promise.all(found)).flat()
}
