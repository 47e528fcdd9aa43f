const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' }

/** A job summary as a terminal can show it: without the markup, the links and the chart that GitHub makes something of. */
export function plainSummary(markdown: string): string {
  return (
    markdown
      .replace(/```mermaid\n[\s\S]*?\n```/g, '(a chart of the time it took, on GitHub)')
      .replace(/<summary>([\s\S]*?)<\/summary>/g, '▸ $1')
      .replace(/<br>/g, ' ')
      .replace(/<\/?(?:a|code|sub|details)(?: [^<>]*)?>/g, '')
      // last: what they stand for is no markup
      .replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
        code === undefined ? (entities[name ?? ''] ?? whole) : String.fromCodePoint(Number(code))
      )
      .replaceAll('\u200b', '')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
  )
}
