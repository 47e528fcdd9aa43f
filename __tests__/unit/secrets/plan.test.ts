import { describe, expect, it } from '@jest/globals'
import type { ObjectNeed } from '../../../src/model.js'
import { planObject, type Planned } from '../../../src/secrets/plan.js'

const at = { file: 'compose.yaml', line: 12 }
const need = (source: ObjectNeed['source'], more: Partial<ObjectNeed> = {}): ObjectNeed => ({
  kind: 'secret',
  key: 'db_password',
  services: ['db', 'web'],
  source,
  at,
  ...more
})
const plan = (
  each: ObjectNeed,
  secrets: Record<string, string> = {},
  file: string | null = null,
  env: Record<string, string> = {}
): Planned =>
  planObject(
    each,
    { secrets: new Map(Object.entries(secrets)), env },
    file === null ? null : Buffer.from(file),
    'db_password.txt'
  )
const value = (planned: Planned): string =>
  planned.is === 'ready' ? Buffer.from(planned.object.data).toString() : `${planned.is}: ${JSON.stringify(planned)}`
const message = (planned: Planned): string => (planned.is === 'problem' ? planned.problem.message : planned.is)

const file = { from: 'file', path: '/w/db_password.txt' } as const
const variable = { from: 'environment', variable: 'PG_PASS' } as const
const external = { from: 'external', name: 'prod-db' } as const

describe('planObject', () => {
  it.each<[string, Planned, string]>([
    ['a file', plan(need(file), {}, 'f\r\n'), 'f\r\n'],
    ['a secret before a file', plan(need(file), { DB_PASSWORD: 's' }, 'f'), 's'],
    ['no variable before a file', plan(need(file), {}, 'f', { DB_PASSWORD: 'e' }), 'f'],
    ['a secret for a file that is not there', plan(need(file), { DB_PASSWORD: 's' }), 's'],
    ['a variable for a file that is not there', plan(need(file), {}, null, { DB_PASSWORD: 'e' }), 'e'],
    ["a secret by the file's name", plan(need({ from: 'file', path: '/w/.secrets/pg.txt' }), { PG: 's' }), 's'],
    ["a config's file before a secret", plan(need(file, { kind: 'config' }), { DB_PASSWORD: 's' }, 'f'), 'f'],
    ['a variable', plan(need(variable), {}, null, { PG_PASS: 'e' }), 'e'],
    ['a secret before a variable', plan(need(variable), { PG_PASS: 's' }, null, { PG_PASS: 'e' }), 's'],
    ['content', plan(need({ from: 'content', content: 'c $x' }, { kind: 'config' })), 'c $x'],
    ['an external one by its name', plan(need(external), { PROD_DB: 's', DB_PASSWORD: 'k' }), 's'],
    ['an external one by its key', plan(need(external), { DB_PASSWORD: 'k' }), 'k'],
    ['anything at all', plan(need(variable), { PG_PASS: ' "q" $1=\u00e4\n\n' }), ' "q" $1=\u00e4\n\n']
  ])('takes %s', (_, planned, expected) => {
    expect(value(planned)).toBe(expected)
  })

  it('leaves an external one to the swarm when nobody gives it', () => {
    expect(plan(need(external)).is).toBe('external')
  })

  it.each<[string, Planned, string]>([
    [
      'nobody gives a variable',
      plan(need(variable)),
      'Nobody gives the secret db_password, which db and web use: neither `secrets` nor the environment has PG_PASS.'
    ],
    [
      'nobody gives a file',
      plan(need(file)),
      'Nobody gives the secret db_password, which db and web use: there is no file db_password.txt, and `secrets` has no DB_PASSWORD.'
    ],
    [
      'two names are one',
      plan(need(external, { key: 'x' }), { PROD_DB: '1', 'Prod.db': '2' }),
      'Which value is the secret x, which db and web use meant to have? PROD_DB and Prod.db are all the same name by the usual rule.'
    ],
    [
      'a value is empty',
      plan(need(variable), { PG_PASS: '' }),
      'The secret db_password, which db and web use, is empty (the `secrets` input, PG_PASS), and the swarm takes no empty ones.'
    ],
    [
      'a value is too large',
      plan(need(file), {}, 'x'.repeat(512_000)),
      'The secret db_password, which db and web use, has 512000 bytes (db_password.txt); a secret holds at most 511999.'
    ],
    [
      'a name is none',
      plan(need({ from: 'external', name: 'a b' })),
      'The swarm cannot have a secret of the name "a b".'
    ]
  ])('says when %s', (_, planned, expected) => {
    expect(message(planned)).toBe(expected)
    expect(planned.is === 'problem' && planned.problem.at).toEqual(at)
  })

  it.each<[string, Planned, boolean]>([
    ['an empty file', plan(need(file), {}, ''), true],
    ['empty content', plan(need({ from: 'content', content: '' }, { kind: 'config' })), true],
    ['a name that is none', plan(need({ from: 'external', name: 'a b' })), true],
    ['an empty value', plan(need(variable), { PG_PASS: '' }), false],
    ['no value', plan(need(variable)), false],
    ['no file', plan(need(file)), false]
  ])('knows that %s is wrong in the files themselves, or is not', (_, planned, expected) => {
    expect(planned.is === 'problem' && planned.inFiles).toBe(expected)
    const remedy = planned.is === 'problem' ? planned.problem.remedy : ''
    expect(remedy?.includes('Settings')).toBe(!expected)
  })

  it('gives the line to add', () => {
    const planned = plan(need(variable))
    expect(planned.is === 'problem' && planned.problem.remedy).toContain('secrets: |\n  PG_PASS=${{ secrets.PG_PASS }}')
  })

  it.each([
    [511_999, 'secret', 'ready'],
    [512_000, 'config', 'ready'],
    [1_023_999, 'config', 'ready'],
    [1_024_000, 'config', 'problem']
  ] as const)('%d bytes of %s: %s', (size, kind, is) => {
    expect(plan(need(file, { kind }), {}, 'x'.repeat(size)).is).toBe(is)
  })

  it.each([
    ['a secret', need(file), {}, 'f', true],
    ['a config of the repository', need(file, { kind: 'config' }), {}, 'f', false],
    ['a config from a secret', need(external, { kind: 'config' }), { PROD_DB: 's' }, null, true]
  ] as const)('knows whether %s is to be hidden', (_, each, secrets, text, hidden) => {
    const planned = plan(each, secrets, text)
    expect(planned.is === 'ready' && planned.object.hidden).toBe(hidden)
  })
})
