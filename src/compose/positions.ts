import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { Place } from '../errors.js'
import { textOf } from './json.js'
import type { Source } from './project.js'
import type { KeyPath, Step } from './translated.js'

interface Parsed {
  readonly file: string
  readonly document: Document
  readonly lines: LineCounter
}

interface Reached {
  readonly depth: number
  readonly source: Parsed
  /** The key where there is one: that is what an annotation should point at. */
  readonly node: Node
  readonly value: Node | undefined
}

/** Where keys are in the user's own YAML; the canonical model knows no lines. */
export interface Positions {
  /** The place of a path, or of the nearest part of it that the files hold. */
  readonly locate: (path: KeyPath) => Place | undefined
  /** The plain text at a path, as written; undefined where there is none. */
  readonly written: (path: KeyPath) => string | undefined
  /** The values at a path in every file that has it, as plain data. */
  readonly values: (path: KeyPath) => readonly unknown[]
}

/**
 * Indexes the compose files. A later file overrides an earlier one, so that the last that holds a whole path is the
 * one to point at; a service that `extends` another is also looked for there.
 */
export function indexSources(sources: readonly Source[]): Positions {
  const parsed = sources.map(parseSource)
  const reachAll = (path: KeyPath): readonly Reached[] => parsed.flatMap(source => reach(source, path) ?? [])
  const find = (path: KeyPath, hops = 0): Reached | undefined => {
    const best = deepest(reachAll(path))
    if (best?.depth === path.length || path[0] !== 'services' || path.length < 3 || hops > 8) return best
    const base = reachAll([...path.slice(0, 2), 'extends']).map(({ value }) => extended(value))
    const inherited = base.flatMap(name =>
      name === undefined ? [] : (find(['services', name, ...path.slice(2)], hops + 1) ?? [])
    )
    return deepest([...(best === undefined ? [] : [best]), ...inherited])
  }
  const whole = (path: KeyPath): Reached | undefined => {
    const found = find(path)
    return found?.depth === path.length ? found : undefined
  }
  return {
    locate: path => placeOf(find(path)),
    written: path => {
      const value = whole(path)?.value
      return isScalar(value) ? String(value.value) : undefined
    },
    values: path =>
      reachAll(path).flatMap(({ depth, value, source }) =>
        depth === path.length && value !== undefined ? [value.toJS(source.document) as unknown] : []
      )
  }
}

function parseSource({ file, text }: Source): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: true, uniqueKeys: false, logLevel: 'silent' })
  return { file, document, lines }
}

/** The last of the deepest: overrides come later. */
function deepest(candidates: readonly Reached[]): Reached | undefined {
  return candidates.reduce<Reached | undefined>(
    (best, next) => (best === undefined || next.depth >= best.depth ? next : best),
    undefined
  )
}

function reach(source: Parsed, path: KeyPath): Reached | undefined {
  let value: Node | undefined = source.document.contents ?? undefined
  let reached: Reached | undefined
  for (const [index, step] of path.entries()) {
    const next = stepInto(source.document, value, step)
    if (next === undefined) break
    value = next.value
    reached = { depth: index + 1, source, node: next.node, value }
  }
  return reached
}

interface Next {
  readonly node: Node
  readonly value: Node | undefined
}

function stepInto(document: Document, from: Node | undefined, step: Step): Next | undefined {
  const value = isAlias(from) ? from.resolve(document) : from
  if (isMap(value)) return typeof step === 'string' ? mapEntry(document, value.items, step) : undefined
  if (!isSeq(value)) return undefined
  const matches = typeof step === 'string' ? isNamed(step) : isAbout(String(step.item))
  const item = (value.items as Node[]).find(candidate => matches(candidate))
  return item === undefined ? undefined : { node: item, value: item }
}

function mapEntry(document: Document, items: readonly unknown[], key: string): Next | undefined {
  const pairs = items.filter(isPair)
  const own = pairs.find(pair => isScalar(pair.key) && String(pair.key.value) === key)
  if (own !== undefined) return { node: own.key as Node, value: (own.value ?? undefined) as Node | undefined }
  for (const merge of pairs.filter(pair => isScalar(pair.key) && pair.key.value === '<<')) {
    const merged = isSeq(merge.value) ? (merge.value.items as Node[]) : [merge.value as Node]
    for (const node of merged) {
      const found = stepInto(document, node, key)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** A list item that is `NAME`, `NAME=value` or a mapping with that `source`. */
function isNamed(name: string): (item: Node) => boolean {
  return item => {
    if (isMap(item)) return item.get('source') === name
    const text = isScalar(item) ? String(item.value) : ''
    return text === name || text.startsWith(`${name}=`) || text.startsWith(`${name}:`)
  }
}

/** A port or a mount about this target, in the short form (`80:8080/tcp`, `data:/data:ro`) or the long one. */
function isAbout(target: string): (item: Node) => boolean {
  return item => {
    if (isMap(item)) return textOf(item.get('target')) === target
    const text = isScalar(item) ? String(item.value) : ''
    const parts = text.replace(/\/(?:tcp|udp|sctp)$/, '').split(':')
    return parts.includes(target) || parts.some(part => isInRange(part, target))
  }
}

function isInRange(part: string, target: string): boolean {
  const [, low, high] = /^(\d+)-(\d+)$/.exec(part) ?? []
  return low !== undefined && Number(low) <= Number(target) && Number(target) <= Number(high)
}

function extended(value: Node | undefined): string | undefined {
  if (isScalar(value)) return String(value.value)
  return isMap(value) && value.has('service') ? String(value.get('service')) : undefined
}

function placeOf(reached: Reached | undefined): Place | undefined {
  const offset = reached?.node.range?.[0]
  if (reached === undefined) return undefined
  if (offset === undefined) return { file: reached.source.file }
  const { line, col } = reached.source.lines.linePos(offset)
  return { file: reached.source.file, line, column: col }
}
