import type { Place, Problem } from '../../errors.js'
import type { Positions } from '../positions.js'
import type { Source } from '../project.js'
import type { KeyPath } from '../translated.js'

/** What is known when compose refused the files. */
export interface Evidence {
  readonly workspace: string
  readonly sources: readonly Source[]
  readonly envSources: readonly Source[]
  /** What compose interpolates from. */
  readonly environment: Readonly<Record<string, string>>
}

export interface Scene extends Evidence {
  readonly positions: Positions
  /** The place of a file that compose names by its absolute path. */
  readonly fileOf: (path: string) => string
}

/** One way in which `docker compose config` fails: how it says so, and what that means to the user. */
export interface Failure {
  readonly says: RegExp
  readonly means: (match: readonly (string | undefined)[], scene: Scene) => Problem | readonly Problem[]
}

/** A problem at the place of a path, if the files hold it or a part of it. */
export function withPlace(scene: Scene, path: KeyPath, problem: Problem, file?: string): Problem {
  const place = scene.positions.locate(path)
  const at: Place | undefined = place ?? (file === undefined ? undefined : { file })
  return at === undefined ? problem : { ...problem, at }
}

/** The first line, comments apart, that holds a text. */
export function lineWith(text: string, sources: readonly Source[]): Place | undefined {
  if (text === '') return undefined
  for (const { file, text: whole } of sources) {
    const lines = whole.split('\n')
    const index = lines.findIndex(line => !line.trimStart().startsWith('#') && line.includes(text))
    if (index !== -1) return { file, line: index + 1, column: (lines[index] ?? '').indexOf(text) + 1 }
  }
  return undefined
}
