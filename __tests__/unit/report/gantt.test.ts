import { describe, expect, it } from '@jest/globals'
import { gantt } from '../../../src/report/gantt.js'
import type { TimelineBar } from '../../../src/report/model.js'

const bar = (label: string, from: number, to: number, more: Partial<TimelineBar> = {}): TimelineBar => ({
  service: label.split('.')[0] ?? '',
  label,
  startMs: 1_800_000_000_000 + from,
  endMs: 1_800_000_000_000 + to,
  state: 'done',
  ...more
})
const lines = (...bars: TimelineBar[]) =>
  gantt(bars)
    .split('\n')
    .slice(6, -1)
    .map(text => text.trim())

describe('gantt', () => {
  it('is nothing without bars, and with times that are none', () => {
    expect(gantt([])).toBe('')
    expect(gantt([bar('web.1 running', NaN, 5)])).toBe('')
  })

  it('shows one task after the other, the tenth after the second, and what the updater did first', () => {
    expect(
      lines(
        bar('web.10 starting', 0, 900, { state: 'running' }),
        bar('web.2 failed', 500, 1000, { state: 'failed' }),
        bar('web.2 starting', 0, 500, { state: 'running' }),
        bar('update', 100, 3000, { service: 'web', state: 'running' })
      )
    ).toEqual([
      'section web',
      'update :active, 100, 3000',
      'web.2 starting :active, 0, 500',
      'web.2 failed :crit, 500, 1000',
      'web.10 starting :active, 0, 900'
    ])
  })

  it('joins what goes on, and keeps two tasks of one slot apart', () => {
    expect(
      lines(
        bar('web.1 starting', 0, 1000, { state: 'running' }),
        bar('web.1 running', 1000, 6000),
        bar('web.1 running', 3000, 9000),
        bar('web.1 running', 9300, 9400)
      )
    ).toEqual([
      'section web',
      'web.1 starting :active, 0, 1000',
      'web.1 running :done, 1000, 6000',
      'web.1 running :done, 3000, 9400'
    ])
  })

  it('joins what two watches saw of one task, though their clocks differ a little', () => {
    expect(
      lines(
        bar('db.1 running', 0, 25_596),
        bar('db.1 running', 25_576, 26_060),
        bar('web.1 running', 0, 25_596, { service: 'web' }),
        bar('web.1 failed', 0, 20_000, { service: 'web', state: 'failed' }),
        bar('web.1 running', 25_576, 26_060, { service: 'web' })
      )
    ).toEqual(['section web', 'web.1 running :done, 0, 26060', 'web.1 failed :crit, 0, 20000'])
  })

  it('leaves out a service that nothing happened to', () => {
    expect(lines(bar('db.1 running', 0, 9000), bar('web.1 failed', 0, 9000, { state: 'failed' }))).toEqual([
      'section web',
      'web.1 failed :crit, 0, 9000'
    ])
  })

  it.each(['click', 'title', 'section', 'vert', 'todayMarker', 'active', 'call', 'weekday', ''])(
    'is not taken in by a service named %j',
    name => {
      const [section, line] = lines(bar('x', 0, 900, { service: name, label: `${name} me`.trim(), state: 'failed' }))
      expect(section).toBe(`section _${name}`)
      expect(line).toBe(name === '' ? 'me :crit, 0, 900' : `_${name} me :crit, 0, 900`)
    }
  )

  it.each([
    [5_000, '1second'],
    [40_000, '5second'],
    [100_000, '10second'],
    [600_000, '1minute'],
    [7_200_000, '10minute'],
    [1e9, '60minute']
  ])('has few enough lines for %d ms', (ms, tick) => {
    expect(gantt([bar('web.1 failed', 0, ms, { state: 'failed' })])).toContain(`tickInterval ${tick}`)
  })
})
