import { cases, type CaseName } from './cases.ts'
import type { Sample } from './trial.ts'

/** Samples to what one reads: medians, ratios and goals. Pure. */

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

/** All samples of one contestant at one case with one round trip. */
interface Group {
  readonly case: CaseName
  readonly rttMs: number
  readonly contestant: string
  readonly samples: readonly Sample[]
}

function groupsOf(samples: readonly Sample[]): Group[] {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = `${sample.case} ${sample.rttMs} ${sample.contestant}`
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  return [...groups.values()].flatMap(list => {
    const [first] = list
    return first ? [{ case: first.case, rttMs: first.rttMs, contestant: first.contestant, samples: list }] : []
  })
}

const titles = [
  'contestant',
  'wall s',
  '(min–max)',
  'over floor s',
  '× floor',
  '× CLI',
  'after engine s',
  'logins',
  'round trips',
  'KiB',
  'CPU s',
  'MiB',
  'written to',
  'ended as'
]

/** A Markdown table per case and round trip, that reads well as plain text too. */
export function tables(samples: readonly Sample[]): string {
  const groups = groupsOf(samples)
  const heads = [...new Set(groups.map(group => `${group.case} ${group.rttMs}`))]
  return heads
    .map(head => {
      const list = groups.filter(group => `${group.case} ${group.rttMs}` === head)
      const [first] = list
      if (first === undefined) return ''
      const title = `${cases[first.case].title}, ${first.rttMs} ms of added round trip`
      return `### ${title[0]?.toUpperCase()}${title.slice(1)}\n\n${table([titles, ...list.map(group => row(group, list))])}`
    })
    .join('\n\n')
}

function row({ contestant, samples }: Group, beside: readonly Group[]): string[] {
  const of = (value: (sample: Sample) => number | undefined) => median(samples.flatMap(each => value(each) ?? []))
  const wall = of(({ wallMs }) => wallMs)
  const walls = samples.map(({ wallMs }) => wallMs)
  const other = (name: string) => median(beside.find(each => each.contestant === name)?.samples.map(wallOf) ?? [])
  const [floor, cli] = [other('floor'), other('docker CLI')]
  const isFloor = contestant === 'floor'
  const measured = (text: string) => (isFloor ? '' : text)
  return [
    contestant,
    seconds(wall),
    `${seconds(Math.min(...walls))}–${seconds(Math.max(...walls))}`,
    measured(seconds(difference(wall, floor))),
    measured(ratio(wall, floor)),
    measured(ratio(wall, cli)),
    seconds(of(({ afterEngineMs }) => afterEngineMs)),
    measured(plain(of(({ handshakes }) => handshakes))),
    measured(plain(of(({ roundTrips }) => roundTrips))),
    measured(
      plain(
        scaled(
          of(({ bytes }) => bytes),
          1024
        )
      )
    ),
    measured(seconds(of(({ cpuMs }) => cpuMs))),
    measured(
      plain(
        scaled(
          of(({ peakBytes }) => peakBytes),
          1 << 20
        )
      )
    ),
    plain(of(each => each.touched)),
    [...new Set(samples.map(({ said, right }) => (right ? said : `${said} (another version runs)`)))].join(', ')
  ]
}

const wallOf = ({ wallMs }: Sample): number => wallMs

/** What the bench is for, each with what was seen; undefined where the samples say nothing of it. */
export function goals(samples: readonly Sample[], ownName: string): string[] {
  const wall = (name: CaseName, rttMs: number, contestant: string) =>
    median(samples.filter(is(name, rttMs, contestant)).map(wallOf))
  const lines: string[] = []
  const goal = (text: string, value: number | undefined, limit: number | undefined, unit = ' s') => {
    if (value === undefined || limit === undefined) return
    const shown = unit === ' s' ? seconds(value) : plain(value)
    lines.push(`${value <= limit ? 'met   ' : 'MISSED'}  ${text}: ${shown}${unit}`)
  }
  for (const rttMs of new Set(samples.map(each => each.rttMs))) {
    const at = `at ${rttMs} ms`
    const over = difference(wall('update', rttMs, ownName), wall('update', rttMs, 'floor'))
    const limit = rttMs === 0 ? 1000 : 2000
    goal(`update ${at} within ${limit / 1000} s of the floor`, over, limit)
    if (rttMs === 0) goal(`no-op ${at} within 1.5 s`, wall('no-op', rttMs, ownName), 1500)
    for (const name of new Set(samples.map(each => each.case))) {
      const mine = wall(name, rttMs, ownName)
      for (const other of new Set(samples.map(each => each.contestant))) {
        if (other === ownName || other === 'floor') continue
        const theirs = wall(name, rttMs, other)
        goal(`${name} ${at} no slower than ${other} (${seconds(theirs)} s)`, mine, theirs)
      }
    }
  }
  const mine = samples.filter(each => each.contestant === ownName)
  const idle = mine.filter(each => each.case === 'no-op')
  const most = (list: readonly Sample[], value: (sample: Sample) => number) =>
    list.length === 0 ? undefined : Math.max(...list.map(value))
  goal(
    'no-op writes to no service',
    most(idle, each => each.touched),
    0,
    ''
  )
  goal(
    'logins of a job',
    most(mine, each => each.handshakes),
    1,
    ''
  )
  return lines
}

function is(name: CaseName, rttMs: number, contestant: string): (sample: Sample) => boolean {
  return each => each.case === name && each.rttMs === rttMs && each.contestant === contestant
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b
}

function scaled(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by
}

function ratio(a: number | undefined, b: number | undefined): string {
  return a === undefined || b === undefined ? '' : (a / b).toFixed(2)
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '' : (ms / 1000).toFixed(2)
}

function plain(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(0)
}

/** Rows of equal length as a Markdown table: the first and last column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0
  const isText = (column: number) => column === 0 || column === columns - 1
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(3, ...rows.map(row => row[column]?.length ?? 0))
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, column) => (isText(column) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [...rows.slice(0, 1), rule, ...rows.slice(1)].map(line).join('\n')
}
