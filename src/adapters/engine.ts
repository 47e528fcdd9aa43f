import type { EngineEvent, Info, Network, Node, Service, SwarmObject, Task } from '../engine-types.js'
import { EngineError, type Engine } from '../ports.js'
import { EngineHttp } from './engine-http.js'
import { NoAnswer, type Caller, type CallOptions, type EngineLink, type Method } from './engine-wire.js'
import { Ordered, Pipeline } from './engine-pipeline.js'
import { jsonLines, unframed, untilEnd } from './engine-streams.js'

const stackLabel = 'com.docker.stack.namespace'

/** Names or ids in one filter: enough for one request in any ordinary stack, within what a request line may hold. */
const chunkSize = 200

/** How long an engine may take over one task's log: it waits for nodes that are down. */
const logsMs = 10_000

/** The Engine API over a link, and what it costs. */
export interface CountedEngine {
  readonly engine: Engine
  readonly http: EngineHttp
  /** How many requests were made so far, tries included. */
  readonly requests: () => number
  /** Opens the connections that the first questions will come by, beside the first ping. What goes wrong shows with those. */
  readonly warm: () => Promise<unknown>
  readonly close: () => void
}

/** The Engine port over HTTP on the link's socket. */
export function makeEngine(link: EngineLink): CountedEngine {
  const http = new EngineHttp(link)
  const pipeline = new Pipeline(link)
  return {
    http,
    engine: engineOver(http, link, () => new Ordered(http, pipeline)),
    requests: () => http.requests + pipeline.requests,
    warm: () => Promise.all(link.pooled ? [http.warm(), pipeline.warm()] : []),
    close: () => {
      http.close()
      pipeline.close()
    }
  }
}

function engineOver(http: Caller, link: EngineLink, ordered: () => Caller): Engine {
  const get = <T>(path: string, query?: CallOptions['query']): Promise<T> => json<T>(http, 'GET', path, { query })
  const engine: Engine = {
    info: () => get<Info>('/info'),
    version: () => http.version(),
    nodes: () => get<Node[]>('/nodes'),
    services: stack => get<Service[]>('/services', { status: 'true', ...(stack === null ? {} : ofStack(stack)) }),
    service: id => orNull(get<Service>(`/services/${segment(id)}`)),
    updateService: async (id, version, spec, query = {}) => {
      const path = `/services/${segment(id)}/update`
      await http.call('POST', path, { query: { ...query, version: String(version) }, body: spec })
    },
    removeService: async id => {
      await gone(http, `/services/${segment(id)}`)
    },
    tasks: services => tasksOf(get, services),
    tasksOfStack: stack => get<Task[]>('/tasks', ofStack(stack)),
    taskLogs: (id, lines) => taskLogs(http, id, lines),
    container: id => orNull(get(`/containers/${segment(id)}/json`)),
    networks: filter => get<Network[]>('/networks', filter?.stack === undefined ? {} : ofStack(filter.stack)),
    createNetwork: async spec => {
      const made = await json<{ Id: string }>(http, 'POST', '/networks/create', { body: spec })
      return made.Id
    },
    removeNetwork: async id => {
      await gone(http, `/networks/${segment(id)}`)
    },
    ...objectCalls(http, get),
    ...nodeCalls(http, get),
    events: (filter, signal) => events(http, link, filter, signal),
    inOrder: () => engineOver(ordered(), link, ordered),
    call: (method, path, options) => json(http, method, path, options)
  }
  return engine
}

type Get = <T>(path: string, query?: CallOptions['query']) => Promise<T>

/** Secrets and configs. */
function objectCalls(
  http: Caller,
  get: Get
): Pick<Engine, 'objects' | 'config' | 'createObject' | 'labelObject' | 'removeObject'> {
  return {
    objects: async (kind, filter = {}) => {
      const labels = [
        ...(filter.stack === undefined ? [] : [`${stackLabel}=${filter.stack}`]),
        ...(filter.labels ?? [])
      ]
      const found = await get<SwarmObject[]>(`/${kind}s`, {
        filters: JSON.stringify({
          ...(labels.length === 0 ? {} : { label: labels }),
          ...(filter.name === undefined ? {} : { name: [filter.name] })
        })
      })
      // The engine's name filter matches prefixes.
      return filter.name === undefined ? found : found.filter(object => object.Spec.Name === filter.name)
    },
    config: id => orNull(get<SwarmObject>(`/configs/${segment(id)}`)),
    createObject: async (kind, name, data, labels) => {
      const body = { Name: name, Labels: labels, Data: Buffer.from(data).toString('base64') }
      return (await json<{ ID: string }>(http, 'POST', `/${kind}s/create`, { body })).ID
    },
    labelObject: async (kind, object, labels) => {
      await http.call('POST', `/${kind}s/${segment(object.ID)}/update`, {
        query: { version: String(object.Version.Index) },
        body: { Name: object.Spec.Name, Labels: labels }
      })
    },
    // In use: 400 "is in use by the following service" (swarmkit manager/controlapi/secret.go).
    removeObject: (kind, id) => gone(http, `/${kind}s/${segment(id)}`, error => /in use/.test(error.message))
  }
}

/** What concerns the connected node alone. */
function nodeCalls(http: Caller, get: Get): Pick<Engine, 'volumes' | 'removeVolume' | 'distribution' | 'removeImage'> {
  return {
    volumes: async stack => {
      const found = await get<{ Volumes?: readonly { Name: string }[] | null }>('/volumes', ofStack(stack))
      return (found.Volumes ?? []).map(volume => volume.Name)
    },
    removeVolume: name => gone(http, `/volumes/${segment(name)}`, error => error.status === 409),
    distribution: async (reference, auth) => {
      const found = await json<{
        Descriptor: { digest: string }
        Platforms?: readonly { architecture?: string; os?: string }[] | null
      }>(http, 'GET', `/distribution/${encodeURI(reference)}/json`, {
        ...(auth === undefined ? {} : { headers: { 'X-Registry-Auth': auth } }),
        idleMs: 60_000
      })
      const platforms = (found.Platforms ?? []).map(each => ({
        architecture: each.architecture ?? '',
        os: each.os ?? ''
      }))
      return { digest: found.Descriptor.digest, platforms }
    },
    removeImage: reference => gone(http, `/images/${encodeURI(reference)}`, error => error.status === 409)
  }
}

async function tasksOf(get: Get, services: readonly string[]): Promise<Task[]> {
  const chunks = Array.from({ length: Math.ceil(services.length / chunkSize) }, (_, index) =>
    services.slice(index * chunkSize, (index + 1) * chunkSize)
  )
  const found = await Promise.all(
    chunks.map(chunk => get<Task[]>('/tasks', { filters: JSON.stringify({ service: chunk }) }))
  )
  return found.flat()
}

async function taskLogs(http: Caller, id: string, lines: number): Promise<readonly string[]> {
  const query = { stdout: '1', stderr: '1', tail: String(lines) }
  try {
    const stream = await http.open(`/tasks/${segment(id)}/logs`, query, AbortSignal.timeout(logsMs))
    const text = unframed(await untilEnd(stream))
    return text === '' ? [] : text.replace(/\n$/, '').split(/\r?\n/).slice(-lines)
  } catch (error) {
    // A task that never had a container has no log; and a log is never worth failing for.
    if (error instanceof EngineError || error instanceof NoAnswer || isAbort(error)) return []
    throw error
  }
}

async function* events(
  http: Caller,
  link: EngineLink,
  filter: { readonly types: readonly string[]; readonly since?: number },
  signal: AbortSignal
): AsyncGenerator<EngineEvent, void, undefined> {
  if (signal.aborted) return
  if (!link.pooled)
    return await new Promise<void>(done => signal.addEventListener('abort', () => done(), { once: true }))
  const query = {
    filters: JSON.stringify({ type: filter.types }),
    ...(filter.since === undefined ? {} : { since: (filter.since / 1000).toFixed(3) })
  }
  let stream
  try {
    stream = await http.open('/events', query, signal)
  } catch (error) {
    if (isAbort(error) || error instanceof NoAnswer) return
    throw error
  }
  for await (const event of jsonLines(stream)) yield event as EngineEvent
}

async function json<T>(http: Caller, method: Method, path: string, options?: CallOptions): Promise<T> {
  const reply = await http.call(method, path, options)
  const text = reply.body.toString('utf8')
  return (text.trim() === '' ? undefined : JSON.parse(text)) as T
}

async function orNull<T>(asking: Promise<T>): Promise<T | null> {
  try {
    return await asking
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return null
    throw error
  }
}

/** Deletes: true when it is gone, false when `kept` knows the engine's reason to keep it. */
async function gone(http: Caller, path: string, kept?: (error: EngineError) => boolean): Promise<boolean> {
  try {
    await http.call('DELETE', path)
    return true
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return true
    if (error instanceof EngineError && kept?.(error) === true) return false
    throw error
  }
}

function ofStack(stack: string): { readonly filters: string } {
  return { filters: JSON.stringify({ label: [`${stackLabel}=${stack}`] }) }
}

/** An id or name as one segment of a path. */
function segment(id: string): string {
  return encodeURIComponent(id)
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError' || isAbort(error.cause))
  )
}
