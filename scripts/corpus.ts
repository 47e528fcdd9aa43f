/**
 * Tries the translation on any folder of compose files and prints the count and each failure.
 *
 *     node scripts/corpus.ts [--stand-ins] [--deploy] FOLDER…
 *
 * Each file goes through `docker compose config`, the translation, and `docker stack config`, which needs no engine.
 * The folder stands for the repository: binds of what is in it become configs. `--stand-ins` takes bind sources and env files that are not there for small files: collections of compose files
 * rarely hold the rest of their repositories. `--deploy` also deploys each stack, with one replica of nothing (all
 * replicas are 0), to the swarm that DOCKER_HOST names, and removes it again: a throw-away swarm, please.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import './sources.ts'
import { deployForReal } from './corpus/deploy.ts'
import { withStandIns } from './corpus/stand-ins.ts'

const { localFiles } = await import('../src/adapters/files.ts')
const { localShell } = await import('../src/adapters/shell.ts')
const { UserError } = await import('../src/errors.ts')
const { pinImages } = await import('../src/compose/pin.ts')
const { renderStack } = await import('../src/compose/render.ts')
const { stampRelease } = await import('../src/compose/stamp.ts')
const { translate } = await import('../src/compose/translate.ts')
const { readCompose } = await import('../src/stages/read-compose.ts')

type Outcome =
  | { readonly kind: 'stack'; readonly rules: readonly string[] }
  | { readonly kind: 'refused-by-compose' | 'user-error' | 'refused-by-swarm' | 'defect'; readonly text: string }

const flags = new Set(process.argv.slice(2).filter(argument => argument.startsWith('--')))
const folders = process.argv.slice(2).filter(argument => !argument.startsWith('--'))
const env = Object.fromEntries(
  ['PATH', 'HOME', 'DOCKER_CONFIG', 'DOCKER_HOST'].flatMap(name =>
    process.env[name] ? [[name, process.env[name]]] : []
  )
)
const cancelled = new AbortController().signal
const local = localFiles('/tmp', () => undefined)

const files = folders.flatMap(folder => composeFiles(resolve(folder)))
const repositoryOf = (file: string): string =>
  resolve(folders.find(folder => file.startsWith(`${resolve(folder)}/`)) ?? dirname(file))
const outcomes = new Map<string, Outcome>()
const queue = [...files]
await Promise.all([1, 2].map(worker))
report()

async function worker(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) outcomes.set(file, await judge(file))
}

function composeFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => /^(?:services|include):/m.test(readFileSync(file, 'utf8')))
    .sort()
}

async function judge(file: string): Promise<Outcome> {
  const workspace = repositoryOf(file)
  const stack = `c${outcomes.size}x${basename(dirname(file))
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, 12)}`
  const ports = { env, shell: localShell, files: flags.has('--stand-ins') ? withStandIns(local) : local, cancelled }
  try {
    const request = { workspace, files: [file], envFiles: [], profiles: ['*'], stack, variables: {} }
    const project = await readCompose(ports, request)
    const { stack: translated, builds, findings, needs } = translate(project, { stack, policy: 'auto' })
    const built = Object.fromEntries(builds.map(({ service }) => [service, `example.com/${service.toLowerCase()}:1`]))
    const text = renderStack(stampRelease(pinImages(translated, built), { release: 'r1' }))
    const errors = findings.filter(({ level }) => level === 'error')
    const checked = await localShell.run(['docker', 'stack', 'config', '-c', '-'], { env, stdin: text })
    if (errors.length > 0)
      return {
        kind: 'user-error',
        text: errors.map(({ rule, line, message }) => `${rule}:${line ?? ''} ${message}`).join('\n      ')
      }
    if (checked.code !== 0) return { kind: 'refused-by-swarm', text: checked.stderr.trim() }
    const refusal = flags.has('--deploy') ? await deployForReal(localShell, env, stack, text, needs) : undefined
    if (refusal !== undefined) return { kind: 'refused-by-swarm', text: refusal }
    return { kind: 'stack', rules: findings.map(({ rule }) => rule) }
  } catch (error) {
    if (error instanceof UserError) return { kind: 'refused-by-compose', text: describe(error.problems) }
    return { kind: 'defect', text: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function describe(
  problems: readonly { message: string; remedy?: string; at?: { file: string; line?: number } }[]
): string {
  return problems
    .map(({ message, remedy, at }) => `${at ? `${at.file}:${at.line ?? ''} ` : ''}${message} -> ${remedy ?? ''}`)
    .join('\n      ')
}

function report(): void {
  const base = folders.length === 1 && existsSync(folders[0] ?? '') ? resolve(folders[0] ?? '') : process.cwd()
  for (const kind of ['refused-by-compose', 'user-error', 'refused-by-swarm', 'defect'] as const) {
    const failed = files.filter(file => outcomes.get(file)?.kind === kind)
    if (failed.length > 0) console.log(`\n${kind} (${failed.length})`)
    for (const file of failed) {
      const outcome = outcomes.get(file)
      if (outcome?.kind === kind) console.log(`  ${relative(base, file)}\n      ${outcome.text}`)
    }
  }
  const count = (kind: Outcome['kind']): number =>
    [...outcomes.values()].filter(outcome => outcome.kind === kind).length
  const rules = [...outcomes.values()].flatMap(outcome => (outcome.kind === 'stack' ? [...new Set(outcome.rules)] : []))
  const tally = Object.entries(Object.groupBy(rules, rule => rule)).map(
    ([rule, list]) => [rule, list?.length ?? 0] as const
  )
  console.log(
    `\nfindings, in files: ${tally
      .sort((a, b) => b[1] - a[1])
      .map(([rule, n]) => `${rule} ${n}`)
      .join(', ')}`
  )
  console.log(
    `\n${files.length} files: ${count('stack')} become a stack, ${count('user-error')} have errors of their own, ` +
      `${count('refused-by-compose')} compose itself refuses, ${count('refused-by-swarm')} the swarm refuses, ${count('defect')} defects`
  )
  if (count('refused-by-swarm') + count('defect') > 0) process.exitCode = 1
}
