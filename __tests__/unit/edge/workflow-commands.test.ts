import { afterEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command, leave } from '../../../src/adapters/workflow-commands.js'
import { parseFileCommand } from '../../../testbed/file-commands.ts'
import { parseCommand } from '../../../testbed/masks.ts'

/** Everything that the format gives a meaning to. */
const awkward = '100%, a:b\r\n::error::no %0A end\n'

describe('a command', () => {
  it('is read by the runner as it was meant, whatever is in it', () => {
    const line = command('warning', awkward, { file: awkward, line: 3, col: undefined, title: '' })
    expect(line).not.toMatch(/[\r\n]/)
    expect(parseCommand(line)).toEqual({
      name: 'warning',
      properties: { file: awkward, line: '3' },
      data: awkward
    })
  })

  it.each([
    [command('endgroup', ''), '::endgroup::'],
    [command('group', 'Compose'), '::group::Compose'],
    [command('error', 'no', { file: 'a,b:c', line: 1, col: 2 }), '::error file=a%2Cb%3Ac,line=1,col=2::no']
  ])('%s', (line, expected) => expect(line).toBe(expected))
})

describe('what is left for later steps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'file-commands-'))
  const file = join(folder, 'output')
  afterEach(() => {
    delete process.env['GITHUB_OUTPUT']
    rmSync(folder, { recursive: true, force: true })
  })

  it('comes back whole, value for value', () => {
    writeFileSync(file, '')
    process.env['GITHUB_OUTPUT'] = file
    leave('GITHUB_OUTPUT', 'first', awkward)
    leave('GITHUB_OUTPUT', 'second', '')
    leave('GITHUB_OUTPUT', 'third', 'EOF\nfirst=other\nname<<EOF')
    expect(parseFileCommand(readFileSync(file, 'utf8'))).toEqual({
      first: awkward.replaceAll('\r\n', '\n'),
      second: '',
      third: 'EOF\nfirst=other\nname<<EOF'
    })
  })
})
