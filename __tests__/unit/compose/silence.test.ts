import { describe, expect, it } from '@jest/globals'
import { rules, translated } from './project.js'

const services = { web: { image: 'nginx:1' }, api: { image: 'api:1' } }

/** The services that still hear of a missing healthcheck. */
function hear(text: string): (string | undefined)[] {
  const { findings } = translated(services, { project: { sources: [{ file: 'compose.yaml', text }] } })
  return findings.filter(({ rule }) => rule === 'no-healthcheck').map(({ service }) => service)
}

const file = (lines: Record<string, string> = {}): string =>
  [
    lines['top'] ?? '# a shop',
    'services:',
    lines['above web'] ?? '',
    `  web: ${lines['beside web'] ?? ''}`,
    '    image: nginx:1',
    lines['in web'] ?? '',
    '',
    lines['above api'] ?? '',
    '  api:',
    `    image: api:1 ${lines['beside image'] ?? ''}`,
    lines['end'] ?? ''
  ].join('\n')

const comment = '# swarm-rollout: ignore no-healthcheck'

describe('silence by comment', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['nowhere', {}, ['web', 'api']],
    ['above a service', { 'above web': `  ${comment}` }, ['api']],
    ['beside a service', { 'beside web': comment }, ['api']],
    ['inside a service', { 'in web': `    ${comment}` }, ['api']],
    ['above the next service', { 'above api': `  ${comment}` }, ['web']],
    ['beside a key', { 'beside image': comment }, ['web']],
    ['at the end', { end: `    ${comment}` }, ['web']],
    ['at the top: for all', { top: comment }, []],
    [
      'with others and a reason',
      { 'in web': '    # swarm-rollout: ignore restart-default, no-healthcheck (batch)' },
      ['api']
    ],
    ['of another rule', { 'in web': '    # swarm-rollout: ignore restart-default' }, ['web', 'api']]
  ])('%s', (_, lines, expected) => {
    expect(hear(file(lines))).toEqual(expected)
  })
})

describe('silence by x-swarm-rollout', () => {
  it.each<[string, string, string[]]>([
    ['a list on a service', 'services: {web: {x-swarm-rollout: {ignore: [no-healthcheck]}}, api: {}}', ['api']],
    ['one name on a service', 'services: {web: {x-swarm-rollout: {ignore: no-healthcheck}}, api: {}}', ['api']],
    ['for all', 'x-swarm-rollout: {ignore: [no-healthcheck]}\nservices: {web: {}, api: {}}', []],
    [
      'through a merge key',
      'x-a: &a {x-swarm-rollout: {ignore: [no-healthcheck]}}\nservices: {web: {<<: *a}, api: {}}',
      ['api']
    ],
    [
      'through extends',
      'services: {web: {extends: base}, api: {}, base: {x-swarm-rollout: {ignore: [no-healthcheck]}}}',
      ['api']
    ],
    ['nonsense', 'x-swarm-rollout: 5\nservices: {web: {x-swarm-rollout: [1]}, api: {}}', ['web', 'api']]
  ])('%s', (_, text, expected) => {
    expect(hear(text)).toEqual(expected)
  })

  it('works on volumes and networks', () => {
    const model = { volumes: { d: { name: 'mine' } } }
    const at = (text: string) => rules(translated(services, { model, project: { sources: [{ file: 'c', text }] } }))
    expect(at('volumes: {d: {}}')).toContain('fixed-name')
    expect(at('volumes: {d: {x-swarm-rollout: {ignore: [fixed-name]}}}')).not.toContain('fixed-name')
    expect(at('volumes:\n  d: # swarm-rollout: ignore fixed-name\n')).not.toContain('fixed-name')
  })
})

describe('what cannot be silenced', () => {
  const text = 'x-swarm-rollout: {ignore: [image-invalid, host-ip]}'
  const sources = [{ file: 'c', text }]

  it('would not deploy', () => {
    expect(rules(translated({ web: { image: 'x:' } }, { project: { sources } }))).toContain('image-invalid')
  })

  it('an error that only loses something can be allowed', () => {
    const ports = [{ target: 80, published: '80', host_ip: '127.0.0.1' }]
    expect(rules(translated({ web: { image: 'x:1', ports } }, { project: { sources } }))).not.toContain('host-ip')
  })
})

describe('names that are no rules', () => {
  it('are told, with the one that was meant and its place', () => {
    const { findings } = translated(services, {
      project: { sources: [{ file: 'c', text: 'services:\n  web: # swarm-rollout: ignore no-helthcheck\n' }] }
    })
    expect(findings.find(({ rule }) => rule === 'unknown-rule')).toMatchObject({
      message: 'There is no rule no-helthcheck; did you mean no-healthcheck?',
      file: 'c',
      line: 2,
      column: 8
    })
  })
})
