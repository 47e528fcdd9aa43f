import { defuse, oneLine } from '../text.js'

/**
 * Text of others as inline Markdown that shows it, and does nothing else: no markup, no HTML, no link, no table cell,
 * no mention of a person and no reference to an issue. GitHub looks for mentions in the rendered text, where an escape
 * is gone already, hence the zero-width space after `@` and `#`
 * (https://github.com/gjtorikian/html-pipeline/blob/v2.14.3/lib/html/pipeline/@mention_filter.rb).
 */
export function prose(text: string, longest = 500): string {
  return escaped(clip(oneLine(text, Infinity), longest))
}

function escaped(text: string): string {
  return entities(text)
    .replace(/&#64;/g, '&#64;&#8203;')
    .replace(/&#35;(?=\d)/g, '&#35;&#8203;')
    .replace(/\b(GH-)(?=\d)/gi, '$1&#8203;')
}

/**
 * A name as inline code. `<code>` with entities rather than backticks: it holds in a table cell, whatever the name has
 * in it, and GitHub looks for no mentions in it.
 */
export function code(text: string, longest = 120): string {
  const shown = clip(oneLine(text, Infinity), longest)
  return shown === '' ? '' : `<code>${entities(shown)}</code>`
}

/**
 * A sentence of ours with names in backticks: the names become code, the rest prose. An odd number of backticks is
 * text like any other.
 */
export function sentence(text: string, longest = 600): string {
  const line = clip(oneLine(text, Infinity), longest)
  const parts = line.split('`')
  if (parts.length % 2 === 0) return escaped(line)
  return parts.map((part, index) => (index % 2 === 1 ? code(part, longest) : escaped(part))).join('')
}

/** Lines as a block of code, whose fence is longer than any in them. */
export function block(lines: readonly string[], longest = 500): string {
  const shown = lines.map(line => defuse(line.replace(/[\r\n]+/g, ' '), longest))
  const ticks = Math.max(2, ...shown.flatMap(line => [...line.matchAll(/`+/g)].map(([run]) => run.length)))
  const fence = '`'.repeat(ticks + 1)
  return [`${fence}text`, ...shown, fence].join('\n')
}

/** A link whose text is ours or escaped already; only the text where the address is not http(s). */
export function link(text: string, url: string): string {
  const safe = httpUrl(url)
  return safe === null ? text : `<a href="${safe}">${text}</a>`
}

/** An address as a link that shows itself. */
export function address(url: string): string {
  return httpUrl(url) === null ? code(url) : link(entities(clip(oneLine(url), 200)), url)
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell => (cell === '' ? ' ' : cell)).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Folded content; the blank lines make GitHub read Markdown inside. `title` is escaped already. */
export function folded(title: string, content: string, open = false): string {
  return `<details${open ? ' open' : ''}><summary>${title}</summary>\n\n${content}\n\n</details>`
}

/** Cuts between characters, never inside one, and says so with an ellipsis. */
export function clip(text: string, longest: number): string {
  if (text.length <= longest) return text
  const cut = text.slice(0, Math.max(0, longest - 1))
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`
}

/**
 * Everything that Markdown, HTML or a table could take for its own, as a numeric entity; what means something only at
 * the start of a line, only there.
 */
function entities(text: string): string {
  return text
    .replace(/[&<>"'`*_{}[\]\\#|~$@]|^[-+=]|^\d+(?=[.)]\s)/g, match => {
      const digits = /^\d/.test(match)
      return digits ? `${match}&#8203;` : `&#${match.codePointAt(0) ?? 0};`
    })
    .replace(/:(?=\/\/)/g, '&#58;')
    .replace(/\bwww(?=\.)/gi, '$&&#8203;')
}

/** The address in a form that holds inside an attribute and a table cell; null when it is not plain http(s). */
function httpUrl(url: string): string | null {
  if (!URL.canParse(url)) return null
  const parsed = new URL(url)
  if (!/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') return null
  return parsed.href
    .replace(/["'<>|`]/g, character => `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`)
    .replace(/&/g, '&amp;')
}
