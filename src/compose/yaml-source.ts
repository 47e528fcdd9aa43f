import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap
} from 'yaml'
import { textOf } from '../json.js'
import type { Source } from './project.js'
import type { KeyPath, Step } from './translated.js'

/** One of the user's files as a tree that remembers where everything is. */
export interface Parsed {
  readonly file: string
  readonly text: string
  readonly document: Document
  readonly lines: LineCounter
}

export interface Reached {
  /** How many steps of the path the file holds. */
  readonly depth: number
  readonly source: Parsed
  /** The key where there is one: that is what an annotation should point at. */
  readonly node: Node
  readonly value: Node | undefined
}

/**
 * Parses without judging: what is wrong with the YAML is for compose to say. Unknown tags such as `!reset` are kept. A
 * file of several documents is several, merged like files.
 */
export function parseSource({ file, text }: Source): readonly Parsed[] {
  const lines = new LineCounter()
  const options = { lineCounter: lines, merge: true, uniqueKeys: false, logLevel: 'silent' } as const
  const documents = parseAllDocuments(text, options)
  return 'empty' in documents ? [] : documents.map(document => ({ file, text, lines, document }))
}

/** Follows a path as far as the file holds it, through aliases and merge keys. Undefined when not even its start is there. */
export function reach(source: Parsed, path: KeyPath): Reached | undefined {
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

/** The name of the service that an `extends` names, in its short or its long form. */
export function extendedBy({ value, depth }: Reached): string | undefined {
  if (depth < 3) return undefined
  if (isScalar(value)) return textOf(value.value)
  return isMap(value) && value.has('service') ? textOf(value.get('service')) : undefined
}

/** A scalar's text; of a list's item `NAME=value`, the value. */
export function scalarOf(value: Node | undefined, step: Step | undefined): string | undefined {
  if (!isScalar(value)) return undefined
  const text = typeof value.value === 'string' ? value.value : (value.source ?? textOf(value.value))
  const prefix = typeof step === 'string' ? `${step}=` : ''
  return prefix !== '' && text.startsWith(prefix) ? text.slice(prefix.length) : text
}

/** By variable: the first place that interpolates it. */
export function mentionsIn(sources: readonly Parsed[]): ReadonlyMap<string, KeyPath> {
  const mentions = new Map<string, KeyPath>()
  for (const { document } of sources) {
    visit(document, {
      Scalar(key, node, ancestors) {
        if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return
        for (const [, name = ''] of node.value.replaceAll('$$', '').matchAll(/\$\{?([A-Za-z_]\w*)/g)) {
          if (!mentions.has(name)) mentions.set(name, pathTo(ancestors, node))
        }
      }
    })
  }
  return mentions
}

function pathTo(ancestors: readonly unknown[], leaf: Node): KeyPath {
  return ancestors.flatMap((ancestor, depth): Step[] => {
    if (isPair(ancestor)) return isScalar(ancestor.key) ? [textOf(ancestor.key.value)] : []
    return isSeq(ancestor) ? [{ index: ancestor.items.indexOf(ancestors[depth + 1] ?? leaf) }] : []
  })
}

interface Next {
  readonly node: Node
  readonly value: Node | undefined
}

function stepInto(document: Document, from: Node | undefined, step: Step): Next | undefined {
  const value = isAlias(from) ? from.resolve(document) : from
  if (isMap(value)) return typeof step === 'string' ? mapEntry(document, value, step) : undefined
  if (!isSeq(value)) return undefined
  const items = value.items as Node[]
  const item = typeof step === 'object' && 'index' in step ? items[step.index] : items.find(matcher(step))
  return item === undefined ? undefined : { node: item, value: item }
}

interface MapIndex {
  readonly byKey: ReadonlyMap<string, Pair>
  readonly merges: readonly Pair[]
}

/** A file of many services is looked into many times: each mapping is indexed once. */
const indexes = new WeakMap<YAMLMap, MapIndex>()

function indexOf(map: YAMLMap): MapIndex {
  const known = indexes.get(map)
  if (known !== undefined) return known
  const byKey = new Map<string, Pair>()
  for (const pair of map.items) if (isScalar(pair.key)) byKey.set(textOf(pair.key.value), pair)
  const index = { byKey, merges: map.items.filter(isMerge) }
  indexes.set(map, index)
  return index
}

function mapEntry(document: Document, map: YAMLMap, key: string): Next | undefined {
  const { byKey, merges } = indexOf(map)
  const own = byKey.get(key)
  if (own !== undefined) return { node: own.key as Node, value: (own.value ?? undefined) as Node | undefined }
  for (const merge of merges) {
    const merged = isSeq(merge.value) ? (merge.value.items as Node[]) : [merge.value as Node]
    for (const node of merged) {
      const found = stepInto(document, node, key)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** `<<`, which the parser turns into a symbol. */
function isMerge({ key }: Pair): boolean {
  return isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol')
}

function matcher(step: Exclude<Step, { readonly index: number }>): (item: Node) => boolean {
  return typeof step === 'string' ? isNamed(step) : isAbout(`${step.item}`)
}

/** A list item that is `NAME`, `NAME=value` or a mapping with that `source`. */
function isNamed(name: string): (item: Node) => boolean {
  return item => {
    if (isMap(item)) return item.get('source') === name
    const text = isScalar(item) ? textOf(item.value) : ''
    return text === name || text.startsWith(`${name}=`) || text.startsWith(`${name}:`)
  }
}

/** A port or a mount about this target, in the short form (`80:8080/tcp`, `data:/data:ro`) or the long one. */
function isAbout(target: string): (item: Node) => boolean {
  return item => {
    if (isMap(item)) return pathOf(textOf(item.get('target'))) === pathOf(target)
    const text = isScalar(item) ? textOf(item.value) : ''
    const parts = text.replace(/\/(?:tcp|udp|sctp)$/, '').split(':')
    return parts.some(part => pathOf(part) === pathOf(target) || isInRange(part, target))
  }
}

/** Compose takes the slash at the end of a path away. */
function pathOf(text: string): string {
  return text.replace(/(?<=.)\/+$/, '')
}

function isInRange(part: string, target: string): boolean {
  const [, low, high] = /^(\d+)-(\d+)$/.exec(part) ?? []
  return low !== undefined && Number(low) <= Number(target) && Number(target) <= Number(high)
}
