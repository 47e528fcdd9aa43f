import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { constantFrom, oneof, sample, string } from 'fast-check'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

/** What a compose file says arrives in the container byte for byte, whatever is between. */
let bed: Bed
let workshop: Workshop
let image: string

beforeAll(async () => {
  bed = await openBed({ name: 'values', builder: false })
  image = (await pushVersions(bed.registry))[0]?.reference ?? ''
  workshop = new Workshop(bed, { stack: 'values' })
}, 180_000)

afterAll(async () => {
  workshop.close()
  await bed.close()
}, 60_000)

/** Values that YAML, compose, the Docker CLI or Swarm would each like to be something else. */
const tricky = [
  '',
  ' ',
  '$',
  '$$',
  '$$$',
  '$HOME',
  '${HOME}',
  '${HOME:-x}',
  'p@ss$word1',
  'a$b$$c',
  '{{.Service.Name',
  '{{',
  '}}',
  '{{ env }}',
  '{{"{{"}}',
  '"',
  "'",
  '\\',
  '\\n',
  'line\nline\n',
  '\ttab',
  '# no comment',
  'a: b',
  '- a',
  '0440',
  '0o17',
  '1_000',
  '0b11',
  '0x1f',
  '1e3',
  '12345678901234567890',
  '1.10',
  '.5',
  '2020-01-01',
  '2020-01-01T00:00:00Z',
  'true',
  'no',
  'NULL',
  '~',
  'null',
  '!!str x',
  '*alias',
  '&anchor',
  '%TAG',
  '@at',
  '`tick`',
  'ünïcödé 🐳 中文',
  '\u2028',
  '\ufeffbom',
  'a=b=c',
  '  spaces  ',
  'x'.repeat(5000)
]

/** Random texts of those same bits and any others; no NUL, which no environment can hold. */
const random = sample(
  oneof(
    string({
      unit: constantFrom('$', '{', '}', '"', "'", '\\', ' ', '\n', 'a', '0', ':', '#', '-', '{{', '${A}', '🐳')
    }),
    string({ unit: 'grapheme', maxLength: 40 })
  ),
  { numRuns: 200, seed: 20 }
).filter(value => !value.includes('\0'))

const values = Object.fromEntries([...tricky, ...random].map((value, index) => [`V${index}`, value]))

/** As a user writes it: a dollar sign doubled for compose. */
const escaped = (value: string): string => value.replaceAll('$', () => '$$')

describe('values of a compose file', () => {
  it('arrive byte for byte: environment, labels, command, config content', async () => {
    const environment = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, escaped(value)]))
    const content = `${Object.values(values).join('\n')}\nend`
    workshop.compose(
      {
        web: web(image, {
          environment: { ...environment, HOME_COPY: '${HOME_OF_JOB}', UNSET_DOLLAR: escaped('$9 ') },
          labels: { 'a.label': escaped(tricky.join('|')), a$b: 'key' },
          command: ['/bin/app', ...tricky.map(escaped)],
          configs: [{ source: 'all', target: '/all', mode: 0o440 }]
        })
      },
      { configs: { all: { content: escaped(content) } } }
    )
    const result = await workshop.run(
      {},
      { env: { HOME_OF_JOB: 'p@ss$word', V0: 'leaks', PATH: bed.builderEnv['PATH'] ?? '' } }
    )
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const id = (
      await bed.server.docker('ps', '-q', '--filter', 'label=com.docker.swarm.service.name=values_web')
    ).trim()
    const [container] = JSON.parse(await bed.server.docker('inspect', id)) as [
      { Config: { Env: string[]; Labels: Record<string, string>; Cmd: string[] } }
    ]
    const seen = Object.fromEntries(
      container.Config.Env.map(entry => [entry.split('=')[0], entry.slice(entry.indexOf('=') + 1)])
    )
    for (const [name, value] of Object.entries(values)) expect([name, seen[name]]).toEqual([name, value])
    expect(seen['HOME_COPY']).toBe('p@ss$word')
    expect(seen['UNSET_DOLLAR']).toBe('$9 ')
    expect(container.Config.Labels['a.label']).toBe(tricky.join('|'))
    expect(container.Config.Labels['a$b']).toBe('key')
    expect(container.Config.Cmd).toEqual(['/bin/app', ...tricky])
    expect(await bed.server.docker('exec', id, 'cat', '/all')).toBe(content)
    expect((await bed.server.docker('exec', id, 'stat', '-c', '%a', '/all')).trim()).toBe('440')
  }, 120_000)
})
