import type { TimelineBar } from './model.js'

/** Bars beyond this are left out: the picture would be higher than the page. */
const mostBars = 60

const tags: Readonly<Record<TimelineBar['state'], string>> = { done: 'done', running: 'active', failed: 'crit' }

/**
 * The rollout as a Mermaid gantt: a section for each service, seconds since the start. Empty without bars. Names keep
 * letters, digits and a few marks only, since Mermaid has no escape that holds in every place of a gantt
 * (https://github.com/mermaid-js/mermaid/blob/develop/packages/mermaid/src/diagrams/gantt/parser/gantt.jison).
 */
export function gantt(bars: readonly TimelineBar[], most = mostBars): string {
  const shown = bars.filter(bar => Number.isFinite(bar.startMs) && Number.isFinite(bar.endMs)).slice(0, most)
  if (shown.length === 0) return ''
  const start = Math.min(...shown.map(bar => bar.startMs))
  const services = [...new Set(shown.map(bar => bar.service))]
  const sections = services.flatMap(service => [
    // A longer one would lie under the bars.
    `    section ${plain(service).slice(0, 20)}`,
    ...shown.filter(bar => bar.service === service).map(bar => line(bar, start))
  ])
  const head = ['gantt', '    dateFormat x', '    axisFormat %s s', '    todayMarker off']
  return ['```mermaid', ...head, ...sections, '```'].join('\n')
}

/** At least half a second wide, or it could not be seen. */
function line(bar: TimelineBar, start: number): string {
  const from = Math.round(bar.startMs - start)
  const to = Math.max(from + 500, Math.round(bar.endMs - start))
  return `    ${plain(bar.label)} :${tags[bar.state]}, ${from}, ${to}`
}

/** The leading sign keeps a name from being read as a keyword of the diagram, such as `click` or `title`. */
function plain(text: string): string {
  const kept = text
    .replace(/[^\p{L}\p{N} ._/()-]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 60)
  return kept === '' || keywords.test(kept) ? `_${kept}` : kept
}

const keywords =
  /^(?:gantt|click|call|href|title|section|dateformat|axisformat|tickinterval|inclusiveenddates|topaxis|excludes|includes|todaymarker|weekday|weekend|acctitle|accdescr|displaymode|done|active|crit|milestone|vert)\b/i
