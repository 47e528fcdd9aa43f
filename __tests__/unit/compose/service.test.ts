import { describe, expect, it } from '@jest/globals'
import { translated, web, type Given } from './project.js'

/** Each row: what compose prints, and the keys that the stack file has in its place; undefined is "not there". */
const rows: readonly [string, Given, Record<string, unknown>][] = [
  [
    'null commands are the image’s own',
    { command: null, entrypoint: null },
    { command: undefined, entrypoint: undefined }
  ],
  ['a command stays', { command: ['a', '$$b'], entrypoint: ['sh'] }, { command: ['a', '$$b'], entrypoint: ['sh'] }],
  ['a variable without a value is not set', { environment: { A: null } }, { environment: undefined }],
  [
    'empty and odd values stay',
    { environment: { A: '', B: '1_000', C: 'p@$$x' } },
    { environment: { A: '', B: '1_000', C: 'p@$$x' } }
  ],
  ['templates are escaped', { environment: { A: 'x {{ y }}' } }, { environment: { A: 'x {{"{{"}} y }}' } }],
  ['placeholders of Swarm stay', { environment: { A: '{{.Task.Slot}}' } }, { environment: { A: '{{.Task.Slot}}' } }],
  ['expose goes', { expose: ['80'] }, { expose: undefined }],
  ['pull_policy goes', { pull_policy: 'always' }, { pull_policy: undefined }],
  ['profiles go', { profiles: ['x'] }, { profiles: undefined }],
  ['develop goes', { develop: { watch: [] } }, { develop: undefined }],
  ['attach goes', { attach: false }, { attach: undefined }],
  ['depends_on goes', { depends_on: { db: { condition: 'service_started' } } }, { depends_on: undefined }],
  ['container_name goes', { container_name: 'x' }, { container_name: undefined }],
  ['extra_hosts take a colon', { extra_hosts: ['a=10.0.0.1', 'b=::1'] }, { extra_hosts: ['a:10.0.0.1', 'b:::1'] }],
  [
    'a healthcheck stays',
    { healthcheck: { test: ['CMD', 'x'], interval: '5s' } },
    { healthcheck: { test: ['CMD', 'x'], interval: '5s' } }
  ],
  [
    'a healthcheck that is off has no test',
    { healthcheck: { disable: true, test: ['CMD', 'x'] } },
    { healthcheck: { disable: true } }
  ],
  ['NONE is off', { healthcheck: { test: ['NONE'] } }, { healthcheck: { disable: true } }],
  ['a limit of zero comes back', { ulimits: { core: {} } }, { ulimits: { core: { soft: 0, hard: 0 } } }],
  [
    'a soft limit of zero comes back',
    { ulimits: { nofile: { hard: 9 } } },
    { ulimits: { nofile: { soft: 0, hard: 9 } } }
  ],
  ['a single limit stays', { ulimits: { nproc: 9, core: { single: 5 } } }, { ulimits: { nproc: 9, core: 5 } }],
  [
    'same keys stay',
    { init: true, cap_add: ['X'], sysctls: { a: '1' }, dns: ['1.1.1.1'] },
    { init: true, cap_add: ['X'], sysctls: { a: '1' }, dns: ['1.1.1.1'] }
  ],
  ['security_opt goes', { security_opt: ['x'] }, { security_opt: undefined }],
  ['what nobody knows goes', { brand_new: { a: 1 } }, { brand_new: undefined }]
]

describe('translateService', () => {
  it.each(rows)('%s', (_, given, expected) => {
    const service = web(given)
    for (const [key, value] of Object.entries(expected)) expect([key, service[key]]).toEqual([key, value])
  })

  it('leaves the image of a build to be pinned', () => {
    const { stack, builds } = translated({
      web: { build: { context: '/repo', args: { A: 'x$$y' } }, image: 'me/web:1', platform: 'linux/arm64' }
    })
    expect(stack.services['web']?.image).toBe('')
    expect(builds).toEqual([
      { service: 'web', build: { context: '/repo', args: { A: 'x$y' } }, image: 'me/web:1', platform: 'linux/arm64' }
    ])
  })

  it('tells where the secrets of a build come from', () => {
    const model = { secrets: { npm: { environment: 'NPM_TOKEN' } } }
    const { builds, needs } = translated(
      { web: { build: { context: '/repo', secrets: [{ source: 'npm', target: 'token' }] } } },
      { model }
    )
    expect(builds[0]?.secrets).toEqual([{ id: 'token', source: { from: 'environment', variable: 'NPM_TOKEN' } }])
    expect(needs).toEqual([])
  })

  it('names the service whose image another one is made from as the stack does', () => {
    const web = { build: { context: '/w', additional_contexts: { it: 'service:my.base', other: '/lib' } } }
    const { builds } = translated({ 'my.base': { build: { context: '/b' } }, web })
    expect(builds.map(({ service }) => service)).toEqual(['my-base', 'web'])
    expect(builds[1]?.build).toMatchObject({ additional_contexts: { it: 'service:my-base', other: '/lib' } })
  })
})

describe('names of services', () => {
  it('replaces what the swarm refuses, and keeps the old name as an alias', () => {
    const services = { 'my.app': { image: 'a:1', networks: { default: null } }, web: { image: 'b:1' } }
    const { stack, findings } = translated(services, { model: { networks: { default: {} } } })
    expect(Object.keys(stack.services)).toEqual(['my-app', 'web'])
    expect(stack.services['my-app']?.['networks']).toEqual({ default: { aliases: ['my.app'] } })
    expect(findings.map(({ rule }) => rule)).toContain('renamed-service')
  })

  it('keeps two names apart that are one to a swarm', () => {
    const { stack } = translated({ web: { image: 'a:1' }, Web: { image: 'a:1' }, WEB: { image: 'a:1' } })
    const keys = Object.keys(stack.services)
    expect(keys[0]).toBe('web')
    expect(new Set(keys.map(key => key.toLowerCase())).size).toBe(3)
  })

  it('leaves what is a name behind that of the stack', () => {
    expect(Object.keys(translated({ _x: { image: 'a:1' } }).stack.services)).toEqual(['_x'])
  })

  it.each(['constructor', 'toString', '__proto__'])('takes %s, which every object of JavaScript has', name => {
    const service = (more: object = {}) => ({ image: 'a:1', networks: { default: null }, ...more })
    const services = Object.fromEntries([
      [name, service({ links: ['web:w'] })],
      ['web', service({ depends_on: { [name]: { condition: 'service_healthy' } } })]
    ])
    const { stack, phases } = translated(services, { model: { networks: { default: {} } } })
    const keys = Object.keys(stack.services)
    expect(keys).toHaveLength(2)
    expect(keys.some(key => key in Object.prototype)).toBe(false)
    expect(phases).toEqual([[keys.find(key => key !== 'web')], ['web']])
    expect(stack.services['web']?.['networks']).toEqual({ default: { aliases: ['w'] } })
  })

  it('keeps two names apart that would become one', () => {
    const { stack } = translated({ 'a.b': { image: 'a:1' }, 'a-b': { image: 'a:1' } })
    expect(Object.keys(stack.services)).toHaveLength(2)
  })

  it('shortens what is longer than a DNS label with its stack', () => {
    const { stack } = translated({ ['x'.repeat(70)]: { image: 'a:1' } })
    const [key = ''] = Object.keys(stack.services)
    expect(`shop_${key}`.length).toBeLessThanOrEqual(63)
  })
})
