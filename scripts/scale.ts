/**
 * Times the translation of large compose projects, compose itself not counted: `node scripts/scale.ts [SERVICES…]`.
 * Twice the services should take about twice the time.
 */
import './sources.ts'

const { parseModel } = await import('../src/compose/model.ts')
const { renderStack } = await import('../src/compose/render.ts')
const { stampRelease } = await import('../src/compose/stamp.ts')
const { translate } = await import('../src/compose/translate.ts')
const { largeProject } = await import('./scale/large-project.ts')

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
  const { stack, findings } = translate(project, { stack: 'large', policy: 'auto' })
  const rendered = renderStack(stampRelease(stack, { release: 'r1' }))
  const { user, system } = process.cpuUsage(start)
  const ms = Math.round((user + system) / 1000)
  console.log(
    `${services} services: ${ms} ms of CPU, ${findings.length} findings, ${rendered.length} bytes of stack file`
  )
}
