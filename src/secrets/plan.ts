import type { Problem } from '../errors.js'
import { ambiguous, badObjectName, emptyObject, missingObject, missingFile, tooLarge } from '../errors/secrets.js'
import type { ObjectNeed } from '../model.js'
import { findValue, type Values } from './match.js'
import { isObjectName, sizes } from './name.js'

/** An object whose bytes are known. */
export interface ReadyObject {
  readonly need: ObjectNeed
  readonly data: Uint8Array
  /** Where the value came from, for the log: `the secrets input, DATABASE_URL`. */
  readonly origin: string
  /** The bytes are secret: a secret's always, a config's when they came from the `secrets` input. */
  readonly hidden: boolean
}

/** What becomes of one need: its bytes are known, a file must be read, the swarm must have it, or something is wrong. */
export type Planned =
  | { readonly is: 'ready'; readonly object: ReadyObject }
  | { readonly is: 'external'; readonly need: ObjectNeed }
  /** `inFiles`: wrong whatever secrets the job has. */
  | { readonly is: 'problem'; readonly problem: Problem; readonly inFiles: boolean }

/**
 * Decides where an object's value comes from. `file` is what the need's file holds, null when there is none, and `shown`
 * how messages name it.
 *
 * A secret that the `secrets` input names goes before a file of the repository, which is what developers use at home. A
 * config's file is part of the app and goes first. An `external` object is made when a source has its name, and must
 * exist otherwise.
 */
export function planObject(need: ObjectNeed, values: Values, file: Uint8Array | null, shown = 'its file'): Planned {
  const { source } = need
  switch (source.from) {
    case 'content':
      return ready(need, text(source.content), 'the compose file', false, true)
    case 'environment':
      return fromValues(need, [source.variable], values) ?? problem(missingObject(need))
    case 'external':
      return fromValues(need, externalNames(need, source.name), values) ?? external(need, source.name)
    case 'file': {
      const names = fileNames(need, source.path)
      if (need.kind === 'config' && file !== null) return ready(need, file, shown, false, true)
      const given = fromValues(need, names, file === null ? values : { ...values, env: {} })
      if (given !== undefined) return given
      return file === null ? problem(missingFile(need, shown)) : ready(need, file, shown, true, true)
    }
  }
}

function fromValues(need: ObjectNeed, names: readonly string[], values: Values): Planned | undefined {
  const match = findValue(names, values)
  if (match.found === 'nothing') return undefined
  if (match.found === 'ambiguous') return problem(ambiguous(need, match.names))
  // An empty secret of GitHub is one that does not exist.
  const origin = match.found === 'secrets' ? `the \`secrets\` input, ${match.name}` : `the environment, ${match.name}`
  return ready(need, text(match.value), origin, match.found === 'secrets')
}

function ready(need: ObjectNeed, data: Uint8Array, origin: string, hidden: boolean, inFiles = false): Planned {
  const { least, most } = sizes[need.kind]
  if (data.byteLength < least) return problem(emptyObject(need, origin, inFiles), inFiles)
  if (data.byteLength > most) return problem(tooLarge(need, origin, data.byteLength, most), inFiles)
  return { is: 'ready', object: { need, data, origin, hidden: hidden || need.kind === 'secret' } }
}

function external(need: ObjectNeed, name: string): Planned {
  return isObjectName(name) ? { is: 'external', need } : problem(badObjectName(need, name), true)
}

function problem(found: Problem, inFiles = false): Planned {
  return { is: 'problem', problem: found, inFiles }
}

function externalNames(need: ObjectNeed, name: string): readonly string[] {
  return [...new Set([name, need.key])]
}

/** A secret's file that is not in the repository (`./db_password.txt` in .gitignore) may come by its key or its file's name. */
function fileNames(need: ObjectNeed, path: string): readonly string[] {
  const base = (path.split('/').at(-1) ?? '').replace(/^\.+/, '').replace(/\.[^.]*$/, '')
  return [...new Set([need.key, ...(base === '' ? [] : [base])])]
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}
