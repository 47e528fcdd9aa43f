import { checksTable } from './checks.js'
import { bytes, fit, type Room } from './fit.js'
import { gantt } from './gantt.js'
import type { RunReport } from './model.js'
import { failures, findings, notes, plan, problems, releases, removed, rotated } from './parts.js'
import { jobsTable, nodesTable, servicesTable } from './tables.js'
import { facts, footer, headline } from './verdict.js'

/**
 * The longest summary of a step, in bytes: GitHub shows none of a longer one
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions#step-isolation-and-limits).
 */
export const longestSummary = 1024 * 1024

/** The job summary as Markdown, verdict first, within GitHub's limit. */
export function renderSummary(report: RunReport): string {
  return fit(room => `${summaryParts(report, room).join('\n\n')}\n`, longestSummary - 1024, bytes)
}

function summaryParts(report: RunReport, room: Room): readonly string[] {
  const timeline = room.bars === 0 ? '' : gantt(report.timeline, room.bars)
  return [
    headline(report),
    facts(report),
    problems(report.problems, room),
    notes(report),
    report.command === 'plan' ? plan(report, room) : '',
    servicesTable(report.services, room.rows),
    jobsTable(report.jobs, room.rows),
    rotated(report),
    failures(report, room),
    removed(report),
    nodesTable(report.nodes, room.rows),
    checksTable(report.checks.slice(0, room.rows)),
    timeline === '' ? '' : `### Rollout\n\n${timeline}`,
    findings(report, room),
    releases(report, room),
    footer(report)
  ].filter(part => part !== '')
}
