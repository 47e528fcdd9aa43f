/**
 * All tests: the unit tables, and the committed dist on real servers, side by side. Says at the end how many passed.
 * `npm test -- verdict` runs the files whose path matches. `--mesh`: those of the ingress mesh, and no others.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sweepLost } from '../testbed/claims.ts'
import { ensureEdgeToolchain, ensureToolchain } from '../testbed/toolchain.ts'

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numRuntimeErrorTestSuites: number
}

const [mesh, ...rest] = process.argv.slice(2)
const projects = mesh === '--mesh' ? ['mesh'] : ['unit', 'acceptance']
// Once, before the workers would all wait for it; and a machine that lacks something says so in a line.
await (mesh === '--mesh' ? ensureEdgeToolchain() : ensureToolchain('28')).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
const folder = mkdtempSync(join(tmpdir(), 'tests-'))
const output = join(folder, 'results.json')
const patterns = mesh === '--mesh' ? rest : process.argv.slice(2)
// Rollouts wait more than they compute: more suites at once than there are cores.
const workers = process.env['TEST_WORKERS'] ?? '3'
const jest = [
  'node_modules/jest/bin/jest.js',
  `--maxWorkers=${workers}`,
  '--selectProjects',
  ...projects,
  '--testTimeout=60000',
  '--json',
  `--outputFile=${output}`
]
const tests = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    ...jest,
    ...(patterns.length > 0 ? ['--testPathPatterns', ...patterns] : [])
  ],
  { stdio: ['ignore', 'ignore', 'inherit'], cwd: join(import.meta.dirname, '..') }
)
// a terminal sends Ctrl-C to both, others to this process alone
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => tests.kill(signal))
const status = await new Promise<number | null>(done => tests.once('exit', done))
// of a worker that was killed before it took its bed down
await sweepLost()
const results = existsSync(output) ? (JSON.parse(readFileSync(output, 'utf8')) as Results) : undefined
rmSync(folder, { recursive: true, force: true })
if (results === undefined) {
  console.log('stopped before the end')
  process.exit(1)
}
// A suite that could not even start counts as a failure.
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
console.log(`${results.numPassedTests} passed, ${failed} failed, ${results.numPendingTests} skipped`)
process.exit(status === 0 && failed === 0 && results.numPassedTests > 0 ? 0 : 1)
