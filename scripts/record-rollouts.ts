/**
 * Records what a real engine answers during every kind of rollout, as fixtures for the unit tests of src/rollout.
 *
 *     node scripts/record-rollouts.ts [--engine 28|26|20] [NAME-PREFIX...]
 *
 * Needs root (it puts up a testbed). Writes __tests__/fixtures/rollout/NAME.json, cut down to the fields that src/engine-types.ts names.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../testbed/bed.ts'
import { projectDir, type Generation } from '../testbed/toolchain.ts'
import { Recorder } from './recording/recorder.ts'
import { importImages } from './recording/images.ts'
import { clusterScenarios } from './recording/cluster-scenarios.ts'
import { scenarios, type Scenario } from './recording/scenarios.ts'

const argv = process.argv.slice(2)
const engine = (argv[0] === '--engine' ? argv.splice(0, 2)[1] : '28') as Generation
const wanted = (name: string) => argv.length === 0 || argv.some(prefix => name.startsWith(prefix))
const folder = join(projectDir, '__tests__/fixtures/rollout', ...(engine === '28' ? [] : [`engine-${engine}`]))
mkdirSync(folder, { recursive: true })

const alone = scenarios.filter(({ name }) => wanted(name))
if (alone.length > 0) {
  await using bed = await openBed({ name: 'record', registry: false, builder: false, engine })
  await importImages(bed.server)
  await inParallel(alone, 8, scenario => record(bed, scenario))
}
for (const scenario of clusterScenarios.filter(({ name }) => wanted(name))) {
  await using bed = await openBed({ name: 'record', servers: 3, registry: false, builder: false, engine })
  for (const server of bed.servers) await importImages(server)
  await record(bed, scenario)
}

async function record(bed: Bed, scenario: Scenario): Promise<void> {
  const recorder = new Recorder(bed, scenario)
  try {
    const fixture = await recorder.run()
    writeFileSync(join(folder, `${scenario.name}.json`), `${JSON.stringify(fixture)}\n`)
    console.log(`${scenario.name}: ${fixture.frames.length} frames`)
  } catch (error) {
    console.error(`${scenario.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    process.exitCode = 1
  }
}

async function inParallel<T>(items: readonly T[], width: number, action: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await action(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
