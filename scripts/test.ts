/**
 * All tests: the unit tables, and the committed dist on real servers, side by side. Says at the end how many passed.
 * `npm test -- verdict` runs the files whose path matches.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureToolchain } from '../testbed/toolchain.ts'

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numRuntimeErrorTestSuites: number
}

// Once, before the workers would all wait for it.
await ensureToolchain('28')
const folder = mkdtempSync(join(tmpdir(), 'tests-'))
const output = join(folder, 'results.json')
const patterns = process.argv.slice(2)
// Rollouts wait more than they compute: more suites at once than there are cores.
const workers = process.env['TEST_WORKERS'] ?? '3'
const jest = [
  'node_modules/jest/bin/jest.js',
  `--maxWorkers=${workers}`,
  '--testTimeout=60000',
  '--json',
  `--outputFile=${output}`
]
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    ...jest,
    ...(patterns.length > 0 ? ['--testPathPatterns', ...patterns] : [])
  ],
  { stdio: ['ignore', 'ignore', 'inherit'], cwd: join(import.meta.dirname, '..') }
)
const results = JSON.parse(readFileSync(output, 'utf8')) as Results
rmSync(folder, { recursive: true, force: true })
// A suite that could not even start counts as a failure.
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
console.log(`${results.numPassedTests} passed, ${failed} failed, ${results.numPendingTests} skipped`)
process.exit(status === 0 && failed === 0 && results.numPassedTests > 0 ? 0 : 1)
