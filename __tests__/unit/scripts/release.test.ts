import { describe, expect, it } from '@jest/globals'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judge, type Candidate } from '../../../scripts/release/candidate.ts'
import { sections, withRelease } from '../../../scripts/release/changelog.ts'

const project = join(import.meta.dirname, '../../..')
const changelog = `# Changelog

Words.

## Unreleased

## 1.4.0 - 2026-11-22

- A new thing.
- ## is no heading in a line

## 1.3.0 - 2026-10-01

- An old one.
`

describe('the changelog', () => {
  it('has sections with their notes', () => {
    expect(sections(changelog)).toEqual([
      { title: 'Unreleased', date: undefined, notes: '' },
      { title: '1.4.0', date: '2026-11-22', notes: '- A new thing.\n- ## is no heading in a line' },
      { title: '1.3.0', date: '2026-10-01', notes: '- An old one.' }
    ])
  })

  it.each(['## 1.5.0', '## Unreleased - 2026-11-22', '## [1.5.0] (soon)'])('refuses the heading %s', heading => {
    expect(() => sections(`${heading}\n\n- x\n`)).toThrow(heading)
  })

  it('gives what is unreleased its version', () => {
    const before = changelog.replace('## Unreleased\n', '## Unreleased\n\n- The newest.\n')
    const after = withRelease(before, '1.5.0', '2026-12-01')
    expect(sections(after).slice(0, 2)).toEqual([
      { title: 'Unreleased', date: undefined, notes: '' },
      { title: '1.5.0', date: '2026-12-01', notes: '- The newest.' }
    ])
    expect(sections(after)).toHaveLength(4)
  })

  it('has no release of nothing', () => {
    expect(() => withRelease(changelog, '1.5.0', '2026-12-01')).toThrow('nothing under "## Unreleased"')
  })

  it('of this project reads so', () => {
    expect(sections(readFileSync(join(project, 'CHANGELOG.md'), 'utf8'))[0]?.title).toBe('Unreleased')
  })
})

const good: Candidate = {
  version: '1.4.0',
  packageVersion: '1.4.0',
  lockVersion: '1.4.0',
  changelog,
  tags: ['v1', 'v1.3.0', 'v2', 'v2.0.0', 'unlike', '']
}

describe('a candidate', () => {
  it('is the release when all agrees, beside a newer major version', () => {
    expect(judge(good)).toEqual({ tag: 'v1.4.0', major: 'v1', notes: '- A new thing.\n- ## is no heading in a line' })
  })

  const cases: readonly (readonly [string, Partial<Candidate>, string])[] = [
    ['a version with a v', { version: 'v1.4.0' }, 'is no version'],
    ['a pre-release', { version: '1.4.0-rc.1' }, 'is no version'],
    ['a shell word', { version: '1.4.0; true' }, 'is no version'],
    ['another version in package.json', { packageVersion: '1.3.0' }, 'package.json has version 1.3.0'],
    ['another version in the lock', { lockVersion: '1.3.0' }, 'package-lock.json has version 1.3.0'],
    ['no section', { changelog: changelog.replace('1.4.0', '1.3.9') }, 'newest section is 1.3.9'],
    ['an empty section', { changelog: changelog.replace(/- A new thing[^]*?(?=## 1\.3)/, '') }, 'or it is empty'],
    ['notes that are unreleased', { changelog: changelog.replace('Unreleased\n', 'Unreleased\n\n- x\n') }, 'empty "##'],
    ['a tag that exists', { tags: ['v1.4.0'] }, 'v1.4.0 exists'],
    ['a newer one of the major version', { tags: ['v1.10.0'] }, 'v1 would go back: v1.10.0 exists']
  ]
  it.each(cases)('is refused for %s', (_, change, problem) => {
    expect(judge({ ...good, ...change })).toEqual({ problems: [expect.stringContaining(problem)] })
  })

  it('is told all problems at once', () => {
    const { problems } = judge({ ...good, packageVersion: '1', lockVersion: '1', tags: ['v1.4.0'] }) as {
      problems: string[]
    }
    expect(problems).toHaveLength(3)
  })
})

describe('the script', () => {
  /** A repository of its own, with the script in it. */
  function inFolder(use: (folder: string, run: (...argv: string[]) => ReturnType<typeof spawnSync>) => void): void {
    const folder = mkdtempSync(join(tmpdir(), 'release-'))
    try {
      mkdirSync(join(folder, 'scripts'))
      cpSync(join(project, 'scripts/release'), join(folder, 'scripts/release'), { recursive: true })
      cpSync(join(project, 'scripts/release.ts'), join(folder, 'scripts/release.ts'))
      const manifest = JSON.stringify({ name: 'x', version: '1.3.0', type: 'module', lockfileVersion: 3, packages: {} })
      for (const name of ['package.json', 'package-lock.json']) writeFileSync(join(folder, name), manifest)
      writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n\n- New\n')
      execFileSync('git', ['init', '-q'], { cwd: folder })
      use(folder, (...argv) =>
        spawnSync(process.execPath, ['--no-warnings', 'scripts/release.ts', ...argv], {
          cwd: folder,
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], HOME: folder, GITHUB_OUTPUT: join(folder, 'output') }
        })
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it('prepares what it then takes for the release, and gives the workflow its outputs', () => {
    inFolder((folder, run) => {
      expect(run('check', '1.4.0')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('package.json has version 1.3.0')
      })
      expect(run('prepare', '1.4.0')).toMatchObject({ status: 0 })
      expect(run('check', '1.4.0')).toMatchObject({ status: 0, stderr: '' })
      const output = readFileSync(join(folder, 'output'), 'utf8')
      expect(output).toMatch(/^tag<<(\S+)\nv1\.4\.0\n\1\nmajor<<\1\nv1\n\1\nnotes<<\1\n- New\n\1\n$/)
    })
  })

  it('says how it is called', () => {
    inFolder((_, run) => expect(run('publish', '1.4.0')).toMatchObject({ status: 1 }))
  })
})
