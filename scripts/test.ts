/**
 * All tests: the unit tables, and the committed dist on real servers, side by side. Says at the end how many passed.
 * `npm test -- verdict` runs the files whose path matches. `--mesh`: those of the ingress mesh, and no others.
 */
import { ensureEdgeToolchain, ensureToolchain } from '../testbed/toolchain.ts'
import { allWell, runSuites } from './suites.ts'

const args = process.argv.slice(2)
const mesh = args[0] === '--mesh'
const patterns = mesh ? args.slice(1) : args
// Once, before the workers would all wait for it; and a machine that lacks something says so in a line.
await (mesh ? ensureEdgeToolchain() : ensureToolchain('28')).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
const counts = await runSuites(
  mesh ? ['mesh'] : ['unit', 'acceptance'],
  patterns.length > 0 ? ['--testPathPatterns', ...patterns] : []
)
if (counts === null) {
  console.log('stopped before the end')
  process.exit(1)
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(allWell(counts) ? 0 : 1)
