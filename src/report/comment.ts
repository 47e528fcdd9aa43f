import { fit, type Room } from './fit.js'
import { address, folded } from './markdown.js'
import type { RunReport } from './model.js'
import { failures, findings, notes, plan, problems, rotated } from './parts.js'
import { jobsTable, servicesTable } from './tables.js'
import { facts, footer, headline } from './verdict.js'

/** GitHub refuses a longer comment; characters. */
export const longestComment = 65_536

/** First line of the one comment that a stack has on a pull request, by which it is found again. */
export function commentMarker(stack: string): string {
  return `<!-- swarm-rollout:${stack.replace(/[^A-Za-z0-9_.-]/g, '_')} -->`
}

/** The comment on the pull request: where it runs and whether it does; the rest is folded. */
export function renderComment(report: RunReport): string {
  const body = (room: Room) => `${commentMarker(report.stack)}\n${commentParts(report, room).join('\n\n')}\n`
  return fit(body, longestComment - 1024, text => text.length)
}

function commentParts(report: RunReport, room: Room): readonly string[] {
  const lines = Math.min(room.lines, 30)
  const table = servicesTable(report.services, room.rows)
  return [
    headline(report, 3),
    report.url === undefined || report.status === 'removed' ? '' : `**${address(report.url)}**`,
    facts(report, 'without URL'),
    problems(report.problems, room),
    notes(report),
    report.command === 'plan' ? plan(report, room) : '',
    table === '' ? '' : folded('Services', table, report.status !== 'deployed'),
    jobsTable(report.jobs, room.rows),
    rotated(report),
    failures(report, { ...room, lines }),
    findings(report, room),
    footer(report)
  ].filter(part => part !== '')
}
