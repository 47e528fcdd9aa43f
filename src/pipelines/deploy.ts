import { nameObjects, pinImages } from '../compose/pin.js'
import { label } from '../model.js'
import { platformsFor } from '../images/platforms.js'
import { keepLive } from '../images/steady.js'
import type { Host } from '../ports.js'
import { buildImages } from './build-images.js'
import { openRegistrySession, type RegistrySession } from '../stages/login.js'
import { ensureObjects, findExternals } from '../stages/objects.js'
import { preflight } from '../stages/preflight.js'
import { digestFinder, resolveImages } from '../stages/resolve.js'
import { UserError } from '../errors.js'
import { openHost } from './host.js'
import { lockStack } from './lock.js'
import { prepare, writeStackFile, type Prepared } from './prepare.js'
import { rollOut } from './roll-out.js'
import { skipped, type Outcome, type Run, type StackTarget } from './run.js'

/** From the compose files to a verdict: the whole way of a push to main. */
export async function deploy(run: Run, target: StackTarget): Promise<Outcome> {
  const { ports } = run
  const prepared = await prepare(run, target)
  await using host = await openHost(run)
  await assertReady(run, host, target, prepared)
  await using session = await openSession(run, prepared)
  const images = await provideImages(run, host, target, prepared, session)
  await using lock = await lockStack(run, host, target.stack)
  const unwanted = await target.preview?.stillWanted()
  if (unwanted != null) return skipped(run, target, unwanted)
  const { names, made } = await ensureObjects(ports, host.engine, { stack: target.stack, plan: prepared.objects })
  const { translation } = prepared
  const stack = nameObjects(pinImages(translation.stack, images.references), names)
  const outcome = await rollOut(run, host, lock, {
    target,
    stack,
    phases: translation.phases,
    jobs: translation.jobs,
    openReplicas: translation.openReplicas,
    places: translation.places,
    findings: translation.findings,
    brought: images.brought,
    rotated: made,
    session,
    labels: target.preview === undefined ? {} : { [label.preview]: target.preview.label }
  })
  return {
    ...outcome,
    report: {
      ...outcome.report,
      ...(target.url !== undefined && { url: target.url }),
      ...(target.preview && { preview: { number: target.preview.number } })
    },
    images: images.references,
    stackFile: await writeStackFile(run, stack)
  }
}

/** What must be so on the server before anything is built, all problems at once. */
export async function assertReady(run: Run, host: Host, target: StackTarget, prepared: Prepared): Promise<void> {
  const report = await preflight(run.ports, host, { stack: target.stack, externals: prepared.translation.externals })
  const missing = await findExternals(host.engine, prepared.objects.externals)
  const problems = [...report.problems, ...missing]
  if (problems.length > 0) throw new UserError(problems)
}

/** The registry logins of this run: to push with, and for the nodes to pull with. */
export function openSession(run: Run, prepared: Prepared | null): Promise<RegistrySession> {
  const { inputs, ports } = run
  return openRegistrySession(ports, {
    ...(inputs.registry !== undefined && { registry: inputs.registry }),
    ...(inputs.registryLogin !== undefined && { push: inputs.registryLogin }),
    ...(inputs.pullLogin !== undefined && { pull: inputs.pullLogin }),
    ...(inputs.githubToken !== undefined && { githubToken: inputs.githubToken }),
    verify: inputs.build === 'auto' && (prepared?.translation.builds.length ?? 0) > 0
  })
}

interface Images {
  /** Service key to pinned reference, for every service. */
  readonly references: Readonly<Record<string, string>>
  /** Those that this run built. */
  readonly brought: Readonly<Record<string, string>>
}

/** Builds what has a `build`, and resolves every other image to its digest. */
async function provideImages(
  run: Run,
  host: Host,
  target: StackTarget,
  prepared: Prepared,
  session: RegistrySession
): Promise<Images> {
  const { ports, inputs, job } = run
  const { translation } = prepared
  const [nodes, live] = await Promise.all([host.engine.nodes(), host.engine.services(target.stack)])
  const built = await buildImages(ports, {
    builds: inputs.build === 'auto' ? translation.builds : [],
    values: inputs.secrets,
    stack: target.stack,
    ...(inputs.registry !== undefined && { registry: inputs.registry }),
    tags: inputs.tags,
    job,
    ...(target.preview && { pullRequest: target.preview.number }),
    platforms: platformsFor(nodes, inputs.platforms),
    cache: inputs.cache,
    mode: 'auto',
    session,
    workspace: run.workspace,
    find: digestFinder(host.engine, session)
  })
  const others = Object.entries(translation.stack.services).filter(([key]) => !(key in built.images))
  const resolved = await resolveImages(ports, host.engine, {
    references: Object.fromEntries(others.map(([key, service]) => [key, service.image])),
    byName: built.byName,
    session,
    live,
    stack: target.stack
  })
  return { references: keepLive({ ...resolved, ...built.images }, live, target.stack), brought: built.images }
}
