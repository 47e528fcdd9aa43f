/**
 * The committed dist on servers with older engines: the acceptance suites that have servers, on one engine after the other, and how many
 * passed on each. `npm run test:engines -- 20` is on one of them only, `-- 20 rollback` the files whose path matches.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../testbed/processes.ts'
import { ensureToolchain, generations, pathWith, type Generation } from '../testbed/toolchain.ts'
import { allWell, runSuites, type Counts } from './suites.ts'

const args = process.argv.slice(2)
const isGeneration = (word: string): word is Generation => generations.some(each => each === word)
const asked = args.filter(isGeneration)
const patterns = args.filter(word => !isGeneration(word)).map(word => new RegExp(word))
const suites = suitesWithServers().filter(path => patterns.length === 0 || patterns.some(each => each.test(path)))
if (suites.length === 0) fail(`No suite with servers matches ${patterns.map(String).join(' or ')}.`)

/** The engines in the order of the runs, the newest left out: that one is `npm test`'s own. */
const engines = asked.length > 0 ? asked : generations.filter(each => each !== '28').reverse()
const rows: { readonly engine: string; readonly counts: Counts | null; readonly minutes: number }[] = []
for (const generation of engines) {
  const engine = await versionOf(generation).catch((error: unknown) => fail(error))
  console.log(`${engine}: ${suites.length} suites`)
  const began = Date.now()
  const counts = await runSuites(['acceptance'], ['--runTestsByPath', ...suites], { TESTBED_ENGINE: generation })
  rows.push({ engine, counts, minutes: Math.round((Date.now() - began) / 60_000) })
  if (counts === null) break // stopped: the others are not begun
}
for (const { engine, counts, minutes } of rows)
  console.log(
    counts === null
      ? `${engine}: stopped before the end`
      : `${engine}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${minutes} min`
  )
process.exit(rows.every(({ counts }) => counts !== null && allWell(counts)) ? 0 : 1)

/** Those that put up a bed, themselves or by a helper beside them. What looks at no server is the same on every engine. */
function suitesWithServers(): readonly string[] {
  const folder = join(import.meta.dirname, '../__tests__/acceptance')
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const withHelpers = (name: string): string =>
    [text(name), ...[...text(name).matchAll(/from '\.\/([\w-]+\.ts)'/g)].map(([, helper = '']) => text(helper))].join()
  return readdirSync(folder)
    .filter(name => name.endsWith('.test.ts') && withHelpers(name).includes('openBed('))
    .map(name => join(folder, name))
}

/** As the engine itself says it: `Docker version 20.10.24+dfsg1, build 5d6db84`. */
async function versionOf(generation: Generation): Promise<string> {
  const [toolchain] = await Promise.all([ensureToolchain(generation), ensureToolchain('28')])
  return (await run(['dockerd', '--version'], { env: { PATH: pathWith(toolchain) } })).trim()
}

function fail(reason: unknown): never {
  console.error(reason instanceof Error ? reason.message : reason)
  process.exit(1)
}
