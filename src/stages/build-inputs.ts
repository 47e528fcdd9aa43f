import { posix } from 'node:path'
import type { Problem } from '../errors.js'
import { buildInputMissing } from '../errors/images.js'
import { buildInputs, isWithin, type BuildInput } from '../images/paths.js'
import type { Build } from '../model.js'
import type { Files } from '../ports.js'

/**
 * Looks whether what the builds read from the runner is there: the builder would say so too, but only after the server was
 * connected to, one build at a time, and without the line of the compose file.
 */
export async function missingBuildInputs(
  files: Pick<Files, 'stat'>,
  workspace: string,
  builds: readonly Build[]
): Promise<readonly Problem[]> {
  const found = await Promise.all(builds.map(build => missingOf(files, workspace, build)))
  return found.flat()
}

async function missingOf(files: Pick<Files, 'stat'>, workspace: string, build: Build): Promise<readonly Problem[]> {
  const inputs = await Promise.all(buildInputs(build).map(async input => ({ input, is: await lookAt(files, input) })))
  const wrong = inputs.filter(({ is }) => is !== 'there')
  const context = wrong.find(({ input }) => input.key === 'context')?.input.paths[0]
  return wrong.flatMap(({ input, is }) => {
    const { key, kind, paths } = input
    // That a folder which is not there has no Dockerfile goes without saying.
    if (is === 'there' || (key === 'dockerfile' && context !== undefined && isWithin(context, paths[0]))) return []
    return [buildInputMissing(build.service, { key, kind, path: shown(workspace, paths[0]) }, is, build.places?.[key])]
  })
}

/** What cannot be looked at is for the builder to judge, and so is where a link leads to. */
async function lookAt(
  files: Pick<Files, 'stat'>,
  { kind, paths }: BuildInput
): Promise<'there' | 'nothing' | 'another'> {
  const stats = await Promise.all(paths.map(path => files.stat(path).catch(() => 'unknown' as const)))
  const stat = stats.find(each => each !== null)
  if (stat === undefined) return 'nothing'
  if (stat === 'unknown') return 'there'
  return stat.kind === (kind === 'folder' ? 'file' : 'directory') ? 'another' : 'there'
}

function shown(workspace: string, path: string): string {
  if (!isWithin(workspace, path)) return path
  return posix.relative(workspace, path) || '.'
}
