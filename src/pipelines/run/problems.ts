import { messageOf, UserError, type Problem } from '../../errors.js'
import { engineFailed } from '../../errors/engine.js'
import { EngineError } from '../../ports.js'

/** What was thrown, in words for the user; what is neither theirs nor the engine's is a defect of the action. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof UserError) return error.problems
  return [error instanceof EngineError ? engineFailed(error) : defect(error)]
}

function defect(error: unknown): Problem {
  return {
    message: `The action itself failed: ${messageOf(error)}`,
    remedy:
      'This is a defect of the action, not of your stack. Run the job again with debug logging on, and report it with that log.'
  }
}
