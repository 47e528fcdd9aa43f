/** Where in the repository a message points; shown as an annotation. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

/** One thing that is wrong, in words for the user: what happened, where, and what to do. */
export interface Problem {
  readonly message: string
  readonly remedy?: string
  readonly at?: Place
  /** Longer text under the message, such as a tool's own last lines. Masked and defused like any log. */
  readonly details?: string
}

/**
 * An error that the user can act on. It carries every problem found, so that one run names them all.
 * Anything else that is thrown is a defect of the action, and is reported as one.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly problems: readonly Problem[]

  constructor(problems: Problem | readonly Problem[], options?: { cause?: unknown }) {
    const all = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem]
    super(all.map(problem => problem.message).join('\n'), options)
    this.problems = all
  }
}

/** The message of anything thrown, without a stack. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
