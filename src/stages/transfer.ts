import { pullImage, saveImage, unpack } from '../commands/transfer.js'
import { messageOf, UserError } from '../errors.js'
import { diskFull, noDirectPort, notOnEveryNode, oldSave, transferCancelled, transferFailed } from '../errors/images.js'
import { directPorts, otherNodes } from '../images/direct.js'
import { layoutDigest } from '../images/registry-api.js'
import type { Target } from '../images/plan.js'
import type { Stack } from '../model.js'
import { EngineError, type Engine, type Host, type ImageServer, type Ports } from '../ports.js'

/** A way for the node to fetch images from this run: a registry on our loopback, seen on the server's. */
export interface DirectRegistry extends AsyncDisposable {
  /** The registry's address as the node has it, which images are named after: `127.0.0.1:61234`. */
  readonly address: string
  /** Offers a layout's folder under a repository's name, without the address. */
  add(name: string, folder: string): void
  /** Bytes that were fetched so far. */
  sent(): number
}

/** How long the best port may be in use, as by another run for the same stack, before another is taken. */
const patienceMs = 20_000

/**
 * Opens the way: over the connection, on the stack's own port of the server's loopback. Where the runner is the server
 * itself, it is that port of ours. `running` are the images that the stack's services have now.
 * @throws UserError when something else listens on all of the stack's ports, or the server forwards none.
 */
export async function openDirectRegistry(
  ports: Ports,
  host: Host,
  stack: string,
  running: readonly string[]
): Promise<DirectRegistry> {
  const [best = 0, ...others] = directPorts(stack, running)
  const way = await openWay(ports, host)
  const reasons: string[] = []
  const deadline = ports.clock.now() + patienceMs
  try {
    for (;;) {
      const registry = await way.tryOn(best)
      if (typeof registry !== 'string') return registry
      reasons.splice(0, 1, registry)
      if (ports.clock.now() > deadline || !/forwarding failed|EADDRINUSE/.test(registry)) break
      await ports.clock.sleep(1_000, ports.cancelled)
      if (ports.cancelled.aborted) throw transferCancelled()
    }
    for (const port of others) {
      const registry = await way.tryOn(port)
      if (typeof registry !== 'string') return registry
      reasons.push(registry)
    }
  } catch (error) {
    await way.close()
    throw error
  }
  await way.close()
  throw noDirectPort(host.name, reasons.join('\n'))
}

interface Way {
  /** The registry on this port of the server, or why it cannot be. */
  tryOn(port: number): Promise<DirectRegistry | string>
  close(): Promise<void>
}

/**
 * One registry for all attempts, where a connection leads to it: an ssh that was refused a port of the server keeps what
 * it was to lead to, and leads there when it gets the port at last (OpenSSH, channels.c: the entry of a refused remote
 * forwarding stays in the list, and the first that fits counts).
 */
async function openWay(ports: Ports, host: Host): Promise<Way> {
  let bytes = 0
  const onSent = (more: number): void => void (bytes += more)
  const registryOf = (server: ImageServer, port: number, close: () => Promise<void>): DirectRegistry => ({
    address: `127.0.0.1:${port}`,
    add: (name, folder) => server.add(name, folder),
    sent: () => bytes,
    [Symbol.asyncDispose]: close
  })
  if (host.name.startsWith('unix:')) {
    const tryOn: Way['tryOn'] = port =>
      ports.serveImages({ onSent, port }).then(
        server => registryOf(server, port, async () => await server[Symbol.asyncDispose]()),
        (error: unknown) => `${port}: ${reasonOf(error)}`
      )
    return { tryOn, close: () => Promise.resolve() }
  }
  const server = await ports.serveImages({ onSent })
  const close = async (): Promise<void> => await server[Symbol.asyncDispose]()
  const tryOn: Way['tryOn'] = port =>
    host.forwardBack(server.port, port).then(
      forwarded => registryOf(server, port, () => forwarded.close().finally(close)),
      (error: unknown) => `${port}: ${reasonOf(error)}`
    )
  return { tryOn, close }
}

function reasonOf(error: unknown): string {
  return error instanceof UserError ? (error.problems[0]?.details ?? error.message) : messageOf(error)
}

/**
 * Every node that may run a service must get its image, and we are connected to one only.
 * @throws UserError naming the services and the nodes that would be left without.
 */
export async function assertOneNode(engine: Engine, stack: Stack, services: readonly string[]): Promise<void> {
  const [info, nodes] = await Promise.all([engine.info(), engine.nodes()])
  const left = services
    .map(service => ({ service, nodes: otherNodes(nodes, info.Swarm?.NodeID, stack.services[service]) }))
    .filter(each => each.nodes.length > 0)
  if (left.length > 0) throw new UserError(left.map(each => notOnEveryNode(each.service, each.nodes)))
}

/** A layout on the runner, and the digest of the image in it. */
export interface Layout {
  readonly folder: string
  readonly digest: string
}

/**
 * Makes layouts of what a builder, which writes none itself, has put into the runner's engine: by target.
 * @throws UserError when the engine is too old to save layouts.
 */
export async function saveLayouts(
  ports: Ports,
  targets: readonly Target[],
  where: { readonly folder: string; readonly env: Readonly<Record<string, string>> }
): Promise<Readonly<Record<string, Layout>>> {
  const layouts: Record<string, Layout> = {}
  for (const target of targets) {
    const [reference = ''] = target.references
    const archive = `${where.folder}/${target.name}.tar`
    const folder = await ports.files.tempFolder(target.name)
    for (const argv of [saveImage(reference, archive), unpack(archive, folder)]) {
      const { code, stderr } = await ports.shell.run(argv, { env: where.env, signal: ports.cancelled })
      if (ports.cancelled.aborted) throw transferCancelled()
      if (code !== 0) throw transferFailed(reference, stderr.trim())
    }
    await ports.files.remove(archive)
    const digest = layoutDigest(await ports.files.text(`${folder}/index.json`))
    if (digest === undefined) throw oldSave()
    layouts[target.name] = { folder, digest }
  }
  return layouts
}

export interface Carry {
  /** Pinned, named after the registry's address. */
  readonly references: readonly string[]
  readonly registry: DirectRegistry
  readonly env: Readonly<Record<string, string>>
}

/**
 * Lets the node fetch what it lacks, by digest: the engine asks for the layers that it does not have, and checks each
 * and the whole. From then on the image is the node's own, and its tasks restart with the runner gone.
 * @throws UserError when the node's disk is full or it cannot fetch.
 */
export async function carryImages(ports: Ports, host: Host, request: Carry): Promise<void> {
  for (const reference of new Set(request.references)) {
    if (await hasImage(host.engine, reference)) {
      ports.log.info(`${reference}: the node has it already.`)
      continue
    }
    const before = request.registry.sent()
    const began = ports.clock.now()
    const stop = new AbortController()
    const progress = showProgress(ports, request.registry, stop.signal)
    const { PATH = '', HOME = '', DOCKER_CONFIG = '' } = request.env
    const env = { PATH, HOME, DOCKER_CONFIG, DOCKER_HOST: host.dockerHost }
    const options = { env, signal: ports.cancelled, onLine: (line: string) => ports.log.info(line) }
    const { code, stderr } = await ports.shell.run(pullImage(reference), options)
    stop.abort()
    await progress
    if (ports.cancelled.aborted) throw transferCancelled()
    if (code !== 0)
      throw /no space left on device/i.test(stderr)
        ? diskFull(host.name, stderr.trim())
        : transferFailed(reference, stderr.trim())
    if (!(await hasImage(host.engine, reference))) throw transferFailed(reference, 'The node does not list it.')
    const seconds = Math.max(0.1, (ports.clock.now() - began) / 1000)
    ports.log.info(`Carried ${megabytes(request.registry.sent() - before)} in ${seconds.toFixed(1)} s.`)
  }
}

/** Whether the engine that we are connected to has this image, by its digest. */
export async function hasImage(engine: Engine, reference: string): Promise<boolean> {
  try {
    await engine.call('GET', `/images/${reference}/json`)
    return true
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return false
    throw error
  }
}

/** A line every 5 s while bytes flow. */
async function showProgress(ports: Ports, registry: DirectRegistry, signal: AbortSignal): Promise<void> {
  let last = registry.sent()
  while (!signal.aborted) {
    await ports.clock.sleep(5_000, signal)
    if (registry.sent() > last) ports.log.info(`${megabytes(registry.sent())} sent so far.`)
    last = registry.sent()
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
