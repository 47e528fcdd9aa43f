import { describe, expect, it } from '@jest/globals'
import { parseModel } from '../../../src/compose/model.js'
import { translate } from '../../../src/compose/translate.js'
import { largeProject } from '../../../scripts/scale/large-project.js'
import { projectOf } from './project.js'

describe('a project of 1,000 services', () => {
  const { model, text } = largeProject(1000)
  const sources = [{ file: 'compose.yaml', text }]
  const project = { ...projectOf({}), model: parseModel(model), sources }
  const { stack, findings, phases } = translate(project, { stack: 'large', policy: 'auto' })

  it('is translated whole, each finding at its own service', () => {
    expect(Object.keys(stack.services)).toHaveLength(1000)
    expect(phases).toHaveLength(1)
    for (const rule of ['image-invalid', 'literal-secret', 'url-password', 'no-healthcheck', 'proxy-labels']) {
      expect([rule, new Set(findings.filter(finding => finding.rule === rule).map(({ line }) => line)).size]).toEqual([
        rule,
        1000
      ])
    }
  })

  it('waits along a long chain', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `s${index}`)
    const services = Object.fromEntries(
      names.map((name, index) => [
        name,
        { image: 'a:1', depends_on: index < 999 ? { [`s${index + 1}`]: { condition: 'service_healthy' } } : {} }
      ])
    )
    expect(translate(projectOf({ services }), { stack: 'x', policy: 'none' }).phases).toHaveLength(1000)
  })
})
