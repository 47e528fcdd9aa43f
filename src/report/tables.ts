import type { Finding } from '../model.js'
import { shortChange, shortImage } from './image.js'
import { code, link, prose, sentence, table } from './markdown.js'
import type { JobRow, NodeRow, PlanRow, ReleaseRow, RunReport, ServiceRow } from './model.js'
import { count, duration } from '../text.js'
import { moment } from './time.js'
import { linkedCommit, shortRef } from './verdict.js'

const icons: Readonly<Record<string, string>> = {
  deployed: '✅',
  completed: '✅',
  running: '✅',
  unchanged: '➖',
  'rolled-back': '↩️',
  failed: '❌',
  timeout: '⏱️',
  removed: '🧹'
}

const levels: Readonly<Record<Finding['level'], string>> = {
  error: '❌ error',
  warning: '⚠️ warning',
  notice: 'ℹ️ notice'
}

/** What each service came to: image, replicas, time, what happened. */
export function servicesTable(rows: readonly ServiceRow[], most: number): string {
  const head = ['Service', 'Image', 'Replicas', 'Time', 'What happened']
  return capped(rows, most, shown =>
    table(
      head,
      shown.map(row => [
        code(row.key, 63),
        `${image(row.imageBefore, row.imageAfter)}${missed(row)}`,
        `${row.running}/${row.desired}`,
        row.durationMs === null ? '' : duration(row.durationMs),
        `${icons[row.verdict] ?? '•'} ${sentence(row.reason || row.verdict, 300)}`
      ])
    )
  )
}

/** The image that did not come to run. */
function missed({ imageAfter, imageWanted }: ServiceRow): string {
  if (imageWanted === undefined) return ''
  return `, not ${code(imageAfter === null ? shortImage(imageWanted) : shortChange(imageAfter, imageWanted))}`
}

/** Old and new where it changed, once where it did not. */
function image(before: string | null, after: string | null): string {
  if (before === null && after === null) return ''
  if (before === null || before === after) return code(shortImage(after ?? ''))
  if (after === null) return `${code(shortImage(before))} → gone`
  return `${code(shortImage(before))} → ${code(shortChange(before, after))}`
}

export function jobsTable(rows: readonly JobRow[], most: number): string {
  return capped(rows, most, shown =>
    table(
      ['Job', 'Time', 'What happened'],
      shown.map(row => [
        code(row.service, 63),
        row.durationMs === null ? '' : duration(row.durationMs),
        `${icons[row.verdict] ?? '•'} ${sentence(row.reason || row.verdict, 300)}`
      ])
    )
  )
}

export function findingsTable(report: RunReport, most: number): string {
  return capped(report.findings, most, shown =>
    table(
      ['Level', 'Where', 'Finding'],
      shown.map(finding => [
        levels[finding.level],
        where(report, finding),
        `${sentence(finding.message)}${finding.remedy ? ` ${sentence(finding.remedy)}` : ''} ${code(finding.rule)}`
      ])
    )
  )
}

function where(report: RunReport, finding: Finding): string {
  const service = finding.service ? code(finding.service, 63) : ''
  if (!finding.file) return service
  const place = code(`${finding.file}${finding.line ? `:${finding.line}` : ''}`)
  const path = finding.file.split('/').map(encodeURIComponent).join('/')
  const { serverUrl, repository, commit } = report
  const url = `${serverUrl ?? ''}/${repository ?? ''}/blob/${commit ?? ''}/${path}`
  const linked = serverUrl && repository && commit ? link(place, finding.line ? `${url}#L${finding.line}` : url) : place
  return service ? `${linked}<br>${service}` : linked
}

export function releasesTable(report: RunReport, most: number): string {
  return capped(report.releases, most, shown =>
    table(
      ['Release', 'Commit', 'Of', 'By', 'When', 'Verdict'],
      shown.map((row: ReleaseRow) => [
        `${code(row.id)}${row.current ? ' ← runs now' : ''}`,
        row.commit ? linkedCommit(report, row.commit) : '',
        code(shortRef(row.ref)),
        code(row.actor),
        prose(moment(row.at), 40),
        sentence(row.verdict, 60)
      ])
    )
  )
}

export function nodesTable(rows: readonly NodeRow[], most: number): string {
  return capped(rows, most, shown =>
    table(
      ['Node', 'Role', 'State', 'Availability', 'Engine'],
      shown.map(row => [code(row.name, 63), ...[row.role, row.state, row.availability, row.engine].map(x => code(x))])
    )
  )
}

const planWords: Readonly<Record<PlanRow['kind'], string>> = {
  create: '🆕 create',
  update: '✏️ update',
  remove: '🗑️ remove',
  run: '▶️ run',
  unchanged: '➖ unchanged'
}

/** What a deploy would do, service by service; what stays is only counted. */
export function planTable(rows: readonly PlanRow[], most: number): string {
  const changing = rows.filter(row => row.kind !== 'unchanged')
  const still = rows.length - changing.length
  const rest = still === 0 ? '' : `${count(still, 'service stays as it is', 'services stay as they are')}.`
  const shown = capped(changing, most, part =>
    table(
      ['Service', 'What', 'Changes'],
      part.map(row => [code(row.service, 63), planWords[row.kind], row.fields.slice(0, 30).map(field).join('<br>')])
    )
  )
  return [shown, rest].filter(part => part !== '').join('\n\n')
}

/** Images are shortened as everywhere; the name alone where there is nothing that may be shown. */
function field({ name, before, after }: PlanRow['fields'][number]): string {
  const short = name === 'image' ? shortImage : (text: string) => text
  if (before === undefined && after === undefined) return code(name)
  if (before !== undefined && after !== undefined) {
    const now = name === 'image' ? shortChange(before, after) : after
    return `${code(name)} ${code(short(before))} → ${code(now)}`
  }
  return before === undefined ? `${code(name)} ${code(short(after ?? ''))}` : `${code(name)} ${code(short(before))} → –`
}

/** At most so many rows, and how many more there are. */
function capped<T>(rows: readonly T[], most: number, render: (shown: readonly T[]) => string): string {
  if (rows.length === 0) return ''
  const more = rows.length - most
  return more > 0 ? `${render(rows.slice(0, most))}\n\n… and ${more} more.` : render(rows)
}
