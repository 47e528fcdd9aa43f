/** Suites in Jest, as a process of its own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sweepLost } from '../testbed/claims.ts'

/** How many tests went how. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numRuntimeErrorTestSuites: number
}

/**
 * Runs the projects' suites that `which` (Jest's own arguments) leaves, with these variables besides our own; Jest shows each one as it
 * ends. Gives null when it was stopped before the end.
 */
export async function runSuites(
  projects: readonly string[],
  which: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<Counts | null> {
  const folder = mkdtempSync(join(tmpdir(), 'tests-'))
  const output = join(folder, 'results.json')
  // Rollouts wait more than they compute: more suites at once than there are cores.
  const workers = process.env['TEST_WORKERS'] ?? '3'
  const tests = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      'node_modules/jest/bin/jest.js',
      `--maxWorkers=${workers}`,
      '--selectProjects',
      ...projects,
      '--testTimeout=60000',
      '--json',
      `--outputFile=${output}`,
      ...which
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      cwd: join(import.meta.dirname, '..'),
      env: { ...process.env, ...env }
    }
  )
  // a terminal sends Ctrl-C to both, others to this process alone
  const stop = (signal: NodeJS.Signals): void => void tests.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, stop)
  const status = await new Promise<number | null>(done => tests.once('exit', done))
  for (const signal of signals) process.off(signal, stop)
  // of a worker that was killed before it took its bed down
  await sweepLost()
  const results = existsSync(output) ? (JSON.parse(readFileSync(output, 'utf8')) as Results) : null
  rmSync(folder, { recursive: true, force: true })
  if (results === null) return null
  // A suite that could not even start counts as a failure, and so does whatever else Jest is not content with.
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  return {
    passed: results.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: results.numPendingTests
  }
}

/** Whether all went well: something ran, and nothing failed. */
export function allWell({ passed, failed }: Counts): boolean {
  return failed === 0 && passed > 0
}
