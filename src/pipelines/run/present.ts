import { messageOf } from '../../errors.js'
import { notHandedOn } from '../../errors/report.js'
import type { Job } from '../../job.js'
import type { Ports } from '../../ports.js'
import type { RunReport } from '../../report/model.js'
import { redacted } from '../../report/redact.js'
import { renderSummary } from '../../report/summary.js'
import type { Outcome } from './run.js'

/**
 * Hands on what a run has to tell: its outputs and the job summary. What the runner does not take is a warning, and the verdict stays what it
 * is: a stack that runs is not undone by a full disk, and a red run has to come to its last line all the same.
 */
export async function present(
  { ports, job }: { readonly ports: Ports; readonly job: Job },
  outcome: Outcome
): Promise<void> {
  // Before anything is rendered: afterwards a secret's own characters may be escaped, and nobody would find it.
  const report = redacted(withJob(job, outcome.report), text => ports.log.redact(text))
  await orWarn(ports, 'outputs', () => {
    for (const [name, value] of Object.entries(outputsOf({ ...outcome, report }))) ports.outputs.set(name, value)
  })
  await orWarn(ports, 'summary', () => ports.outputs.summary(ports.log.redact(renderSummary(report))))
  const what = [report.stack, report.release].filter(part => part !== undefined && part !== '').join(' ')
  ports.log.info(`${report.status}: ${[what, report.reason].filter(part => part !== undefined).join('. ')}`)
}

async function orWarn({ log }: Ports, what: string, write: () => void | Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    const { message, remedy } = notHandedOn(what, messageOf(error))
    log.warning([message, remedy].join(' '))
  }
}

/** The report with what is known of the job: its commit, branch, actor and log. */
export function withJob(job: Job, report: RunReport): RunReport {
  return {
    ...report,
    commit: report.commit ?? job.commit,
    refName: report.refName ?? job.pullRequest?.headRef ?? job.refName,
    actor: job.actor,
    repository: job.repository,
    serverUrl: job.serverUrl,
    runUrl: job.runUrl
  }
}

function outputsOf({ report, images, stackFile }: Outcome): Readonly<Record<string, string>> {
  return {
    status: report.status,
    stack: report.stack,
    release: report.release ?? '',
    'previous-release': report.previousRelease ?? '',
    url: report.url ?? '',
    images: JSON.stringify(images ?? {}),
    services: JSON.stringify(report.services),
    findings: JSON.stringify(report.findings),
    changes: JSON.stringify(report.plan),
    'stack-file': stackFile ?? ''
  }
}
