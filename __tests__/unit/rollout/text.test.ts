import { describe, expect, it } from '@jest/globals'
import { defuse, duration, oneLine } from '../../../src/text.js'

/** How the runner finds a command in a line: actions/runner, src/Runner.Common/ActionCommand.cs. */
const isCommand = (line: string) => /^\s*::[^:]/.test(line) || line.includes('##[')

describe('a line of somebody else', () => {
  it.each([
    ['::error file=a.ts::boom'],
    ['   ::add-mask::hunter2'],
    ['\t::set-output name=a::b'],
    ['text ##[error]boom'],
    ['##[add-path]/tmp'],
    ['\u001b[0m::error::hidden behind a colour'],
    ['\u0000::error::hidden behind a control'],
    ['\ufeff::error::hidden behind a mark'],
    ['::::error::'],
    ['#\u0000#[error]split by a control']
  ])('%j is no command any more', line => {
    expect(isCommand(defuse(line))).toBe(false)
  })

  it.each([
    ['\u001b[1;31mred\u001b[0m and \u001b]8;;http://x\u0007link\u001b]8;;\u0007', 'red and link'],
    ['a\rb\bc', 'abc'],
    ['tabs\tstay', 'tabs\tstay'],
    ['std::vector<int> stays', 'std::vector<int> stays'],
    ['turned \u202eround\u202c', 'turned round'],
    ['grüße, 你好, 🚀', 'grüße, 你好, 🚀'],
    ['trailing blanks   ', 'trailing blanks']
  ])('%j reads %j', (line, says) => expect(defuse(line)).toBe(says))

  it('is cut where it is too long, and says so', () => {
    expect(defuse('x'.repeat(12), 10)).toBe('xxxxxxxxxx… (2 more characters)')
  })
})

it('makes one line of several', () => {
  expect(oneLine('a\r\n  b\n\nc ')).toBe('a b c')
  expect(oneLine('abcdef', 4)).toBe('abc…')
})

it.each([
  [250, '250 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s']
])('says %d ms as %s', (ms, says) => expect(duration(ms)).toBe(says))
