import type { RunReport, RunStatus } from './model.js'
import { address, code, link, sentence } from './markdown.js'
import { duration } from '../text.js'
import { moment } from './time.js'

const verdicts: Readonly<Record<RunStatus, { readonly icon: string; readonly word: string }>> = {
  deployed: { icon: '✅', word: 'Deployed' },
  unchanged: { icon: '✅', word: 'Nothing to deploy' },
  'rolled-back': { icon: '↩️', word: 'Rolled back' },
  failed: { icon: '❌', word: 'Failed' },
  cancelled: { icon: '⏹️', word: 'Cancelled' },
  overtaken: { icon: '⏭️', word: 'Overtaken by a newer run' },
  removed: { icon: '🧹', word: 'Removed' },
  checked: { icon: '🔎', word: 'Checked' },
  planned: { icon: '📋', word: 'Plan' },
  pruned: { icon: '🧹', word: 'Pruned' },
  ready: { icon: '✅', word: 'Server is ready' },
  status: { icon: '📋', word: 'Status' },
  skipped: { icon: '⏭️', word: 'Skipped' }
}

/** The first thing to read: how it ended, for which stack and release. */
export function headline(report: RunReport, level = 2): string {
  const { icon, word } = verdicts[report.status]
  const what = [report.stack, report.release].filter(part => part !== undefined && part !== '')
  const back = report.rollbackOf === undefined ? '' : ` as it was in ${code(report.rollbackOf)}`
  return `${'#'.repeat(level)} ${icon} ${verb(report, word)}${what.map(part => ` ${code(part ?? '')}`).join('')}${back}`
}

function verb(report: RunReport, word: string): string {
  return report.preview && report.status === 'removed' ? 'Preview removed' : word
}

/** Why, and the facts around it: URL, commit, who, how long. */
export function facts(report: RunReport, url: 'with URL' | 'without URL' = 'with URL'): string {
  const reason = report.reason === undefined ? [] : [sentence(report.reason)]
  const items = [
    report.url === undefined || url === 'without URL' ? '' : address(report.url),
    commit(report),
    report.actor ? `by ${code(report.actor)}` : '',
    report.previousRelease
      ? `${report.command === 'plan' ? 'runs now' : 'release before'}: ${code(report.previousRelease)}`
      : '',
    `in ${duration(report.endedAt - report.startedAt)}`
  ]
  return [...reason, items.filter(item => item !== '').join(' · ')].join('\n\n')
}

/** The commit, linked, with its branch or tag. */
export function commit(report: RunReport): string {
  const name = shortRef(report.refName ?? '')
  const ref = name === '' ? '' : ` of ${code(name)}`
  if (!report.commit) return name === '' ? '' : code(name)
  return `${linkedCommit(report, report.commit)}${ref}`
}

/** `refs/heads/main` as people say it. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '')
}

export function linkedCommit(report: Pick<RunReport, 'repository' | 'serverUrl'>, sha: string): string {
  const short = code(/^[0-9a-f]{40,64}$/.test(sha) ? sha.slice(0, 7) : sha, 40)
  if (!report.repository || !report.serverUrl) return short
  return link(short, `${report.serverUrl}/${report.repository}/commit/${encodeURIComponent(sha)}`)
}

/** Where to read more, and how fresh this is. */
export function footer(report: RunReport): string {
  const log = report.runUrl ? [link('Log of this run', report.runUrl)] : []
  return `<sub>${[...log, moment(report.endedAt)].join(' · ')}</sub>`
}
