/**
 * Times the translation of large compose projects, compose itself not counted: `node scripts/scale.ts [SERVICES…]`.
 * Twice the services should take about twice the time.
 */
import { randomBytes } from 'node:crypto'
import './sources.ts'

const { parseModel } = await import('../src/compose/model.ts')
const { renderStack } = await import('../src/compose/render.ts')
const { stampRelease } = await import('../src/compose/stamp.ts')
const { translate } = await import('../src/compose/translate.ts')
const { encodeRelease } = await import('../src/release/record.ts')
const { largeProject } = await import('./scale/large-project.ts')

/** How many bytes the swarm keeps of one release; with digests, as the real one has them, since these do not compress. */
function recordSize(rendered: ReturnType<typeof stampRelease>, phases: readonly (readonly string[])[]): number {
  const services = Object.entries(rendered.services).map(
    ([key, service]) =>
      [key, { ...service, image: `example.com/${key}:1@sha256:${randomBytes(32).toString('hex')}` }] as const
  )
  const about = { id: 'r1', stack: 'large', commit: '', ref: '', actor: '', runUrl: '', at: '' }
  const empty = { jobs: [], openReplicas: [], images: {} }
  const stack = { ...rendered, services: Object.fromEntries(services) }
  return encodeRelease({ version: 1, ...about, rendered: stack, phases, ...empty }).length
}

const sizes = process.argv.slice(2).map(Number)
for (const services of sizes.length > 0 ? sizes : [250, 500, 1000, 2000]) {
  const { model, text } = largeProject(services)
  const start = process.cpuUsage()
  const sources = [{ file: 'compose.yaml', text }]
  const project = {
    workspace: '/repo',
    model: parseModel(model),
    sources,
    envSources: [],
    unset: ['TAG'],
    paths: {},
    imageHealthchecks: []
  }
  const { stack, findings, phases } = translate(project, { stack: 'large', policy: 'auto' })
  const stamped = stampRelease(stack, { release: 'r1' })
  const rendered = renderStack(stamped)
  const { user, system } = process.cpuUsage(start)
  const ms = Math.round((user + system) / 1000)
  console.log(
    `${services} services: ${ms} ms of CPU, ${findings.length} findings, ${rendered.length} bytes of stack file, ` +
      `${recordSize(stamped, phases)} of release record`
  )
}
