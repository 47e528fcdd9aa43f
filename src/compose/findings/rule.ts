import type { Level } from '../../model.js'

export interface RuleText {
  readonly level: Level
  readonly title: string
  /** Why it matters, for docs/findings.md. */
  readonly why: string
  /** What to do, in one or two sentences; shown with the finding. */
  readonly remedy: string
  /** `false`: silencing it would deploy something that cannot work. */
  readonly silence?: false
}
