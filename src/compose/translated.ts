import type { Level } from '../model.js'
import type { Rule } from './findings/catalogue.js'

/** A step on the way to a key in the user's YAML: a mapping's key, or the list item that is about a target. */
export type Step = string | { readonly item: string | number }
export type KeyPath = readonly Step[]

/** Something to tell the user, before it has a place in a file and before silencing. */
export interface Note {
  readonly rule: Rule
  /** The service as the user named it. */
  readonly service?: string
  /** What happened, as one sentence. */
  readonly message: string
  /** Instead of the rule's own remedy. */
  readonly remedy?: string
  /** Instead of the rule's own level. */
  readonly level?: Level
  /** From the root of the compose file. */
  readonly at: KeyPath
}

/** What every topic of the translation gives back: its piece of the stack, and what the user should know. */
export interface Translated<T> {
  readonly value: T
  readonly notes: readonly Note[]
}

export function plain<T>(value: T): Translated<T> {
  return { value, notes: [] }
}
