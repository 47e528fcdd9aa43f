import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Ajv } from 'ajv'
import { parse } from 'yaml'

/** What GitHub does with this repository: the rights of its workflows, dependabot, the forms for issues. */
const project = join(import.meta.dirname, '../../..')
const text = (path: string) => readFileSync(join(project, path), 'utf8')
const folder = (path: string) => readdirSync(join(project, path)).map(name => `${path}/${name}`)
const own = folder('.github/workflows')

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly steps: readonly Step[]
  readonly needs?: string | readonly string[]
  readonly 'timeout-minutes'?: number
  readonly permissions?: Readonly<Record<string, string>>
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}
const workflow = (path: string) => parse(text(path)) as Workflow
const jobs = own.flatMap(path =>
  Object.entries(workflow(path).jobs).map(([name, job]) => [`${path.replace(/.*\//, '')} ${name}`, job] as const)
)

describe('a job of this repository', () => {
  it.each(own)('%s may read the contents, and no more, unless a job says so', path => {
    expect(workflow(path).permissions).toEqual({ contents: 'read' })
    expect(workflow(path).on).not.toHaveProperty('pull_request_target')
  })

  it('has more rights only where this table says so', () => {
    const more = jobs.flatMap(([name, { permissions = {} }]) => {
      const rights = Object.entries(permissions).filter(([scope, right]) => `${scope}: ${right}` !== 'contents: read')
      return rights.map(([scope, right]) => `${name}: ${scope}: ${right}`)
    })
    expect(more).toEqual([
      'codeql.yml analyze: security-events: write',
      'release.yml check: checks: read',
      'release.yml attest: id-token: write',
      'release.yml attest: attestations: write',
      'release.yml publish: contents: write'
    ])
  })

  it.each(jobs)('%s runs no package where its token may write', (_, { permissions = {}, steps }) => {
    const scopes = Object.entries(permissions).filter(
      ([scope, right]) => right === 'write' && scope !== 'security-events'
    )
    const scripts = steps.map(({ run = '' }) => run).filter(run => /\b(npm|npx|node)\b/.test(run))
    if (scopes.length > 0) expect(scripts).toEqual([])
  })

  it.each(jobs)('%s ends, and leaves no credentials in the checkout', (_, { steps, ...job }) => {
    expect(job['timeout-minutes']).toBeGreaterThan(0)
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
      expect(step.with).toMatchObject({ 'persist-credentials': false })
    }
  })

  it.each(jobs)('%s runs npm scripts that there are', (_, { steps }) => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
    const called = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/npm (?:run )?([\w-]+)/g)].map(([, name = '']) => name)
    )
    expect(called.filter(name => !(name in scripts) && !['ci', 'audit'].includes(name))).toEqual([])
  })

  it('is among those that the green gate waits for, and the gate counts them', () => {
    const { green, ...others } = workflow('.github/workflows/ci.yml').jobs
    expect(green?.needs).toEqual(Object.keys(others))
    const wanted = Object.keys(others).map(() => 'success')
    expect(green?.steps[0]?.run).toBe(`test "$RESULTS" = '${wanted.join(' ')}'`)
    // The release looks for the gate by its name.
    expect(text('.github/workflows/release.yml')).toContain('check_name=All%20green')
    expect(green).toHaveProperty('name', 'All green')
  })

  it('releases in an order in which nothing is published before it is checked and signed', () => {
    const { attest, publish } = workflow('.github/workflows/release.yml').jobs
    expect([attest?.needs, publish?.needs]).toEqual(['check', ['check', 'attest']])
  })

  it('builds dist anew, in CI and before a release', () => {
    const builds = jobs.filter(([, { steps }]) => steps.some(({ run }) => run === 'npm run check-dist'))
    expect(builds.map(([name]) => name)).toEqual(['ci.yml check', 'release.yml check'])
  })

  it('never moves the tag of a version', () => {
    const scripts = (workflow('.github/workflows/release.yml').jobs['publish']?.steps ?? []).map(({ run = '' }) => run)
    const moves = scripts.filter(run => /PATCH|force|--clobber|delete/i.test(run))
    expect(moves).toEqual([expect.stringContaining('git/refs/tags/$MAJOR')])
    expect(moves[0]).not.toContain('$TAG')
  })

  it('pins one commit for each version of an action', () => {
    const pins = own.flatMap(path => [...text(path).matchAll(/uses: ([\w-]+\/[\w-]+)[\w/-]*@(\S+ # \S+)$/gm)])
    const byAction = new Map<string, Set<string>>()
    for (const [, name = '', pin = ''] of pins) byAction.set(name, (byAction.get(name) ?? new Set()).add(pin))
    expect([...byAction].filter(([, versions]) => versions.size !== 1)).toEqual([])
    expect(pins).toHaveLength(own.map(path => text(path).match(/\buses: /g)?.length ?? 0).reduce((a, b) => a + b))
  })
})

/** The keys that GitHub's documentation names, as far as this repository uses them: a misspelt one would do nothing. */
const closed = (properties: object, required: readonly string[]) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false
})
const words = { type: 'string', minLength: 1 }
const list = (items: object) => ({ type: 'array', items, minItems: 1 })
const updateTypes = ['major', 'minor', 'patch']

const dependabot = closed(
  {
    version: { const: 2 },
    updates: list(
      closed(
        {
          'package-ecosystem': { enum: ['npm', 'github-actions'] },
          directory: { type: 'string', pattern: '^/' },
          schedule: closed({ interval: { enum: ['daily', 'weekly', 'monthly'] } }, ['interval']),
          'open-pull-requests-limit': { type: 'integer' },
          groups: {
            type: 'object',
            additionalProperties: closed(
              {
                patterns: list(words),
                'dependency-type': { enum: ['development', 'production'] },
                'update-types': list({ enum: updateTypes })
              },
              []
            )
          },
          ignore: list(
            closed(
              {
                'dependency-name': words,
                'update-types': list({ enum: updateTypes.map(type => `version-update:semver-${type}`) })
              },
              ['dependency-name']
            )
          )
        },
        ['package-ecosystem', 'directory', 'schedule']
      )
    )
  },
  ['version', 'updates']
)

const field = (type: string, attributes: object) =>
  closed(
    {
      type: { const: type },
      id: { type: 'string', pattern: '^[\\w-]+$' },
      attributes: closed({ label: words, description: words, placeholder: words, ...attributes }, ['label']),
      validations: closed({ required: { type: 'boolean' } }, [])
    },
    ['type', 'id', 'attributes']
  )
const form = closed(
  {
    name: words,
    description: words,
    labels: list(words),
    body: list({
      oneOf: [
        closed({ type: { const: 'markdown' }, attributes: closed({ value: words }, ['value']) }, [
          'type',
          'attributes'
        ]),
        field('input', {}),
        field('textarea', { render: { enum: ['text', 'yaml'] } })
      ]
    })
  },
  ['name', 'description', 'body']
)
const chooser = closed(
  {
    blank_issues_enabled: { type: 'boolean' },
    contact_links: list(
      closed({ name: words, url: { type: 'string', pattern: '^https://' }, about: words }, ['name', 'url', 'about'])
    )
  },
  []
)

const forms = folder('.github/ISSUE_TEMPLATE').filter(path => !path.endsWith('/config.yml'))

describe('what GitHub reads besides', () => {
  const read = (path: string) => parse(text(path), { uniqueKeys: true }) as unknown
  const complaints = (schema: object, value: unknown) => {
    const ajv = new Ajv({ allErrors: true })
    ajv.validate(schema, value)
    return (ajv.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`
    )
  }

  it('is a dependabot.yml for the packages, the example and the actions', () => {
    const value = read('.github/dependabot.yml') as { updates: { 'package-ecosystem': string; directory: string }[] }
    expect(complaints(dependabot, value)).toEqual([])
    expect(value.updates.map(({ directory, ...each }) => `${each['package-ecosystem']} ${directory}`)).toEqual([
      'npm /',
      'npm /examples/app/web',
      'github-actions /'
    ])
  })

  it('ignores updates of packages that there are', () => {
    const { updates } = read('.github/dependabot.yml') as { updates: { ignore?: { 'dependency-name': string }[] }[] }
    const ignored = updates.flatMap(({ ignore = [] }) => ignore.map(each => each['dependency-name']))
    const { devDependencies } = JSON.parse(text('package.json')) as { devDependencies: Record<string, string> }
    expect(ignored.filter(name => !(name in devDependencies))).toEqual([])
  })

  it.each(forms)('%s is a form, with ids that differ', path => {
    const value = read(path) as { body: { id?: string }[] }
    expect(complaints(form, value)).toEqual([])
    const ids = value.body.flatMap(({ id }) => id ?? [])
    expect(ids).not.toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is a page to choose a form from, whose links into this repository lead somewhere', () => {
    const value = read('.github/ISSUE_TEMPLATE/config.yml') as { contact_links: { url: string }[] }
    expect(complaints(chooser, value)).toEqual([])
    const files = value.contact_links.flatMap(({ url }) => /\/blob\/main\/(.*)$/.exec(url)?.[1] ?? [])
    for (const file of files) expect(text(file)).not.toBe('')
  })

  it('would be refused with a key that is misspelt', () => {
    const value = read('.github/dependabot.yml') as { updates: object[] }
    const broken = { ...value, updates: [{ ...value.updates[0], shedule: { interval: 'weekly' } }] }
    expect(complaints(dependabot, broken)).toEqual([expect.stringContaining('shedule')])
  })
})
