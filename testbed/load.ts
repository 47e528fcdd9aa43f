import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeOnSignal, openBed } from './bed.ts'
import { pushApp } from './images.ts'
import { cases, measure, type Measured, type What } from './load/run.ts'
import { removeStacks } from './stacks.ts'

/** Large stacks on a small swarm: deployed, updated in every service, rolled back by hand, updated with what crashes, and updated in one service; and what that asks of the engine. */

const usage = `npm run load -- [--sizes 10,30,100] [--replicas 3] [--servers 3] [--cases deploy,update,…] [--timeout 20m] [--logs]
For each number of services: time, requests to the engine, in all and per second while the rollout is watched, and the action's peak memory.
Needs some 30 MB of memory for each task, as an update has the old and the new ones at once.`

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10,30,100' },
    replicas: { type: 'string', default: '3' },
    servers: { type: 'string', default: '3' },
    cases: { type: 'string', default: Object.keys(cases).join() },
    timeout: { type: 'string', default: '20m' },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const chosen = (Object.keys(cases) as What[]).filter(what => values.cases.split(',').includes(what))
const sizes = values.sizes.split(',').map(Number)
const [replicas, servers] = [Number(values.replicas), Number(values.servers)]
if (values.help || chosen.length === 0 || [...sizes, replicas, servers].some(number => !(number >= 1))) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const bed = await openBed({
  name: 'load',
  // the manager's engine names each request in its log
  servers: Array.from({ length: servers }, (_, index) => (index === 0 ? { daemon: { debug: true } } : {})),
  builder: false
})
closeOnSignal(bed, say)

const image = (await pushApp(bed.registry, { name: 'app:1' })).reference
const folder = mkdtempSync(join(tmpdir(), 'load-'))
let red = 0
for (const [number, services] of sizes.entries()) {
  const stack = { name: `load${services}`, services, replicas, image, number }
  for (const what of chosen) {
    const measured = await measure(bed, stack, what, { folder, timeout: values.timeout })
    say(told(services, measured))
    if (!measured.right) red += 1
    if (!measured.right || values.logs) say(measured.log.replaceAll(/^/gm, '     │ '))
  }
  const since = Date.now()
  // no other stack here has its addresses: what a node does not let go of is told, and harms nobody
  const left = await removeStacks(bed.servers, [stack.name]).then(() => '', String)
  say(left === '' ? `removed in ${seconds(Date.now() - since)}` : left)
}
rmSync(folder, { recursive: true, force: true })
await bed.close()
process.exit(red === 0 ? 0 : 1)

/** One paragraph: what a row of the table in docs/scale.md is made of. */
function told(services: number, { what, right, status, truth, requests, watch, peak, ...took }: Measured): string {
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? ''
  const watched =
    watch === null
      ? 'watched for one look'
      : `watched for ${watch.seconds.toFixed(1)} s: ${watch.looks} looks, ${watch.perSecond.toFixed(1)} requests/s, ${watch.busiest.toFixed(1)} in the busiest 10 s`
  return [
    `${what} of ${services} services: ${right ? '' : 'WRONG: '}${status}, ${truth.running} of ${services * replicas} tasks run, ${truth.tasks} on record`,
    `  ${seconds(took.ms)}, of them ${seconds(took.afterEngineMs)} after the engine was through; machine's load ${load}`,
    `  ${requests.own} requests of the action, ${requests.all} with the docker CLI's; ${watched}`,
    `  ${mib(took.bytes)} over ssh; memory ${mib(peak.node)}, with ssh and the docker CLI ${mib(peak.all)}; ${seconds(took.cpuMs)} of CPU`
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`
}
