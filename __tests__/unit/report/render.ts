import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'

/** Markdown as GitHub reads it, before its sanitizer: raw HTML stays, so that a test can see what came through. */
export function render(markdown: string): string {
  return micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true })
}

/** Names of all elements, sorted. */
export function elements(html: string): string[] {
  return [...new Set([...html.matchAll(/<([a-z!/][a-z0-9-]*)/gi)].map(([, name]) => name?.toLowerCase() ?? ''))]
    .filter(name => !name.startsWith('/'))
    .sort()
}

/** What one reads: no markup, entities resolved, zero-width spaces gone. */
export function textOf(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
    .replace(/\u200b/g, '')
}
