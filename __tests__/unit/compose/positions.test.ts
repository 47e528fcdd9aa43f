import { describe, expect, it } from '@jest/globals'
import { indexSources } from '../../../src/compose/positions.js'
import type { KeyPath } from '../../../src/compose/translated.js'

const base = `x-common: &common
  restart: always
  environment: &env
    SHARED: one
services:
  web:
    <<: *common
    image: "nginx:\${TAG}"
    ports:
      - "8080:80"
      - {target: 443, published: 8443}
      - 9000-9010:9000-9010/udp
    volumes:
      - data:/data
      - type: bind
        source: ./a
        target: /a
    environment:
      - NAME=value
      - EMPTY
    configs:
      - source: conf
  api:
    extends: web
    image: api
  far:
    extends: {file: other.yaml, service: base}
  merged:
    environment:
      <<: [*env, {INLINE: 1}]
`
const override = 'services:\n  web:\n    image: nginx:2\n    stop_signal: INT\n'
const other = 'services:\n  base:\n    init: true\n'

const positions = indexSources(
  [
    { file: 'compose.yaml', text: base },
    { file: 'override.yaml', text: override },
    { file: 'other.yaml', text: other }
  ],
  [{ file: 'web.env', text: '# hello\nexport FROM_FILE=x\n' }]
)

describe('locate', () => {
  it.each<[string, KeyPath, string]>([
    ['a key', ['services', 'api', 'image'], 'compose.yaml:25:5'],
    ['the last file that has it', ['services', 'web', 'image'], 'override.yaml:3:5'],
    ['a port in the short form', ['services', 'web', 'ports', { item: 80 }], 'compose.yaml:10:9'],
    ['a port in the long form', ['services', 'web', 'ports', { item: 443 }], 'compose.yaml:11:9'],
    ['a port in a range', ['services', 'web', 'ports', { item: 9004 }], 'compose.yaml:12:9'],
    ['a volume in the short form', ['services', 'web', 'volumes', { item: '/data' }], 'compose.yaml:14:9'],
    ['a volume in the long form', ['services', 'web', 'volumes', { item: '/a' }], 'compose.yaml:15:9'],
    ['a variable in a list', ['services', 'web', 'environment', 'NAME'], 'compose.yaml:19:9'],
    ['a variable without a value', ['services', 'web', 'environment', 'EMPTY'], 'compose.yaml:20:9'],
    ['a variable of an environment file', ['services', 'web', 'environment', 'FROM_FILE'], 'web.env:2:8'],
    ['a mount by its source', ['services', 'web', 'configs', 'conf'], 'compose.yaml:22:9'],
    ['through a merge key', ['services', 'web', 'restart'], 'compose.yaml:2:3'],
    ['through a list of merges', ['services', 'merged', 'environment', 'SHARED'], 'compose.yaml:4:5'],
    ['inline in a list of merges', ['services', 'merged', 'environment', 'INLINE'], 'compose.yaml:30:19'],
    ['through extends', ['services', 'api', 'stop_signal'], 'override.yaml:4:5'],
    ['through extends of another file', ['services', 'far', 'init'], 'other.yaml:3:5'],
    ['the nearest when it is not there', ['services', 'api', 'healthcheck'], 'compose.yaml:23:3'],
    ['the section when the service is not there', ['services', 'gone'], 'other.yaml:1:1']
  ])('%s', (_, path, expected) => {
    const place = positions.locate(path)
    expect(`${place?.file}:${place?.line}:${place?.column}`).toBe(expected)
  })
})

describe('written', () => {
  it.each<[KeyPath, string | undefined]>([
    [['services', 'api', 'image'], 'api'],
    [['services', 'web', 'environment', 'NAME'], 'value'],
    [['services', 'web', 'volumes', { item: '/data' }], 'data:/data'],
    [['services', 'web', 'volumes', { item: '/a' }, 'source'], './a'],
    [['services', 'web', 'ports'], undefined],
    [['services', 'web', 'nothing'], undefined]
  ])('%j', (path, expected) => {
    expect(positions.written(path)).toBe(expected)
  })
})

describe('mention', () => {
  it('is where a variable is interpolated', () => {
    expect(positions.mention('TAG')).toEqual(['services', 'web', 'image'])
    expect(positions.mention('NAME')).toBeUndefined()
  })

  it('is no escaped dollar sign', () => {
    const escaped = indexSources([{ file: 'c', text: 'a: [x, "$$NOT $YES", "${ALSO:-}"]' }])
    expect(escaped.mention('NOT')).toBeUndefined()
    expect(escaped.mention('YES')).toEqual(['a', { index: 1 }])
    expect(escaped.mention('ALSO')).toEqual(['a', { index: 2 }])
  })
})

describe('broken files', () => {
  it.each(['', '- a\n', 'services: {a: {image: *none}}', 'a: [', 'a: 1\n---\nservices: {b: 1}\n'])(
    '%j has no place, or the nearest',
    text => {
      expect(() => indexSources([{ file: 'c', text }]).locate(['services', 'a', 'image', 'x'])).not.toThrow()
    }
  )

  it('finds a service in a second document', () => {
    expect(
      indexSources([{ file: 'c', text: 'services: {a: 1}\n---\nservices:\n  b: 1\n' }]).locate(['services', 'b'])?.line
    ).toBe(4)
  })
})
