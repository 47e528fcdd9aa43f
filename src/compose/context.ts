import type { ComposeModel, ComposeService } from './model.js'
import type { ComposeProject } from './project.js'
import type { ServiceMode } from './jobs.js'
import type { PreviewPorts } from './published.js'
import type { KeyPath } from './translated.js'

export interface PreviewOptions {
  readonly ports: PreviewPorts
  /** How many replicas each service of a preview has; `keep` leaves what the file says. */
  readonly replicas: number | 'keep'
}

export interface TranslateOptions {
  readonly stack: string
  readonly policy: 'auto' | 'none'
  readonly preview?: PreviewOptions
}

/** What the topics know while they translate one service. */
export interface ServiceContext {
  /** As the user named it. */
  readonly name: string
  /** Its key in the stack. */
  readonly key: string
  readonly service: ComposeService
  readonly mode: ServiceMode
  readonly model: ComposeModel
  readonly project: ComposeProject
  readonly options: TranslateOptions
  /** By service, as the user named it: its key in the stack. */
  readonly keys: Readonly<Record<string, string>>
  /** By network, as the user named it: its key in the stack. */
  readonly networkKeys: Readonly<Record<string, string>>
  /** By service: further names under which the others know it. */
  readonly aliases: Readonly<Record<string, readonly string[]>>
  /** What the user wrote at a path, before interpolation; undefined where it is not a plain value. */
  readonly written: (path: KeyPath) => string | undefined
  /** Whether one of the project's environment files sets a variable. */
  readonly inEnvFiles: (variable: string) => boolean
}
