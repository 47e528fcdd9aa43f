import { readSurvey, surveyArgv, type Survey } from '../commands/setup.js'
import { UserError } from '../errors.js'
import { setupProblems, surveyFailed } from '../errors/setup.js'
import type { Host } from '../ports.js'

/**
 * Lets a server say what it is; `socket` is where its engine is to listen. Changes nothing.
 * @throws UserError with everything that keeps it from being set up.
 */
export async function surveyServer(host: Host, socket: string): Promise<Survey> {
  const answer = await host.run(surveyArgv(socket), { timeoutMs: 60_000 })
  if (!/^user=./m.test(answer.stdout)) throw new UserError(surveyFailed(host.name, answer.stderr || answer.stdout))
  const survey = readSurvey(answer.stdout)
  const problems = setupProblems(host.name, survey)
  if (problems.length > 0) throw new UserError(problems)
  return survey
}
