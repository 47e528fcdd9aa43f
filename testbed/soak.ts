import { parseArgs } from 'node:util'
import { openBed } from './bed.ts'
import { pushVersions } from './images.ts'
import { updatePolicies } from './soak/app.ts'
import { Dice } from './soak/dice.ts'
import { Lane, type Line } from './soak/lane.ts'
import { deal } from './soak/plan.ts'

/**
 * Random deploys of several stacks at once on one real server, good ones, bad ones, cancelled and killed ones. After each
 * of them the engine itself is asked what runs, and that has to be what the run said.
 */

const usage = `npm run soak -- [--runs 56] [--lanes 4] [--killed 2] [--seed NUMBER] [--minutes 12] [--logs]
The same seed gives the same runs. ACTION_DIST=folder takes another bundle; --logs shows the log of every run.`

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '56' },
    lanes: { type: 'string', default: '4' },
    killed: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '12' },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const [runs, lanes, killed, seed, minutes] = [
  values.runs,
  values.lanes,
  values.killed,
  values.seed,
  values.minutes
].map(Number) as [number, number, number, number, number]
if (values.help || [runs, lanes, killed, seed, minutes].some(Number.isNaN)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const started = Date.now()
const bed = await openBed({ name: 'soak', builder: false })
const active: Lane[] = []
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupt(signal))

const lines = await soak()
if (interrupted) await new Promise(() => undefined) // the bed is being taken down, and the process ends with that
const left = (await bed.server.exec(['ps', '-eo', 'args'])).split('\n').filter(line => line.startsWith('sshd: deploy'))
await bed.close()
const agreed = lines.filter(({ disagreements }) => disagreements.length === 0).length
const missed = runs - lines.length
if (left.length > 0) say(`${left.length} connections to the server are left: ${left.join(', ')}`)
if (missed > 0) say(`${missed} runs were not made within ${minutes} minutes`)
const kinds = Object.entries(Object.groupBy(lines, ({ kind }) => kind)).map(([kind, list]) => `${list.length} ${kind}`)
say(`\n${kinds.join(', ')}`)
say(`${agreed} of ${lines.length} agree (seed ${seed}, ${seconds(started)})`)
process.exit(agreed === lines.length && missed <= 0 && left.length === 0 ? 0 : 1)

async function soak(): Promise<Line[]> {
  const versions = await pushVersions(bed.registry)
  const images = versions.map(({ reference }) => reference)
  say(`seed ${seed}: ${runs} runs in ${lanes} lanes on ${bed.server.host}`)
  const done: Line[] = []
  const deadline = started + minutes * 60_000
  const kinds = deal(new Dice(seed), { runs, lanes, killed })
  await Promise.all(
    kinds.map(async (list, index) => {
      const lane = new Lane(bed, {
        stack: `soak${index + 1}`,
        images,
        update: updatePolicies[index % updatePolicies.length],
        dice: new Dice(seed * 1000 + index)
      })
      active.push(lane)
      for (const kind of list) {
        if (Date.now() > deadline) break
        const line = await lane.run(kind)
        if (interrupted) return
        done.push(line)
        show(line, done.length)
      }
      await lane.close()
    })
  )
  return done
}

function show(line: Line, number: number): void {
  const columns = [`${number}`.padStart(3), line.stack, line.kind.padEnd(11), line.verdict.padEnd(30)]
  const agrees = line.disagreements.length === 0
  say(`${columns.join('  ')}  ${agrees ? 'agreed' : 'NOT AGREED'}  ${(line.ms / 1000).toFixed(1)} s`)
  for (const text of line.disagreements) say(`       ${text}`)
  if (agrees && !values.logs) return
  say(line.log.replaceAll(/^/gm, '     │ '))
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`
}

async function interrupt(signal: NodeJS.Signals): Promise<void> {
  if (interrupted) return
  interrupted = true
  say(`${signal}: taking the bed down …`)
  await Promise.all(active.map(lane => lane.close()))
  await bed.close()
  process.exit(130)
}
