import { isMap, LineCounter, parseAllDocuments, type Document, type YAMLError } from 'yaml'
import type { Problem } from '../../errors.js'
import type { Source } from '../project.js'

/** Everything that makes the files no YAML, or no compose files: all of it at once, while compose names the first. */
export function yamlProblems(sources: readonly Source[]): readonly Problem[] {
  return sources.flatMap(source => {
    if (source.text.trim() === '') return [empty(source)]
    const lines = new LineCounter()
    const documents = parseAllDocuments(source.text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      logLevel: 'silent'
    })
    const all = 'empty' in documents ? [] : documents
    const errors = all.flatMap(document => document.errors.map(error => problemOf(error, source, lines)))
    // what the parser makes of the rest of a line that it lost its way in is no error of its own
    const first = errors.filter(({ at }, index) => errors.findIndex(other => other.at?.line === at?.line) === index)
    return first.length > 0 ? first : all.flatMap(document => notAMapping(document, source))
  })
}

function empty({ file }: Source): Problem {
  return {
    message: `${file} is empty.`,
    remedy: 'A compose file needs at least `services:` with one service.',
    at: { file }
  }
}

function notAMapping(document: Document, { file }: Source): readonly Problem[] {
  if (document.contents === null || isMap(document.contents)) return []
  const message = `${file} is no compose file: its top level is not a mapping.`
  return [{ message, remedy: 'Start it with `services:` and indent the services below it.', at: { file, line: 1 } }]
}

const meanings: Partial<Record<YAMLError['code'], { readonly message: string; readonly remedy: string }>> = {
  DUPLICATE_KEY: {
    message: 'The same key stands twice in one mapping',
    remedy: 'Keep one of them; lists and mappings below it can be joined.'
  },
  TAB_AS_INDENT: {
    message: 'A tab is used to indent',
    remedy: 'YAML takes spaces only: replace the tab by two spaces.'
  },
  BAD_INDENT: {
    message: 'The indentation does not fit',
    remedy: 'Indent keys of one mapping alike, and close every bracket and quote before the next key.'
  },
  MULTILINE_IMPLICIT_KEY: {
    message: 'This is not YAML',
    remedy: 'Most often a value that holds `: ` or spans lines needs quotes, or a key its colon.'
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'This is not YAML',
    remedy: 'Most often a value that holds `: ` needs quotes, or a key starts on the wrong column.'
  },
  MISSING_CHAR: {
    message: 'A quote, bracket or comma is missing',
    remedy: 'Close what was opened on this line or before it.'
  }
}

function problemOf(error: YAMLError, { file, text }: Source, lines: LineCounter): Problem {
  const { line, col } = lines.linePos(error.pos[0])
  const { message, remedy } = meanings[error.code] ?? { message: 'This is not YAML', remedy: 'Correct the line shown.' }
  const key = error.code === 'DUPLICATE_KEY' ? `: ${(/^[^:\s]+/.exec(text.slice(error.pos[0])) ?? [''])[0]}` : ''
  const details = key === '' ? error.message : undefined
  return {
    message: `${message}${key}.`,
    remedy,
    at: { file, line, column: col },
    ...(details === undefined ? {} : { details })
  }
}
