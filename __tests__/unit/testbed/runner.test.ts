import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFileCommand } from '../../../testbed/file-commands.ts'
import { LogReader, parseCommand } from '../../../testbed/masks.ts'
import { inputEnv, runAction, startAction } from '../../../testbed/runner.ts'

/** An action that does what its input `script` says, in main and, by its state, in post. */
let actionDir = ''

beforeAll(() => {
  actionDir = mkdtempSync(join(tmpdir(), 'fake-action-'))
  mkdirSync(join(actionDir, 'dist'))
  writeFileSync(
    join(actionDir, 'action.yml'),
    `inputs:
  script: { default: '' }
  ssh-key: { description: no default }
  keep releases: { default: 10 }
runs: { using: node24, main: dist/index.js, post: dist/index.js }
`
  )
  writeFileSync(join(actionDir, 'dist/package.json'), '{"type":"commonjs"}')
  writeFileSync(
    join(actionDir, 'dist/index.js'),
    `const fs = require('node:fs'); const file = (name, text) => fs.appendFileSync(process.env[name], text)
if (process.env.STATE_ran) { console.log('post of ' + process.env.STATE_ran) }
else { file('GITHUB_STATE', 'ran<<EOT\\nmain\\nEOT\\n'); eval(process.env.INPUT_SCRIPT) }`
  )
})
afterAll(() => rmSync(actionDir, { recursive: true, force: true }))

const run = (script: string, more: { secrets?: string[] } = {}) => runAction({ actionDir, with: { script }, ...more })

describe('inputs', () => {
  it('fill the token into a default', () => {
    const action = { inputs: { 'github-token': { default: '${{ github.token }}' } } }
    expect(inputEnv(action, {}, 'ghs_1')).toEqual({ 'INPUT_GITHUB-TOKEN': 'ghs_1' })
    expect(inputEnv(action, {})).toEqual({ 'INPUT_GITHUB-TOKEN': '' })
  })

  it('are upper case, keep hyphens, lose spaces, and take defaults', () => {
    const action = { inputs: { 'ssh-key': null, 'keep releases': { default: 10 }, strict: { default: false } } }
    expect(inputEnv(action, { 'ssh-key': 'k' })).toEqual({
      'INPUT_SSH-KEY': 'k',
      INPUT_KEEP_RELEASES: '10',
      INPUT_STRICT: 'false'
    })
  })
})

describe('a run', () => {
  it('collects outputs, environment, path, summary, state and exit code', async () => {
    const result = await run(`
      file('GITHUB_OUTPUT', 'status=deployed\\nlist<<X\\na\\nb\\nX\\n'); file('GITHUB_ENV', 'A=1\\n')
      file('GITHUB_PATH', '/opt/bin\\n'); file('GITHUB_STEP_SUMMARY', '# Done\\n')`)
    expect(result.status).toBe('success')
    expect(result.outputs).toEqual({ status: 'deployed', list: 'a\nb' })
    expect(result.exported).toEqual({ A: '1' })
    expect(result.addedPath).toEqual(['/opt/bin'])
    expect(result.summary).toBe('# Done\n')
    expect(result.post?.log).toBe('post of main\n')
    result.clean()
  })

  it('is red when the process fails, and runs post all the same', async () => {
    const result = await run(
      `console.error('::error file=compose.yaml,line=3,title=No%2C no::bad%0Aworse'); process.exit(3)`
    )
    expect([result.status, result.exitCode]).toEqual(['failure', 3])
    expect(result.annotations).toEqual([
      { level: 'error', message: 'bad\nworse', file: 'compose.yaml', line: 3, title: 'No, no' }
    ])
    expect(result.post?.exitCode).toBe(0)
    result.clean()
  })

  it('has an environment of its own', async () => {
    process.env['LEAK_CANARY'] = 'leaked'
    const result = await run(`console.log(JSON.stringify(process.env))`)
    expect(result.log).not.toContain('leaked')
    expect(result.log).toContain('"INPUT_SSH-KEY":""')
    result.clean()
  })

  it('hides a value from the moment it is masked, and repository secrets always', async () => {
    const result = await run(
      `console.log('hunter2'); console.log('::add-mask::hunter2'); console.log('hunter2 s3cret')`,
      {
        secrets: ['s3cret']
      }
    )
    expect(result.log).toBe('hunter2\n*** ***\n')
    expect(result.raw).toContain('s3cret')
    result.clean()
  })

  it('names and ends what outlives the job', async () => {
    const result = await run(
      `require('node:child_process').spawn('sleep', ['123.25'], { detached: true, stdio: 'inherit' }).unref()`
    )
    expect(result.leftovers).toEqual(['sleep 123.25'])
    result.clean()
  })
})

describe('a cancelled run', () => {
  it('gets SIGINT, may finish, and has its post step', async () => {
    const step = startAction({
      actionDir,
      with: {
        script: `process.on('SIGINT', () => { console.log('bye'); process.exit(1) }); console.log('on'); setInterval(() => {}, 9)`
      }
    })
    await step.waitForLog(/^on$/m)
    const result = await step.cancel()
    expect([result.status, result.log, result.post?.log]).toEqual(['cancelled', 'on\nbye\n', 'post of main\n'])
    result.clean()
  })

  it('has no post step when the runner itself is gone', async () => {
    const step = startAction({ actionDir, with: { script: `console.log('on'); setInterval(() => {}, 9)` } })
    await step.waitForLog(/^on$/m)
    const result = await step.kill()
    expect([result.exitCode, result.post]).toEqual([137, undefined])
    result.clean()
  })

  it('fails a wait for what the log never says', async () => {
    const step = startAction({ actionDir, with: { script: `console.log('on')` } })
    await expect(step.waitForLog(/off/)).rejects.toThrow('the log never showed /off/')
    ;(await step.result).clean()
  })
})

describe('the log reader', () => {
  it.each([
    ['::group::Build image\n', '▼ Build image\n'],
    ['::endgroup::\n', ''],
    ['::debug::x\n', ''],
    ['::warning::late\n', 'Warning: late\n'],
    ['::stop-commands::tok\n::add-mask::a\na\n::tok::\n', '::add-mask::a\na\n'],
    ['::add-mask::two%0Alines\nlines two\n', '*** ***\n'],
    ['no ::error:: here\n', 'no ::error:: here\n']
  ])('reads %j', (input, shown) => {
    const reader = new LogReader()
    for (const character of input) reader.write(character)
    expect(reader.log).toBe(shown)
  })

  it('takes the longest mask first', () => {
    expect(new LogReader(['abc', 'abcdef']).mask('abcdef abc')).toBe('*** ***')
  })

  it.each([
    ['::error::', { name: 'error', properties: {}, data: '' }],
    ['::error file=a%3Ab,line=1::50%25', { name: 'error', properties: { file: 'a:b', line: '1' }, data: '50%' }],
    ['plain', undefined]
  ])('parses %j', (line, command) => expect(parseCommand(line)).toEqual(command))
})

describe('file commands', () => {
  it('keeps an equals sign and a heredoc with equals in it', () => {
    expect(parseFileCommand('a=b=c\nk<<E=F\nx=1\n\ny\nE=F\n')).toEqual({ a: 'b=c', k: 'x=1\n\ny' })
  })
  it.each(['nothing', 'a<<E\nnever closed\n'])('refuses %j', text => expect(() => parseFileCommand(text)).toThrow())
})
