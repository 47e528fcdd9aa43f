import { emptyReport } from '../report/model.js'
import { prepare, writeStackFile } from './prepare.js'
import type { Outcome, Run, StackTarget } from './run.js'

/** Offline: translates the compose files, shows the findings, and writes the stack file. */
export async function check(run: Run, target: StackTarget): Promise<Outcome> {
  const { translation } = await prepare(run, target)
  const head = { command: 'check', status: 'checked', stack: target.stack, startedAt: run.startedAt } as const
  return {
    report: { ...emptyReport({ ...head, endedAt: run.ports.clock.now() }), findings: translation.findings },
    stackFile: await writeStackFile(run, translation.stack)
  }
}
