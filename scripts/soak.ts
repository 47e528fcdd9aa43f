/**
 * Deploys at random (good, broken, slow, flapping, cancelled, two at once) to several stacks at a time, and after each one asks the engine,
 * past the action, whether what the action said is so.
 *
 *     node scripts/soak.ts [DEPLOYS [SEED]]     default 50; needs root; ACTION_DIST is the bundle to run
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Workshop, web } from '../__tests__/acceptance/workshop.ts'
import { openBed } from '../testbed/bed.ts'
import { pushApp } from '../testbed/images.ts'
import type { StepResult } from '../testbed/runner.ts'

const deploys = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? Date.now() % 100_000)
const stacks = 4
console.log(`seed ${seed}`)

/** mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const kinds = ['good', 'same', 'slow', 'crash', 'late', 'sick', 'image', 'nowhere', 'cancel', 'twice', 'scale'] as const
type Kind = (typeof kinds)[number]

await using bed = await openBed({ name: 'soak', builder: false })
const image = (await pushApp(bed.registry, { name: 'app:1' })).reference

/** What each stack was last seen to run, by the check and not by the action. */
interface Stack {
  readonly name: string
  readonly random: () => number
  readonly workshop: Workshop
  good: object | undefined
  version: string
  replicas: number
  next: number
}

let left = deploys
let agreed = 0
const wrong: string[] = []
await Promise.all(
  Array.from({ length: stacks }, async (_, index) => {
    const name = `soak${index + 1}`
    const workshop = new Workshop(bed, { stack: name, 'stable-for': '5s', timeout: '120s' })
    const stack: Stack = {
      name,
      random: randomFrom(seed + index),
      workshop,
      good: undefined,
      version: '',
      replicas: 1,
      next: 1
    }
    while (left-- > 0) await deploy(stack)
    workshop.close()
  })
)
console.log(`${agreed} of ${deploys} verdicts agree with the engine (seed ${seed})`)
for (const line of wrong) console.error(line)
process.exitCode = agreed === deploys ? 0 : 1

async function deploy(stack: Stack): Promise<void> {
  const kind: Kind = stack.good === undefined ? 'good' : (kinds[Math.floor(stack.random() * kinds.length)] ?? 'good')
  const version = kind === 'same' || kind === 'scale' ? stack.version : String(stack.next++)
  const replicas = kind === 'scale' ? 1 + Math.floor(stack.random() * 3) : stack.replicas
  const services = kind === 'same' ? (stack.good as object) : servicesOf(kind, version, replicas)
  stack.workshop.compose(services as Record<string, object>)
  const started = Date.now()
  const results = await run(stack, kind)
  const objection = await check(stack, { kind, version, replicas, services }, results)
  const said = results.map(({ outputs, status }) => outputs['status'] ?? status).join(' and ')
  console.log(
    `${stack.name} ${kind} ${version}: ${said}, ${Date.now() - started} ms${objection === null ? '' : `  WRONG: ${objection}`}`
  )
  if (objection === null) agreed++
  else
    wrong.push(`${stack.name} ${kind} ${version}: ${said}: ${objection}\n${results.map(({ log }) => log).join('\n')}`)
  for (const result of results) result.clean()
}

function servicesOf(kind: Kind, version: string, replicas: number): object {
  const environment: Record<string, string> = { VERSION: version }
  const healthcheck: Record<string, unknown> = {}
  if (kind === 'slow') Object.assign(environment, { HEALTHY_AFTER: '5' })
  if (kind === 'slow') Object.assign(healthcheck, { start_period: '30s' })
  if (kind === 'crash') Object.assign(environment, { EXIT_AFTER: '0', EXIT_CODE: '7' })
  if (kind === 'late') Object.assign(environment, { EXIT_AFTER: '2', EXIT_CODE: '9' })
  if (kind === 'sick') Object.assign(environment, { HEALTHY_AFTER: 'never' })
  const placement = kind === 'nowhere' ? { placement: { constraints: ['node.labels.nowhere == true'] } } : {}
  const deployed = {
    replicas,
    endpoint_mode: 'dnsrr',
    update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s' },
    restart_policy: { delay: '500ms' },
    ...placement
  }
  const api = web(image, { environment: { VERSION: version }, healthcheck: { disable: true } })
  return {
    web: web(kind === 'image' ? `${bed.registry}/app:none` : image, { environment, healthcheck, deploy: deployed }),
    api
  }
}

async function run(stack: Stack, kind: Kind): Promise<StepResult[]> {
  if (kind === 'twice') return Promise.all([stack.workshop.start().result, stack.workshop.start().result])
  const step = stack.workshop.start()
  if (kind !== 'cancel') return [await step.result]
  await sleep(500 + stack.random() * 6_000)
  return [await step.cancel()]
}

interface Wanted {
  readonly kind: Kind
  readonly version: string
  readonly replicas: number
  readonly services: object
}

/** What is wrong with what the action said; null when the engine agrees. */
async function check(stack: Stack, wanted: Wanted, results: readonly StepResult[]): Promise<string | null> {
  const { kind, version, replicas, services } = wanted
  const said = results.map(({ outputs }) => outputs['status'] ?? '')
  if (kind === 'cancel') return afterCancel(stack, said[0] ?? '', wanted)
  const isGood = ['good', 'same', 'slow', 'twice', 'scale'].includes(kind)
  for (const status of said) {
    if (isGood !== ['deployed', 'unchanged'].includes(status)) return `a ${kind} deploy ended as ${status}`
  }
  // an image that is not there is refused before anything is touched
  if (!isGood && said[0] !== (kind === 'image' ? 'failed' : 'rolled-back'))
    return `the release before did not come back: ${said[0] ?? ''}`
  if (isGood) Object.assign(stack, { good: services, version, replicas })
  // the swarm may leave a second task in a place for good; then the action must have said so
  return running(
    stack,
    results.some(({ log }) => log.includes('which the swarm has not taken away'))
  )
}

/** A cancelled run may have been through already; what it leaves must let the next one through, which takes the good version back. */
async function afterCancel(stack: Stack, said: string, { services, version }: Wanted): Promise<string | null> {
  if (said === 'deployed') {
    Object.assign(stack, { good: services, version })
    return running(stack)
  }
  stack.workshop.compose(stack.good as Record<string, object>)
  const next = await stack.workshop.run({ 'lock-timeout': '20s' })
  const status = next.outputs['status'] ?? ''
  if (!['deployed', 'unchanged'].includes(status))
    return `after ${said} the next deploy ended as ${status}:\n${next.log}`
  return running(stack)
}

interface EngineTask {
  readonly ServiceID: string
  readonly DesiredState: string
  readonly Status: { readonly State: string; readonly Timestamp: string }
  readonly Spec: { readonly ContainerSpec: { readonly Env?: readonly string[] } }
}

/** The engine's own word: as many tasks of the good version as are wanted run, no other does, and none fails for another while. */
async function running(stack: Stack, isToldOfMore = false): Promise<string | null> {
  const since = Date.now()
  await sleep(2_000)
  for (const [key, replicas] of [
    ['web', stack.replicas],
    ['api', 1]
  ] as const) {
    const filters = encodeURIComponent(JSON.stringify({ service: [`${stack.name}_${key}`] }))
    const tasks = (await bed.server.api('GET', `/tasks?filters=${filters}`)) as EngineTask[]
    const wanted = tasks.filter(({ DesiredState }) => DesiredState === 'running')
    const isRight = ({ Status, Spec }: EngineTask) =>
      Status.State === 'running' && (Spec.ContainerSpec.Env ?? []).includes(`VERSION=${stack.version}`)
    const isMany = isToldOfMore ? wanted.length >= replicas : wanted.length === replicas
    if (!isMany || !wanted.every(isRight)) {
      const found = wanted
        .map(({ Status, Spec }) => `${Status.State} ${(Spec.ContainerSpec.Env ?? []).join()}`)
        .join('; ')
      return `${key} should run ${replicas} of version ${stack.version}, there are: ${found}`
    }
    const failed = tasks.filter(({ Status }) => Status.State === 'failed' && Date.parse(Status.Timestamp) > since)
    if (failed.length > 0) return `${key}: ${failed.length} tasks failed after the verdict`
  }
  return null
}
