import { isMap, isScalar } from 'yaml'
import { isList, isObject, objectOf, textOf } from '../../json.js'
import type { Positions } from '../positions.js'
import type { KeyPath, Note } from '../translated.js'
import type { Parsed } from '../yaml-source.js'
import { catalogue, isRule, ruleText } from './catalogue.js'
import { nearest } from './nearest.js'

const sections = ['services', 'networks', 'volumes', 'secrets', 'configs'] as const
const extension = 'x-swarm-rollout'

/** One `ignore`: the rules it names, for an entry such as `services.web`, or for everything. */
interface Directive {
  readonly rules: readonly string[]
  readonly entry: string | undefined
  readonly note: Pick<Note, 'at' | 'place'>
}

export interface Silence {
  /** Whether the user does not want to hear of this. */
  readonly covers: (note: Note, at: { readonly file?: string; readonly line?: number }) => boolean
  /** About names that are no rules. */
  readonly notes: readonly Note[]
}

/**
 * Reads what the user silenced: `x-swarm-rollout: {ignore: [rule]}` on a service, another top-level entry or the whole
 * file, and `# swarm-rollout: ignore rule, rule` inside or right above an entry; elsewhere it is for the whole file.
 */
export function readSilence(positions: Positions, entries: readonly (readonly [string, string])[]): Silence {
  const blocks = positions.sources.map(source => ({ source, blocks: blocksOf(source) }))
  const comments = blocks.flatMap(({ source, blocks }) => commentDirectives(source, blocks))
  const keys: readonly KeyPath[] = [[extension], ...entries.map(([section, key]) => [section, key, extension])]
  const found = keys.flatMap(at => positions.values(at).map(value => ({ at, value })))
  const directives = [...comments, ...found.flatMap(({ at, value }) => keyDirectives(at, value))]
  const byEntry = Map.groupBy(directives, ({ entry }) => entry)
  const names = (rule: string, entry: string | undefined): boolean =>
    byEntry.get(entry)?.some(({ rules }) => rules.includes(rule)) ?? false
  const blockOf = (at: { readonly file?: string; readonly line?: number }): string | undefined => {
    const inFile = blocks.find(({ source }) => source.file === at.file)?.blocks
    return at.line === undefined ? undefined : inFile?.find(block => covers(block, at.line ?? 0))?.entry
  }
  const silenced = new Set(directives.flatMap(({ rules }) => rules))
  return {
    covers: (note, at) => {
      if (!silenced.has(note.rule) || ruleText(note.rule).silence === false) return false
      const own = note.service === undefined ? entryOf(note.at) : `services.${note.service}`
      return [undefined, own, blockOf(at)].some(entry => names(note.rule, entry))
    },
    notes: [...directives.flatMap(unknownRules), ...found.flatMap(({ at, value }) => unknownKeys(at, value))]
  }
}

function entryOf([section, key]: KeyPath): string | undefined {
  return typeof section === 'string' && typeof key === 'string' ? `${section}.${key}` : undefined
}

interface Block {
  readonly entry: string
  readonly first: number
  readonly last: number
}

function covers({ first, last }: Block, line: number): boolean {
  return first <= line && line <= last
}

/** The lines of each entry: from its key to the line before the next entry or section. */
function blocksOf({ document, lines, text }: Parsed): readonly Block[] {
  const lineOf = (node: unknown): number => lines.linePos((isScalar(node) ? node.range?.[0] : undefined) ?? 0).line
  if (!isMap(document.contents)) return []
  const all = document.contents.items.flatMap(({ key, value }) => {
    const section = isScalar(key) ? textOf(key.value) : ''
    const entries = isMap(value) && (sections as readonly string[]).includes(section) ? value.items : []
    const starts = entries.map(entry => ({
      entry: `${section}.${isScalar(entry.key) ? textOf(entry.key.value) : ''}`,
      first: lineOf(entry.key)
    }))
    return [{ entry: '', first: lineOf(key) }, ...starts]
  })
  const end = text.split('\n').length
  const blocks = all.map(({ entry, first }, index) => ({ entry, first, last: (all[index + 1]?.first ?? end + 1) - 1 }))
  return blocks.filter(({ entry }) => entry !== '')
}

function commentDirectives({ file, text }: Parsed, blocks: readonly Block[]): readonly Directive[] {
  if (!text.includes('swarm-rollout:')) return []
  const lines = text.split('\n')
  return lines.flatMap((line, index): Directive[] => {
    const [, before = '', list] = /^(.*?)#\s*swarm-rollout:\s*ignore\s+([\w-]+(?:\s*,\s*[\w-]+)*)/.exec(line) ?? []
    if (list === undefined) return []
    const target = before.trim() === '' ? nextContent(lines, index) : index
    const entry = blocks.find(block => covers(block, target + 1))?.entry
    const place = { file, line: index + 1, column: before.length + 1 }
    return [{ rules: list.split(/\s*,\s*/), entry, note: { at: [], place } }]
  })
}

/** The line that a comment stands above; its own where it is indented deeper, and so ends what comes before. */
function nextContent(lines: readonly string[], index: number): number {
  const next = lines.findIndex((line, other) => other > index && !/^\s*(?:#.*)?$/.test(line))
  const indent = (line = ''): number => line.length - line.trimStart().length
  return next === -1 || indent(lines[index]) > indent(lines[next]) ? index : next
}

function keyDirectives(at: KeyPath, value: unknown): readonly Directive[] {
  if (!isObject(value)) return []
  const ignore = value['ignore']
  const rules = isList(ignore) ? ignore.map(textOf) : [textOf(ignore)]
  return [{ rules: rules.filter(rule => rule !== ''), entry: entryOf(at), note: { at: [...at, 'ignore'] } }]
}

function unknownRules({ rules, note }: Directive): readonly Note[] {
  return rules
    .filter(rule => !isRule(rule))
    .map(rule => unknown(`There is no rule ${rule}`, rule, Object.keys(catalogue), note))
}

function unknownKeys(at: KeyPath, value: unknown): readonly Note[] {
  const keys = Object.keys(objectOf(value)).filter(key => key !== 'ignore')
  return keys.map(key => unknown(`\`${extension}\` knows no \`${key}\``, key, ['ignore'], { at: [...at, key] }))
}

function unknown(what: string, word: string, known: readonly string[], note: Pick<Note, 'at' | 'place'>): Note {
  const meant = nearest(word, known)
  return { rule: 'unknown-rule', message: `${what}${meant === undefined ? '.' : `; did you mean ${meant}?`}`, ...note }
}
