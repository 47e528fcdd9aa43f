/** What a `.dockerignore` leaves out of a build's context. */
export interface Ignore {
  /** Whether a path, relative to the context, is left out. */
  ignores(path: string): boolean
  /** Whether a folder that is left out may still hold something that is not. */
  mayHoldExceptions: boolean
}

interface Rule {
  readonly pattern: RegExp
  readonly except: boolean
}

/**
 * Reads a .dockerignore as BuildKit does (moby/patternmatcher): one pattern a line, `#` comments, `!` exceptions, the
 * last rule that matches a path or one of its folders decides.
 */
export function parseIgnore(text: string | null): Ignore {
  const rules = (text ?? '')
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap(line => readRule(line))
  const ignores = (path: string): boolean => {
    const parts = path.split('/')
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
    const deciding = rules.findLast(rule => prefixes.some(prefix => rule.pattern.test(prefix)))
    return deciding !== undefined && !deciding.except
  }
  return { ignores, mayHoldExceptions: rules.some(rule => rule.except) }
}

function readRule(line: string): readonly Rule[] {
  if (line.startsWith('#')) return []
  const trimmed = line.trim()
  const except = trimmed.startsWith('!')
  const path = clean(except ? trimmed.slice(1).trim() : trimmed)
  return path === '' ? [] : [{ pattern: new RegExp(`^${translate(path)}$`, 's'), except }]
}

/**
 * Without `.`, `..`, doubled slashes and the one at the beginning: patterns are relative to the context. One that leads
 * out of it leaves nothing out (Go's path.Clean keeps its `..`).
 */
function clean(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined && !path.startsWith('/')) return ''
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** `**` is any number of folders, `*` and `?` stay within one, `[a-z]` is a class, and a backslash takes away meaning. */
function translate(pattern: string): string {
  let text = ''
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? ''
    if (char === '*' && pattern[at + 1] === '*') {
      at += pattern[at + 2] === '/' ? 2 : 1
      text += at + 1 >= pattern.length ? '.*' : '(?:.*/)?'
    } else if (char === '*') text += '[^/]*'
    else if (char === '?') text += '[^/]'
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2)
      text += end < 0 ? '\\[' : `[${pattern.slice(at + 1, end).replaceAll('\\', '\\\\')}]`
      if (end >= 0) at = end
    } else if (char === '\\' && at + 1 < pattern.length) text += escape(pattern[++at] ?? '')
    else text += escape(char)
  }
  return text
}

function escape(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char
}
