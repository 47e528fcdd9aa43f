import type { Place } from '../../errors.js'
import { label, type Finding, type Stack } from '../../model.js'
import type { RegistrySession } from '../../stages/login.js'
import type { StackTarget } from '../run/run.js'

/** A stack that is ready to be applied: images pinned, objects named. */
export interface Wanted {
  readonly target: StackTarget
  readonly stack: Stack
  readonly phases: readonly (readonly string[])[]
  readonly jobs: readonly string[]
  readonly openReplicas: readonly string[]
  readonly places: Readonly<Record<string, Place>>
  readonly findings: readonly Finding[]
  /** Images that this run built, which garbage collection may remove one day. */
  readonly brought: Readonly<Record<string, string>>
  /** Names of the secrets and configs that are new. */
  readonly rotated: readonly string[]
  readonly session: RegistrySession
  readonly labels: Readonly<Record<string, string>>
  readonly rollbackOf?: string
}

/** What marks everything of a preview as one; nothing for any other stack. */
export function labelsOf(target: StackTarget): Readonly<Record<string, string>> {
  return target.preview === undefined ? {} : { [label.preview]: target.preview.label }
}
