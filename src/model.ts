/**
 * The nouns that every room shares. Pure types: what flows from the compose file to the verdict.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = Readonly<Record<string, Json>>

/** A stack file as `docker stack deploy` takes it; a service holds more keys than those named here. */
export interface Stack {
  readonly services: Readonly<Record<string, StackService>>
  readonly networks?: Readonly<Record<string, JsonObject>>
  readonly volumes?: Readonly<Record<string, JsonObject>>
  readonly secrets?: Readonly<Record<string, JsonObject>>
  readonly configs?: Readonly<Record<string, JsonObject>>
}

export interface StackService {
  readonly image: string
  readonly deploy?: JsonObject
  readonly healthcheck?: JsonObject
  readonly secrets?: readonly Json[]
  readonly configs?: readonly Json[]
  readonly [key: string]: Json | undefined
}

export type Level = 'error' | 'warning' | 'notice'

/** Something that the user should know about the compose file. `file` is relative to the workspace. */
export interface Finding {
  readonly level: Level
  readonly rule: string
  readonly message: string
  readonly remedy?: string
  readonly service?: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** A service that is built from source, as the compose file describes it. */
export interface Build {
  readonly service: string
  /** The `image:` of the compose file, if it has one. */
  readonly image?: string
  /** `build` of the canonical model, with absolute paths. */
  readonly build: JsonObject
  readonly platform?: string
  /** Secrets of the build itself, by the id under which its Dockerfile mounts them. */
  readonly secrets?: readonly BuildSecret[]
  /** By key below `build` (`context`, `additional_contexts.lib`): where the user's files have it. */
  readonly places?: Readonly<
    Record<string, { readonly file: string; readonly line?: number; readonly column?: number }>
  >
}

export interface BuildSecret {
  readonly id: string
  readonly source: ObjectSource
}

/** Where the value of a secret or a config comes from. */
export type ObjectSource =
  | { readonly from: 'file'; readonly path: string; readonly mode?: number }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'content'; readonly content: string }
  /** `external: true`: made by this action when a source has the name, else it must exist in the swarm. */
  | { readonly from: 'external'; readonly name: string }

/**
 * A secret or a config that the stack needs. `key` is its key in the stack file, whose `name` is set once the
 * value, and with it the versioned name, is known.
 */
export interface ObjectNeed {
  readonly kind: 'secret' | 'config'
  readonly key: string
  readonly source: ObjectSource
  /** The service keys that mount it. */
  readonly services: readonly string[]
  /** A fixed `name:` of the compose file, which is kept as the readable part of the versioned name. */
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly at?: { readonly file: string; readonly line?: number; readonly column?: number }
}

/** Labels that this action writes on what it makes in the swarm. */
export const label = {
  /** Docker's own: makes a thing part of a stack. */
  namespace: 'com.docker.stack.namespace',
  /** On a service: the release that last changed it. It reverts when the swarm rolls the service back. */
  release: 'swarm-rollout.release',
  /** On a service: the hash of its rendered definition, to leave unchanged services alone. */
  content: 'swarm-rollout.content',
  /** On secrets and configs: what it is for: `secret`, `config`, `release`, `lock` or `key`. */
  kind: 'swarm-rollout.kind',
  /** On everything of a preview: `owner/repo#number`. */
  preview: 'swarm-rollout.preview'
} as const
