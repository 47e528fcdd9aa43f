import type { Place } from '../errors.js'
import type { Source } from './project.js'
import type { KeyPath } from './translated.js'
import { extendedBy, mentionsIn, parseSource, reach, scalarOf, type Parsed, type Reached } from './yaml-source.js'

/** Where keys are in the user's own YAML; the canonical model knows no lines. */
export interface Positions {
  readonly sources: readonly Parsed[]
  /** The place of a path, or of the nearest part of it that the files hold. */
  readonly locate: (path: KeyPath) => Place | undefined
  /** The plain text at a path, as written; undefined where there is none. */
  readonly written: (path: KeyPath) => string | undefined
  /** The values at a path in every file that has it, as plain data; for a service also what it extends. */
  readonly values: (path: KeyPath) => readonly unknown[]
  /** Where a variable is first interpolated. */
  readonly mention: (variable: string) => KeyPath | undefined
  /** Whether an environment file sets a variable. */
  readonly inEnvFiles: (variable: string) => boolean
}

/** `extends` of `extends` of …: compose refuses circles, so this only bounds a broken file. */
const longestChain = 16

/**
 * Indexes the compose files. A later file overrides an earlier one, so that the last that holds a whole path is the
 * one to point at; a service that `extends` another is also looked for there.
 */
export function indexSources(sources: readonly Source[], envSources: readonly Source[] = []): Positions {
  const parsed = sources.flatMap(parseSource)
  const variables = indexVariables(envSources)
  const reachAll = (path: KeyPath): readonly Reached[] => parsed.flatMap(source => reach(source, path) ?? [])
  const bases = (path: KeyPath): readonly KeyPath[] => {
    if (path[0] !== 'services' || path.length < 3) return []
    const names = reachAll([...path.slice(0, 2), 'extends']).map(extendedBy)
    return names.flatMap(name => (name === undefined || name === path[1] ? [] : [['services', name, ...path.slice(2)]]))
  }
  const find = (path: KeyPath, chain = 0): Reached | undefined => {
    const own = deepest(reachAll(path))
    if (own?.depth === path.length || chain > longestChain) return own
    const inherited = bases(path).flatMap(base => find(base, chain + 1) ?? [])
    return deepest([...(own === undefined ? [] : [own]), ...inherited.filter(({ depth }) => depth > (own?.depth ?? 0))])
  }
  const values = (path: KeyPath, chain = 0): readonly unknown[] => {
    const own = reachAll(path).filter(({ depth, value }) => depth === path.length && value !== undefined)
    const inherited = chain > longestChain ? [] : bases(path).flatMap(base => values(base, chain + 1))
    return [...own.map(({ value, source }): unknown => value?.toJS(source.document)), ...inherited]
  }
  const mentions = lazily(() => mentionsIn(parsed))
  return {
    sources: parsed,
    locate: path => {
      const found = find(path)
      const variable = found?.depth === path.length ? undefined : environmentVariable(path)
      return (variable === undefined ? undefined : variables.get(variable)) ?? placeOf(found)
    },
    written: path => {
      const found = find(path)
      return found?.depth === path.length ? scalarOf(found.value, path.at(-1)) : undefined
    },
    values,
    mention: variable => mentions().get(variable),
    inEnvFiles: variable => variables.has(variable)
  }
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** The last of the deepest: overrides come later. */
function deepest(candidates: readonly Reached[]): Reached | undefined {
  return candidates.reduce<Reached | undefined>(
    (best, next) => (best === undefined || next.depth >= best.depth ? next : best),
    undefined
  )
}

function environmentVariable(path: KeyPath): string | undefined {
  const [section, , key, variable] = path
  return section === 'services' && key === 'environment' && typeof variable === 'string' ? variable : undefined
}

/** `NAME=value` lines of environment files; the last file that sets a name counts, as in compose. */
function indexVariables(envSources: readonly Source[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  for (const { file, text } of envSources) {
    for (const [index, line] of text.split('\n').entries()) {
      const name = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]/.exec(line)?.[1]
      if (name !== undefined) places.set(name, { file, line: index + 1, column: line.indexOf(name) + 1 })
    }
  }
  return places
}

function placeOf(reached: Reached | undefined): Place | undefined {
  if (reached === undefined) return undefined
  const { source, node } = reached
  const offset = node.range?.[0]
  if (offset === undefined) return { file: source.file }
  const { line, col } = source.lines.linePos(offset)
  return { file: source.file, line, column: col }
}
