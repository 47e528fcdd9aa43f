import type { ComposeModel } from './model.js'

/** A file that the user wrote, to find the place of a key in. `file` is relative to the workspace. */
export interface Source {
  readonly file: string
  readonly text: string
}

/** What a path of the runner is, for the binds that point into the repository. */
export type PathInfo =
  | { readonly kind: 'missing' }
  | { readonly kind: 'outside' }
  /** A symbolic link, which is not followed: it may lead out of the repository. */
  | { readonly kind: 'link' }
  | { readonly kind: 'other' }
  | { readonly kind: 'file'; readonly size: number; readonly mode: number }
  | {
      readonly kind: 'directory'
      /** Relative to the folder, sorted. */
      readonly files: readonly { readonly path: string; readonly size: number; readonly mode: number }[]
    }

/** Everything that is known about the user's compose files; `translate` needs nothing else. */
export interface ComposeProject {
  /** Absolute path of the repository on the runner. */
  readonly workspace: string
  readonly model: ComposeModel
  /** The compose files in the order they were given, then those they include or extend. */
  readonly sources: readonly Source[]
  /** Files named by `env_file:` and `.env`. */
  readonly envSources: readonly Source[]
  /** Variables that compose found nowhere and took as blank. */
  readonly unset: readonly string[]
  /** By absolute path: the sources of bind mounts. */
  readonly paths: Readonly<Record<string, PathInfo>>
  /** By service: the built image has a HEALTHCHECK of its own. */
  readonly imageHealthchecks: readonly string[]
}
