import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { closeOnSignal, openBed } from './bed.ts'
import { Meter } from './bench/meter.ts'
import { pushApp } from './images.ts'
import { startAction } from './runner.ts'

/** Large stacks on a small swarm: deployed, updated in every service, and rolled back by hand; and what that asks of the engine. */

const usage = `npm run load -- [--sizes 10,30,100] [--replicas 3] [--servers 3] [--timeout 20m] [--logs]
For each number of services: time, requests to the engine, requests per second and the action's peak memory. Needs some 15 MB a task.`

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10,30,100' },
    replicas: { type: 'string', default: '3' },
    servers: { type: 'string', default: '3' },
    timeout: { type: 'string', default: '20m' },
    logs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const sizes = values.sizes.split(',').map(Number)
const [replicas, servers] = [Number(values.replicas), Number(values.servers)]
if (values.help || [...sizes, replicas, servers].some(number => !(number >= 1))) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const bed = await openBed({ name: 'load', servers, builder: false })
closeOnSignal(bed, say)

const image = (await pushApp(bed.registry, { name: 'app:1' })).reference
const folder = mkdtempSync(join(tmpdir(), 'load-'))
let red = 0
say(`${'what'.padEnd(10)}  services  tasks   status      time    requests  per second  peak memory`)
for (const size of sizes) {
  const stack = `load${size}`
  await measure(stack, size, 'deploy', '1')
  await measure(stack, size, 'update', '2')
  await measure(stack, size, 'rollback', '1')
  await bed.server.docker('stack', 'rm', stack)
}
rmSync(folder, { recursive: true, force: true })
await bed.close()
process.exit(red === 0 ? 0 : 1)

/** One run, and whether every task that the engine says runs has the version that ought to. */
async function measure(stack: string, size: number, what: 'deploy' | 'update' | 'rollback', version: string) {
  writeFileSync(join(folder, 'compose.yaml'), JSON.stringify(composeFile(size, version)))
  using meter = new Meter()
  const step = startAction({
    workspace: folder,
    env: { ...bed.builderEnv, GITHUB_SHA: version.repeat(40) },
    with: {
      host: bed.server.host,
      'ssh-key': bed.sshKey,
      'ssh-known-hosts': bed.knownHosts,
      stack,
      timeout: values.timeout,
      'stable-for': '5s',
      ...(what === 'rollback' && { command: 'rollback' })
    },
    onProcess: pid => meter.adopt(pid)
  })
  const result = await step.result
  result.clean()
  const requests = Number(/Engine API requests: (\d+)/.exec(result.raw)?.[1] ?? Number.NaN)
  const running = await tasksOf(stack, version)
  const status = result.outputs['status'] ?? result.status
  const right = status === 'deployed' && running === size * replicas
  if (!right) red += 1
  const columns = [
    what.padEnd(10),
    String(size).padStart(8),
    String(running).padStart(5),
    `  ${status.padEnd(10)}`,
    `${(result.ms / 1000).toFixed(1)} s`.padStart(8),
    String(requests).padStart(8),
    (requests / (result.ms / 1000)).toFixed(1).padStart(10),
    `${Math.round(meter.cost.peakBytes / 2 ** 20)} MiB`.padStart(11)
  ]
  say(columns.join('  '))
  if (!right || values.logs) say(result.log.replaceAll(/^/gm, '     │ '))
}

function composeFile(size: number, version: string): object {
  const service = {
    image,
    environment: { VERSION: version, PORT: '' },
    stop_grace_period: '1s',
    deploy: {
      replicas,
      endpoint_mode: 'dnsrr',
      update_config: { order: 'start-first', failure_action: 'rollback', monitor: '5s', parallelism: 3 }
    }
  }
  return { services: Object.fromEntries(Array.from({ length: size }, (_, index) => [`s${index + 1}`, service])) }
}

/** Tasks of this version that run and shall run, asked of the engine itself. */
async function tasksOf(stack: string, version: string): Promise<number> {
  const filters = { label: [`com.docker.stack.namespace=${stack}`], 'desired-state': ['running'] }
  const tasks = (await bed.server.api('GET', `/tasks?filters=${encodeURIComponent(JSON.stringify(filters))}`)) as {
    Status: { State: string }
    Spec: { ContainerSpec: { Env: readonly string[] } }
  }[]
  return tasks.filter(
    ({ Status, Spec }) => Status.State === 'running' && Spec.ContainerSpec.Env.includes(`VERSION=${version}`)
  ).length
}
