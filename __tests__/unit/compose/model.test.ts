import { describe, expect, it } from '@jest/globals'
import { dollar, parseModel, undollar } from '../../../src/compose/model.js'
import { pinImages } from '../../../src/compose/pin.js'
import { unsetVariables } from '../../../src/compose/unset.js'
import { translated } from './project.js'

describe('parseModel', () => {
  it('undoes the doubled dollar signs of keys, which the CLI does not, and leaves those of values, which it does', () => {
    const text = JSON.stringify({ name: 'x', services: { web: { labels: { a$$b: 'c$$d' } } } })
    expect(parseModel(text).services['web']?.labels).toEqual({ a$b: 'c$$d' })
  })

  it('reads the same from YAML', () => {
    const model = {
      name: 'x',
      services: { web: { image: 'a:1', ports: [{ target: 80, published: '80' }], environment: { A: '1_000' } } }
    }
    const yaml =
      'name: x\nservices:\n  web:\n    image: a:1\n    ports:\n      - target: 80\n        published: "80"\n    environment:\n      A: "1_000"\n'
    expect(parseModel(yaml, 'yaml')).toEqual(parseModel(JSON.stringify(model)))
  })

  it.each(['[]', '5', 'null', 'no json'])('refuses %s', text => {
    expect(() => parseModel(text)).toThrow(SyntaxError)
  })
})

describe('dollar signs', () => {
  it.each(['', '$', '$$', '$$$', 'a$b', '$&', "$'"])('%j is the same after there and back', text => {
    expect(undollar(dollar(text))).toBe(text)
  })

  it('are doubled in what is put into a stack file', () => {
    expect(pinImages({ services: { a: { image: '' } } }, { a: 'x$y' }).services['a']?.image).toBe('x$$y')
  })
})

describe('services of a provider', () => {
  it('are an error, and no part of the stack', () => {
    const { stack, phases, findings } = translated({ tunnel: { provider: { type: 'x' } }, web: { image: 'a:1' } })
    expect(Object.keys(stack.services)).toEqual(['web'])
    expect(phases).toEqual([['web']])
    expect(findings.filter(({ level }) => level === 'error').map(({ rule }) => rule)).toEqual(['lost-provider'])
  })
})

describe('unsetVariables', () => {
  it('reads the warnings of compose, each once', () => {
    const line = (name: string) =>
      `time="2026-01-01T00:00:00Z" level=warning msg="The \\"${name}\\" variable is not set. Defaulting to a blank string."`
    expect(unsetVariables([line('B'), line('A'), line('B'), 'other'].join('\n'))).toEqual(['A', 'B'])
  })
})
