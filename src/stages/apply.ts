import { onlyServices } from '../compose/subset.js'
import type { Service } from '../engine-types.js'
import { updateFromLive } from '../engine-update.js'
import { applyFailed, connectionBroke } from '../errors/release.js'
import { label, type Stack } from '../model.js'
import type { Engine, Host, Ports, RunResult } from '../ports.js'
import { deployLabels, isTouched, type Change } from '../release/compare.js'
import { inOrderOfPorts, portsInTheWay, withoutPorts } from '../release/ports.js'
import { modeInFile, modeOf } from '../release/target.js'
import { isJob } from '../rollout/tasks.js'
import type { Target } from '../rollout/types.js'
import { startCli, type StackCli } from './applying/cli.js'

export interface ApplyRequest {
  readonly stack: string
  /** The whole stack, stamped. */
  readonly rendered: Stack
  readonly changes: readonly Change[]
  /** Keys of the services of this phase. */
  readonly services: readonly string[]
  /** The stack's services as they were before. */
  readonly live: readonly Service[]
  /** Folder with the logins that the nodes pull with. */
  readonly dockerConfig: string
  readonly withRegistryAuth: boolean
  /** One that was started ahead, with the same login; used for the first try where nothing has changed since. */
  readonly early?: StackCli
  /** Asked before the CLI is run once more; throws when the stack is another run's by now. */
  readonly stillOurs: () => Promise<void>
}

/** How often an update is tried that somebody else's, or the swarm's own, gets in between of. */
const mostTries = 5

/**
 * Hands what changed to the swarm, and nothing else: an update of a service that did not change would take its
 * PreviousSpec away, and run a job again. Gives what to watch, also for the services that were not touched. Throws
 * UserError when the CLI refuses; a part of the services may then have been updated.
 */
export async function applyStack(ports: Ports, host: Host, wanted: ApplyRequest): Promise<readonly Target[]> {
  const changes = wanted.changes.filter(change => wanted.services.includes(change.key))
  const touched = changes.filter(isTouched)
  const live = touched.length > 0 ? await releaseImages(host.engine, wanted, touched) : null
  const prepared = { ...wanted, live: live ?? wanted.live }
  const holders = { name: wanted.stack, live: prepared.live }
  const keys = touched.map(({ key }) => key)
  const batches = inOrderOfPorts(wanted.rendered, keys, holders)
  const [first = []] = batches.length > 1 ? batches : []
  const freed = await freePorts(ports, host.engine, prepared, { keys, first })
  // what it has asked ahead must still be so
  const early = live === null && !freed && batches.length === 1 ? wanted.early : undefined
  for (const batch of batches) {
    const some = touched.filter(({ key }) => batch.includes(key))
    await deploy(ports, host, prepared, some, early, freed || batches.length > 1)
  }
  return changes.filter(change => change.kind !== 'skip').flatMap(change => targetOf(prepared, change))
}

/**
 * Takes the ports that these services are to have now from those that would give them up only later, which those of `first` do not. Gives whether there were any. Such a service is of this release from here on, so
 * that the way back puts it right, and no deploy takes it for what its file says. A job is left alone: any update runs it again.
 */
async function freePorts(
  { log }: Ports,
  engine: Engine,
  { stack: name, changes, rendered, live }: ApplyRequest,
  { keys, first }: { readonly keys: readonly string[]; readonly first: readonly string[] }
): Promise<boolean> {
  const inTheWay = (service: Service): readonly string[] => {
    const change = changes.find(each => each.service === service.Spec.Name)
    const leaving = change?.kind === 'remove'
    if (change === undefined || isJob(modeOf(service)) || !(leaving || isTouched(change))) return []
    return first.includes(change.key) ? [] : portsInTheWay(rendered, keys, service, { name, leaving })
  }
  if (!live.some(service => inTheWay(service).length > 0)) return false
  // one of an earlier phase has given its port up by now
  for (const service of await engine.services(name)) {
    const given = inTheWay(service)
    if (given.length === 0) continue
    log.info(
      `${service.Spec.Name} gives ${given.join(', ')} away: nobody answers there until the service that gets it runs`
    )
    const release = deployLabels(rendered, keys[0] ?? '')[label.release] ?? ''
    await updateFromLive(engine, service.ID, now => {
      const labels = Object.entries(now.Spec.Labels ?? {}).filter(([each]) => each !== label.content)
      return { ...withoutPorts(now, given), Labels: { ...Object.fromEntries(labels), [label.release]: release } }
    })
  }
  return true
}

/** Takes away what is in the stack no more, once everything else is live. */
export async function removeDropped(ports: Ports, engine: Engine, changes: readonly Change[]): Promise<void> {
  const dropped = changes.filter(change => change.kind === 'remove').map(change => change.service)
  for (const service of dropped) {
    await engine.removeService(service)
    ports.log.info(`Removed ${service}: it is no longer in the stack file`)
  }
}

async function deploy(
  ports: Ports,
  host: Host,
  wanted: ApplyRequest,
  touched: readonly Change[],
  early: StackCli | undefined,
  portsMove: boolean
): Promise<void> {
  const run = async (changes: readonly Change[], started?: StackCli): Promise<RunResult> => {
    const keys = changes.map(({ key }) => key)
    const stack = withReplicas(onlyServices(wanted.rendered, keys), changes)
    await using cli = started ?? startCli(ports, host, { ...wanted, about: stack })
    return await cli.deploy(stack)
  }
  let missing = touched
  for (let attempt = 1; missing.length > 0; attempt++) {
    const { code, stderr } = await run(missing, attempt === 1 ? early : undefined)
    if (code === 0) return
    // The swarm writes the state of a rollout into the service as well, which makes the version that the CLI read stale
    // (moby/moby#39891). And the CLI gives up a connection that we make anew.
    const isLost = connectionBroke.test(stderr) && !ports.cancelled.aborted
    // A port that was given up a moment ago is the old one's until the swarm's allocator has seen to it.
    const isTaken = portsMove && /already in use by service/.test(stderr)
    if (!(isLost || isTaken || /update out of sequence/.test(stderr)) || attempt >= mostTries)
      throw applyFailed(wanted.stack, code, stderr)
    if (isTaken) await ports.clock.sleep(500, ports.cancelled)
    missing = await notApplied(host.engine, wanted, missing)
    if (missing.length > 0) await wanted.stillOurs()
  }
}

/**
 * What the CLI did not come to. A service that it has updated already must not be updated again: that would run a job
 * once more, and leave nothing in PreviousSpec that the swarm could roll back to.
 */
async function notApplied(
  engine: Engine,
  wanted: ApplyRequest,
  touched: readonly Change[]
): Promise<readonly Change[]> {
  const now = await engine.services(wanted.stack)
  return touched.filter(({ key, service }) => {
    const labels = deployLabels(wanted.rendered, key)
    const [was, is] = [wanted.live, now].map(
      services => services.find(({ Spec }) => Spec.Name === service)?.Spec.Labels
    )
    // one that had to give a port away is of the release already, and has no content
    const isApplied = is?.[label.release] === labels[label.release] && is?.[label.content] === labels[label.content]
    return !isApplied || was?.[label.release] === labels[label.release]
  })
}

/** A service scaled by hand, whose replicas the file leaves open, keeps them. */
function withReplicas(stack: Stack, changes: readonly Change[]): Stack {
  const replicas = new Map(changes.flatMap(c => ('replicas' in c ? [[c.key, c.replicas]] : [])))
  const services = Object.entries(stack.services).map(([key, service]) => {
    const count = replicas.get(key)
    return [
      key,
      count === undefined ? service : { ...service, deploy: { ...service.deploy, replicas: count } }
    ] as const
  })
  return { ...stack, services: Object.fromEntries(services) }
}

/** The image of the stack file, as the CLI wrote it down on the service. */
const stackImage = 'com.docker.stack.image'

/**
 * Without asking the registry, the CLI keeps the image that runs as long as the stack file's image is the one of the
 * last deploy, also when somebody changed what runs by hand (docker/cli cli/command/stack/swarm/deploy_composefile.go).
 * Forgetting the latter makes it take the file's. A change of labels alone restarts nothing, but it runs a job again, and
 * with the wrong image: a job is taken away instead, and the CLI makes it anew. Gives the services that are
 * left; null where nothing had to be done.
 */
async function releaseImages(
  engine: Engine,
  wanted: ApplyRequest,
  touched: readonly Change[]
): Promise<readonly Service[] | null> {
  const removed: Service[] = []
  let isAsWanted = true
  for (const { key, service } of touched) {
    const live = wanted.live.find(({ Spec }) => Spec.Name === service)
    const image = wanted.rendered.services[key]?.image
    if (live === undefined || live.Spec.Labels?.[stackImage] !== image) continue
    if (live.Spec.TaskTemplate.ContainerSpec?.Image === image) continue
    isAsWanted = false
    if (isJob(modeOf(live))) {
      await engine.removeService(live.ID)
      removed.push(live)
    } else await forgetImage(engine, live.ID)
  }
  return isAsWanted ? null : wanted.live.filter(live => !removed.includes(live))
}

function forgetImage(engine: Engine, id: string): Promise<void> {
  return updateFromLive(engine, id, ({ Spec }) => {
    const labels = Object.entries(Spec.Labels ?? {}).filter(([name]) => name !== stackImage)
    return { ...Spec, Labels: Object.fromEntries(labels) }
  })
}

function targetOf(wanted: ApplyRequest, change: Change): readonly Target[] {
  const before = wanted.live.find(({ Spec }) => Spec.Name === change.service)
  const jobIteration = before?.JobStatus?.JobIteration?.Index
  if (wanted.rendered.services[change.key] === undefined) return []
  return [
    {
      service: change.service,
      key: change.key,
      release: deployLabels(wanted.rendered, change.key)[label.release] ?? null,
      mode: modeInFile(wanted.rendered, change.key),
      touched: isTouched(change),
      ...(before !== undefined && { versionBefore: before.Version.Index }),
      ...(jobIteration !== undefined && { jobIterationBefore: jobIteration })
    }
  ]
}
