import { isMap, isScalar, isSeq, visit, type Document, type Node } from 'yaml'
import { parseSource } from './yaml-source.js'

/** Paths as the user wrote them, relative to the file that names them. */
export interface References {
  /** Further compose files: `include` and `extends.file`. */
  readonly compose: readonly string[]
  /** `env_file` of services and includes. */
  readonly env: readonly string[]
}

/**
 * The files that a compose file refers to. Paths with variables in them are left out: they only serve to find the
 * place of a key, and compose itself reads the files.
 */
export function referencesOf(text: string): References {
  const found = parseSource({ file: '', text }).map(({ document }) => referencesIn(document))
  const known = (paths: readonly string[]): readonly string[] => [...new Set(paths)].filter(path => !path.includes('$'))
  return { compose: known(found.flatMap(({ compose }) => compose)), env: known(found.flatMap(({ env }) => env)) }
}

function referencesIn(document: Document): References {
  const compose: string[] = []
  const env: string[] = []
  const root = document.contents
  if (!isMap(root)) return { compose, env }
  for (const entry of listOf(root.get('include', true))) {
    compose.push(...(isMap(entry) ? texts(entry.get('path', true)) : texts(entry)))
    if (isMap(entry)) env.push(...texts(entry.get('env_file', true)))
  }
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key)) return
      if (pair.key.value === 'extends' && isMap(pair.value)) compose.push(...texts(pair.value.get('file', true)))
      if (pair.key.value === 'env_file') env.push(...envFiles(pair.value as Node))
    }
  })
  return { compose, env }
}

function envFiles(node: Node): readonly string[] {
  return listOf(node).flatMap(entry => texts(isMap(entry) ? entry.get('path', true) : entry))
}

function listOf(node: unknown): readonly unknown[] {
  if (isSeq(node)) return node.items
  return node === undefined || node === null ? [] : [node]
}

function texts(node: unknown): readonly string[] {
  return listOf(node).flatMap(item => (isScalar(item) && typeof item.value === 'string' ? [item.value] : []))
}
