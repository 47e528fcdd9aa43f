/**
 * `node scripts/release.ts prepare 1.4.0` writes the version and the changelog's section into the files, to be committed.
 * `node scripts/release.ts check 1.4.0` says whether this commit is that release, and gives a workflow its tag and notes.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { judge, numbers } from './release/candidate.ts'
import { withRelease } from './release/changelog.ts'

const [task, version = ''] = process.argv.slice(2)
const read = (path: string) => readFileSync(path, 'utf8')
const versionOf = (path: string) => (JSON.parse(read(path)) as { version: string }).version

function prepare(): void {
  if (numbers(version) === undefined) throw new Error(`"${version}" is no version: write it as 1.4.0`)
  writeFileSync('CHANGELOG.md', withRelease(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)))
  execFileSync('npm', ['version', version, '--no-git-tag-version', '--allow-same-version'], { stdio: 'inherit' })
}

function check(): void {
  const tags = execFileSync('git', ['tag', '--list'], { encoding: 'utf8' }).split('\n')
  const verdict = judge({
    version,
    packageVersion: versionOf('package.json'),
    lockVersion: versionOf('package-lock.json'),
    changelog: read('CHANGELOG.md'),
    tags
  })
  if ('problems' in verdict) throw new Error(verdict.problems.join('\n'))
  console.log(`${verdict.tag}, and ${verdict.major} moves to it\n\n${verdict.notes}`)
  const output = process.env['GITHUB_OUTPUT']
  if (output === undefined) return
  // A word that the notes cannot hold ends them.
  const end = randomUUID()
  const lines = Object.entries(verdict).map(([name, value]) => `${name}<<${end}\n${value}\n${end}\n`)
  appendFileSync(output, lines.join(''))
}

try {
  if (task === 'prepare') prepare()
  else if (task === 'check') check()
  else throw new Error('node scripts/release.ts prepare|check X.Y.Z')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
