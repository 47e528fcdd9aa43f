import type { Place } from '../errors.js'
import type { Level } from '../model.js'
import type { Rule } from './findings/catalogue.js'

/** A step on the way to a key in the user's YAML: a mapping's key, the list item about a target, or the n-th item. */
export type Step = string | { readonly item: string | number } | { readonly index: number }
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
  /** Where it is, when no key leads there. */
  readonly place?: Place
}

/** What every topic of the translation gives back: its piece of the stack, and what the user should know. */
export interface Translated<T> {
  readonly value: T
  readonly notes: readonly Note[]
}

export function plain<T>(value: T): Translated<T> {
  return { value, notes: [] }
}
