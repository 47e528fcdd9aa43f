import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeOnSignal, openBed } from './bed.ts'
import { Field } from './faults/field.ts'
import { play, type Result } from './faults/run.ts'
import { scenarios } from './faults/scenarios.ts'
import { page } from './faults/table.ts'
import { pushApp } from './images.ts'
import { projectDir } from './toolchain.ts'

/** Connections, engines, nodes and managers are lost in the middle of deploys; every engine is asked what runs then. */

const usage = `npm run faults -- [--only TEXT] [--rounds 1] [--results FILE] [--write] [--logs]
--only: scenarios whose name, moment and version have this text. --results: a JSON file that keeps the newest results of each scenario, over several
calls. --write: writes docs/faults.md. ACTION_DIST=folder takes another bundle.`

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '1' },
    results: { type: 'string' },
    write: { type: 'boolean', default: false },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const rounds = Number(values.rounds)
if (values.help || !(rounds >= 1)) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const bed = await openBed({
  name: 'faults',
  servers: [{}, { joins: 'manager' }, { joins: 'manager' }, {}],
  builder: { containerdStore: true }
})
closeOnSignal(bed, say)

const image = (await pushApp(bed.registry, { name: 'app:1' })).reference
const { Version: engine } = (await bed.server.api('GET', '/version')) as { Version: string }
const field = new Field(bed)
const results: Result[] = []
const chosen = scenarios.filter(({ name, at, version }) => `${name} ${at ?? ''} ${version}`.includes(values.only))
for (const scenario of Array.from({ length: rounds }, () => chosen).flat()) {
  const result = await play(field, image, scenario, results.length + 1)
  results.push(result)
  const { name, at, version, verdict, wrong, lost, ms, log } = result
  const well = wrong.length + lost.length === 0
  say(`${well ? 'right' : 'WRONG'}  ${name}, ${at}, ${version}: ${verdict} (${Math.round(ms / 1000)} s)`)
  for (const text of [...wrong, ...lost]) say(`       ${text}`)
  if (!well || values.logs) say(log.replaceAll(/^/gm, '     │ '))
}
await bed.close()
const right = results.filter(({ wrong, lost }) => wrong.length + lost.length === 0).length
say(`${right} of ${results.length} right, nothing lost`)
const kept = values.results === undefined ? [] : earlier(values.results)
const known = [...kept.filter(each => !results.some(newer => keyOf(newer) === keyOf(each))), ...results]
const order = scenarios.map(({ name, at = 'before the run', version }) => keyOf({ name, at, version }))
known.sort((a, b) => order.indexOf(keyOf(a)) - order.indexOf(keyOf(b)))
if (values.results !== undefined) writeFileSync(values.results, JSON.stringify(known.map(row => ({ ...row, log: '' }))))
if (values.write) {
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(join(projectDir, 'docs/faults.md'), page(known, { date, engine }))
}
process.exit(right === results.length && results.length > 0 ? 0 : 1)

function keyOf({ name, at, version }: Pick<Result, 'name' | 'at' | 'version'>): string {
  return `${name} ${at} ${version}`
}

function earlier(file: string): Result[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result[]) : []
}
