import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../server.ts'
import { identity, secretReader, type Definition } from './app.ts'

/** What really runs of a stack, asked of the engine itself; the action has no part in it. */

export interface Truth {
  readonly services: readonly ServiceTruth[]
  readonly containers: readonly ContainerTruth[]
  /** Tasks that the swarm says run and shall run, as `web MARK`. */
  readonly tasks: readonly string[]
  readonly locks: number
  /** Ids of release records, by the verdict that they carry. */
  readonly releases: readonly { readonly id: string; readonly verdict: string }[]
  /** What the soak wrote into the stack's volume. */
  readonly volume: string
}

export interface ServiceTruth {
  readonly name: string
  readonly mark: string
  readonly image: string
  readonly replicas: number
  readonly release: string
  readonly version: number
}

export interface ContainerTruth {
  readonly service: string
  readonly id: string
  readonly mark: string
  readonly image: string
  readonly healthy: boolean
  /** Content of its secret; empty without one. */
  readonly token: string
}

const stackLabel = 'com.docker.stack.namespace'
const releaseLabel = 'swarm-rollout.release'
const volumeFile = 'kept'

/** One look at a stack. */
export async function look(server: Server, stack: string): Promise<Truth> {
  const list = async <T>(path: string, more: object = {}): Promise<T[]> => {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${stackLabel}=${stack}`], ...more }))
    return (await server.api('GET', `${path}?filters=${filters}`)) as T[]
  }
  const [services, tasks, containers, configs, volume] = await Promise.all([
    list<ApiService>('/services'),
    list<ApiTask>('/tasks', { 'desired-state': ['running'] }),
    list<{ Id: string }>('/containers/json', { status: ['running'] }),
    list<{ Spec: { Labels: Record<string, string> } }>('/configs'),
    readVolume(server, stack)
  ])
  const short = (name: string): string => name.slice(stack.length + 1)
  const names = new Map(services.map(({ ID, Spec }) => [ID, short(Spec.Name)]))
  const kinds = configs.map(({ Spec: { Labels } }) => Labels)
  return {
    services: services.map(({ Spec, Version }) => ({
      name: short(Spec.Name),
      mark: markOf(Spec.TaskTemplate.ContainerSpec.Env),
      image: Spec.TaskTemplate.ContainerSpec.Image,
      replicas: Spec.Mode.Replicated?.Replicas ?? 0,
      release: Spec.Labels[releaseLabel] ?? '',
      version: Version.Index
    })),
    containers: (await Promise.all(containers.map(({ Id }) => inspect(server, stack, Id)))).flat(),
    tasks: tasks
      .filter(task => task.Status.State === 'running')
      .map(task => `${names.get(task.ServiceID) ?? task.ServiceID} ${markOf(task.Spec.ContainerSpec.Env)}`),
    locks: kinds.filter(labels => labels['swarm-rollout.kind'] === 'lock').length,
    releases: kinds
      .filter(labels => labels['swarm-rollout.kind'] === 'release')
      .map(labels => ({ id: labels[releaseLabel] ?? '', verdict: labels['swarm-rollout.verdict'] ?? '' })),
    volume
  }
}

interface ApiService {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly Spec: {
    readonly Name: string
    readonly Labels: Readonly<Record<string, string>>
    readonly Mode: { readonly Replicated?: { readonly Replicas: number } }
    readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string; readonly Env?: readonly string[] } }
  }
}

interface ApiTask {
  readonly ServiceID: string
  readonly Status: { readonly State: string }
  readonly Spec: { readonly ContainerSpec: { readonly Env?: readonly string[] } }
}

interface ApiContainer {
  readonly Config: { readonly Env: readonly string[]; readonly Image: string; readonly Labels: Record<string, string> }
  readonly State: { readonly Running: boolean; readonly Health?: { readonly Status: string } }
}

/** A container that is gone meanwhile does not run. */
async function inspect(server: Server, stack: string, id: string): Promise<ContainerTruth[]> {
  try {
    const { Config, State } = (await server.api('GET', `/containers/${id}/json`)) as ApiContainer
    if (!State.Running) return []
    const token = await server
      .docker('exec', id, 'sh', '-c', 'cat /run/secrets/token 2>/dev/null || true')
      .catch(() => '')
    const service = (Config.Labels['com.docker.swarm.service.name'] ?? '').slice(stack.length + 1)
    const healthy = State.Health?.Status === 'healthy'
    return [{ service, id, mark: markOf(Config.Env), image: Config.Image, healthy, token }]
  } catch {
    return []
  }
}

function markOf(env: readonly string[] = []): string {
  return env.find(entry => entry.startsWith('MARK='))?.slice(5) ?? ''
}

async function volumePath(server: Server, stack: string): Promise<string> {
  const { Mountpoint } = (await server.api('GET', `/volumes/${stack}_data`)) as { Mountpoint: string }
  return `${Mountpoint}/${volumeFile}`
}

async function readVolume(server: Server, stack: string): Promise<string> {
  try {
    return await server.exec(['cat', await volumePath(server, stack)])
  } catch {
    return ''
  }
}

/** Puts something into the stack's volume that no later deploy may take away. */
export async function fillVolume(server: Server, stack: string, text: string): Promise<void> {
  await server.exec(['tee', await volumePath(server, stack)], text)
}

export interface Expected {
  readonly stack: string
  readonly definition: Definition
  /** Ids of the releases that were deployed: no service may be at any other. */
  readonly deployed: readonly string[]
  /** A run of this stack was killed before: its release stays pending for good. */
  readonly killed: boolean
  /** Containers that nothing gave a reason to replace, by service. */
  readonly kept: ReadonlyMap<string, readonly string[]>
  /** By release, the status that its run gave. */
  readonly verdicts: ReadonlyMap<string, string>
  /** What the volume holds. */
  readonly volume: string
  /** Whether it must run at the first look: the run said that it does. */
  readonly atOnce: boolean
}

/**
 * Looks until what runs is what is expected, and gives what is not. What a green or a rolled-back run vouches for has to be
 * there at the first look; only what is on its way out gets its time.
 */
export async function disagreements(server: Server, expected: Expected, ms = 40_000): Promise<string[]> {
  const deadline = Date.now() + ms
  for (;;) {
    const truth = await look(server, expected.stack)
    const missing = missingIn(truth, expected)
    if (expected.atOnce && missing.length > 0) return missing
    const all = [...missing, ...surplusIn(truth, expected)]
    if (all.length === 0 || Date.now() > deadline) return all
    await sleep(300)
  }
}

/** What ought to run and does not. */
function missingIn(truth: Truth, { definition, deployed, kept, volume, verdicts }: Expected): string[] {
  const found = truth.releases
    .filter(({ id, verdict }) => verdict !== 'retired' && verdict !== (verdicts.get(id) ?? verdict))
    .map(({ id, verdict }) => `release ${id} is recorded as ${verdict}, its run said ${verdicts.get(id)}`)
  for (const [name, wanted] of Object.entries(definition.services)) {
    const service = truth.services.find(each => each.name === name)
    if (service === undefined) {
      found.push(`service ${name} is not there`)
      continue
    }
    if (service.mark !== wanted.mark) found.push(`${name} is defined as ${service.mark}, not ${wanted.mark}`)
    if (!service.image.startsWith(`${wanted.image}@sha256:`)) found.push(`${name} has the image ${service.image}`)
    if (service.replicas !== wanted.replicas) found.push(`${name} shall have ${service.replicas} replicas`)
    if (!deployed.includes(service.release))
      found.push(`${name} is labelled ${service.release}, not a deployed release`)
    const reads = secretReader(definition) === name
    const up = truth.containers.filter(
      each => each.service === name && each.mark === wanted.mark && each.image === service.image && each.healthy
    )
    const right = up.filter(({ token }) => token === (reads ? definition.token : ''))
    if (right.length < wanted.replicas)
      found.push(
        `${name} has ${up.length} healthy containers of ${wanted.mark}, ${right.length} of them with the right secret, of ${wanted.replicas}`
      )
    const tasks = truth.tasks.filter(task => task === `${name} ${wanted.mark}`).length
    if (tasks !== wanted.replicas) found.push(`${name} has ${tasks} running tasks of ${wanted.mark}`)
    for (const id of kept.get(name) ?? [])
      if (!truth.containers.some(each => each.id === id))
        found.push(`${name} lost its container ${id.slice(0, 12)} for nothing`)
  }
  if (truth.volume !== volume) found.push(`the volume holds "${truth.volume}", not "${volume}"`)
  return found
}

/** What is there and ought not to be. */
function surplusIn(truth: Truth, { definition, killed }: Expected): string[] {
  const names = Object.keys(definition.services)
  const services = truth.services
    .filter(({ name }) => !names.includes(name))
    .map(({ name }) => `service ${name} is there`)
  const wrong = truth.containers
    .filter(({ service, mark }) => definition.services[service]?.mark !== mark)
    .map(({ service, mark, id }) => `a container of ${service} ${mark} runs (${id.slice(0, 12)})`)
  const many = names
    .map(name => [name, truth.containers.filter(({ service }) => service === name).length] as const)
    .filter(([name, count]) => count > (definition.services[name]?.replicas ?? 0))
    .map(([name, count]) => `${name} has ${count} containers`)
  const pending = truth.releases.filter(({ verdict }) => verdict === 'pending').map(({ id }) => id)
  return [
    ...services,
    ...wrong,
    ...many,
    ...(truth.locks > 0 ? ['a lock is left'] : []),
    ...(pending.length > (killed ? 1 : 0) ? [`releases without a verdict: ${pending.join(', ')}`] : [])
  ]
}

/** The containers that have to be the same after a run, as nothing of their service is new but perhaps more replicas. */
export function keptContainers(truth: Truth, live: Definition, wanted: Definition): Map<string, readonly string[]> {
  const same = Object.entries(live.services).filter(
    ([name, { replicas }]) =>
      identity(live, name) === identity(wanted, name, replicas) && (wanted.services[name]?.replicas ?? 0) >= replicas
  )
  return new Map(
    same.map(
      ([name]) => [name, truth.containers.filter(({ service }) => service === name).map(({ id }) => id)] as const
    )
  )
}
