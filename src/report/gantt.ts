import type { TimelineBar } from './model.js'

/** Bars beyond this are left out: the picture would be higher than the page. */
const mostBars = 60

const tags: Readonly<Record<TimelineBar['state'], string>> = { done: 'done', running: 'active', failed: 'crit' }

/**
 * The rollout as a Mermaid gantt: a section for each service that something happened to, seconds since the start.
 * Empty without bars. Names keep letters, digits and a few marks only, since Mermaid has no escape that holds in every
 * place of a gantt
 * (https://github.com/mermaid-js/mermaid/blob/develop/packages/mermaid/src/diagrams/gantt/parser/gantt.jison).
 */
export function gantt(bars: readonly TimelineBar[], most = mostBars): string {
  const known = bars.filter(bar => Number.isFinite(bar.startMs) && Number.isFinite(bar.endMs))
  const joined = join([...known].sort(byTask))
  const start = Math.min(...joined.map(bar => bar.startMs))
  const end = Math.max(...joined.map(bar => bar.endMs))
  const services = [...new Set(known.map(bar => bar.service))].filter(service => hasNews(service, joined, start))
  const shown = joined.filter(bar => services.includes(bar.service)).slice(0, most)
  if (shown.length === 0) return ''
  const sections = services.flatMap(service => section(service, shown, start))
  const head = ['gantt', '    dateFormat x', '    axisFormat %s s', `    tickInterval ${tick(end - start)}`]
  return ['```mermaid', ...head, '    todayMarker off', ...sections, '```'].join('\n')
}

function section(service: string, shown: readonly TimelineBar[], start: number): readonly string[] {
  const own = shown.filter(bar => bar.service === service)
  // A longer name would lie under the bars.
  return own.length === 0 ? [] : [`    section ${plain(service).slice(0, 20)}`, ...own.map(bar => line(bar, start))]
}

/** A service whose tasks have all been running since the start has nothing to tell. */
function hasNews(service: string, bars: readonly TimelineBar[], start: number): boolean {
  const own = bars.filter(bar => bar.service === service)
  return own.some(bar => bar.state !== 'done' || bar.startMs > start + 1000)
}

/** One task after the other, what the updater was at first. */
function byTask(a: TimelineBar, b: TimelineBar): number {
  return rank(a) - rank(b) || taskOf(a).localeCompare(taskOf(b), 'en', { numeric: true }) || a.startMs - b.startMs
}

function rank({ label }: TimelineBar): number {
  return label.includes('.') ? 1 : 0
}

function taskOf({ label }: TimelineBar): string {
  return rank({ label } as TimelineBar) === 0 ? '' : (label.split(' ')[0] ?? '')
}

/**
 * Bars that go on where the one before ended: a rollout and its way back are watched one after the other, each by its
 * own estimate of the engine's clock.
 */
function join(bars: readonly TimelineBar[]): readonly TimelineBar[] {
  const joined: TimelineBar[] = []
  for (const bar of bars) {
    const index = joined.findLastIndex(
      old =>
        old.service === bar.service &&
        old.label === bar.label &&
        old.state === bar.state &&
        Math.abs(bar.startMs - old.endMs) <= (bar.startMs < old.endMs ? 500 : 1500)
    )
    const old = joined[index]
    if (old !== undefined && bar.endMs >= old.endMs) joined[index] = { ...old, endMs: bar.endMs }
    else joined.push(bar)
  }
  return joined
}

/** At most some twelve lines across. */
function tick(ms: number): string {
  const seconds = [1, 2, 5, 10, 15, 30].find(each => ms / 1000 / each <= 12)
  if (seconds !== undefined) return `${seconds}second`
  return `${[1, 2, 5, 10, 15, 30].find(each => ms / 60_000 / each <= 12) ?? 60}minute`
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
