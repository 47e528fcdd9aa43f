import { prepare, writeStackFile } from './site/prepare.js'
import { reportNow, type Outcome, type Run, type StackTarget } from './run/run.js'

/** Offline: translates the compose files, shows the findings, and writes the stack file. */
export async function check(run: Run, target: StackTarget): Promise<Outcome> {
  const { translation } = await prepare(run, target)
  return {
    report: {
      ...reportNow(run, { command: 'check', status: 'checked', stack: target.stack }),
      findings: translation.findings
    },
    stackFile: await writeStackFile(run, translation.stack)
  }
}
