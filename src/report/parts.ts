import type { Problem } from '../errors.js'
import type { Room } from './fit.js'
import { block, clip, code, folded, prose, sentence } from './markdown.js'
import { count } from '../text.js'
import type { Failure, RunReport } from './model.js'
import { findingsTable, planTable, releasesTable } from './tables.js'

/** Why services failed: cause and remedy in the open, history and logs folded. */
export function failures(report: RunReport, room: Room): string {
  const shown = report.failures.slice(0, room.failures).map(failure => describe(failure, room))
  const more = report.failures.length - shown.length
  const rest = more > 0 && report.failures.length > 0 ? [`… and ${count(more, 'more failure')}.`] : []
  return [...shown, ...rest].join('\n\n')
}

function describe(failure: Failure, room: Room): string {
  const task = failure.task ? `task ${code(failure.task)}` : ''
  const node = failure.node ? `on ${code(failure.node)}` : ''
  const place = [task, node].filter(part => part !== '').join(' ')
  const history = failure.history.slice(-Math.min(20, room.lines))
  const logs = room.lines === 0 ? [] : failure.logs.slice(-room.lines)
  const parts = [
    `### ${code(failure.service, 63)} failed`,
    [sentence(failure.cause), failure.remedy ? sentence(failure.remedy) : ''].filter(part => part !== '').join(' '),
    place === '' ? '' : `<sub>${place}</sub>`,
    history.length === 0 ? '' : folded('What its tasks did', block(history)),
    logs.length === 0 ? '' : folded(`Last ${count(logs.length, 'line')} of its log`, block(logs))
  ]
  return parts.filter(part => part !== '').join('\n\n')
}

/** What stopped the run: each problem with its place and remedy. */
export function problems(list: readonly Problem[], room: Room): string {
  const shown = list.slice(0, Math.max(3, room.rows))
  const more = list.length - shown.length
  const items = shown.map(problem => {
    const at = problem.at ? `${code(`${problem.at.file}${problem.at.line ? `:${problem.at.line}` : ''}`)}: ` : ''
    const remedy = problem.remedy ? ` ${sentence(problem.remedy)}` : ''
    const details =
      problem.details && room.lines > 0
        ? `\n\n${folded('Details', block(problem.details.split('\n').slice(-room.lines)))}\n`
        : ''
    return `- ${at}${sentence(problem.message)}${remedy}${details.replace(/\n(?=.)/g, '\n  ')}`
  })
  return [...items, ...(more > 0 ? [`- … and ${more} more.`] : [])].join('\n')
}

/** What a deploy would change, or that it would change nothing. */
export function plan(report: RunReport, room: Room): string {
  const nothing = report.plan.every(row => row.kind === 'unchanged') && report.problems.length === 0
  return [nothing ? 'A deploy would change nothing.' : '', planTable(report.plan, room.rows)]
    .filter(part => part !== '')
    .join('\n\n')
}

/** Findings, open while they are few and something is to be done about one. */
export function findings(report: RunReport, room: Room): string {
  if (report.findings.length === 0 || room.rows === 0) return ''
  const number = (level: string) => report.findings.filter(finding => finding.level === level).length
  const words = [
    [number('error'), 'error'],
    [number('warning'), 'warning'],
    [number('notice'), 'notice']
  ] as const
  const title = words
    .filter(([found]) => found > 0)
    .map(([found, word]) => count(found, word))
    .join(', ')
  return folded(
    `Findings: ${title}`,
    findingsTable(report, room.rows),
    report.findings.length <= 5 && number('error') + number('warning') > 0
  )
}

/** The releases that one can go back to, and how. */
export function releases(report: RunReport, room: Room): string {
  if (report.releases.length === 0 || room.rows === 0) return ''
  const others = report.releases.filter(({ current }) => !current).length
  const how = 'Go back with `command: rollback` and `release:` set to one of these, or to `previous`.'
  return folded(
    `Releases to go back to: ${others === 0 ? 'none yet' : others}`,
    [releasesTable(report, room.rows), ...(others === 0 ? [] : [how])].join('\n\n'),
    report.command === 'rollback'
  )
}

export function rotated(report: RunReport): string {
  if (report.rotated.length === 0) return ''
  return `New secrets and configs: ${names(report.rotated)}.`
}

export function removed(report: RunReport): string {
  return report.removed
    .slice(0, 200)
    .map(name => `- ${sentence(name)}`)
    .join('\n')
}

/** What was left, as a list under a heading of its own: nobody should miss it. */
export function notes(report: RunReport): string {
  return report.notes
    .slice(0, 50)
    .map(note => `> ${sentence(note)}`)
    .join('\n>\n')
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, 50).map(name => code(name))
  return shown.join(', ') + (list.length > 50 ? prose(clip(` and ${list.length - 50} more`, 40)) : '')
}
