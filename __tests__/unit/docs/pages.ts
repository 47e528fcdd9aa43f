import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The pages of the project, and what is in their fences: one place that knows, for the tests that lint and those that run. */
export const project = join(import.meta.dirname, '../../..')
export const text = (path: string) => readFileSync(join(project, path), 'utf8')

const inFolder = (path: string): readonly string[] =>
  readdirSync(join(project, path), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => `${path}/${name}`)
    .sort()

export const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/app/README.md',
  'testbed/README.md',
  ...inFolder('docs')
]

export interface Fence {
  readonly page: string
  /** `page:line` */
  readonly where: string
  readonly language: string
  readonly content: string
  /** The file that the text above says it is: `server.js` of "`server.js`:". */
  readonly file: string | undefined
}

/** Pages without what their fences hold. */
export const prose = (path: string): string => text(path).replace(/^( *)```[^]*?^\1```$/gm, '')

export function fencesOf(page: string): readonly Fence[] {
  const all = text(page)
  return [...all.matchAll(/^( *)```(\S*)\n([^]*?)^\1```$/gm)].map(match => {
    const [, indent = '', language = '', content = ''] = match
    const before = all.slice(0, match.index)
    // The name is the first word of the paragraph right above, which ends with a colon or a full stop.
    const paragraph = before.trimEnd().split('\n\n').at(-1) ?? ''
    return {
      page,
      where: `${page}:${before.split('\n').length}`,
      language,
      content: content.replace(new RegExp(`^${indent}`, 'gm'), ''),
      file: /^`([\w./-]+\.?\w+)`[:,]/.exec(paragraph)?.[1]
    }
  })
}

export const fences = pages.flatMap(fencesOf)

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export interface Block extends Fence {
  readonly yaml: string
  readonly value: unknown
}

/** The YAML of all fences, and what it means. A block that is not YAML fails here, by its place. */
export const blocks: readonly Block[] = fences
  .filter(({ language }) => /^ya?ml$/.test(language))
  .map(fence => {
    try {
      return { ...fence, yaml: fence.content, value: parse(fence.content, { uniqueKeys: true }) as unknown }
    } catch (error) {
      throw new Error(`${fence.where}: ${String(error)}`, { cause: error })
    }
  })

export const workflows = blocks.filter(({ value }) => isMap(value) && 'jobs' in value)
export const composeFiles = blocks.filter(({ value }) => isMap(value) && 'services' in value)
export const steps = blocks.filter(({ value }) => Array.isArray(value))

export const named = <T extends Fence>(some: readonly T[]) => some.map(block => [block.where, block] as const)

/** The commands of a shell block: one each, without comments, assignments in front and what is only structure. */
export function commandsOf({ content }: Fence): readonly string[] {
  const lines = content.replace(/\\\n\s*/g, ' ').split('\n')
  return lines
    .map(line => line.replace(/(^|\s)#.*$/, '').trim())
    .flatMap(line => line.split(/(?:^|\s)(?:\|\||&&|;|\|)(?:\s|$)/))
    .map(command => command.replace(/^(?:[A-Z_]+=\S* )+/, '').trim())
    .filter(command => command !== '')
}
