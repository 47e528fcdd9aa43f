/**
 * Reads a file command (GITHUB_OUTPUT, GITHUB_ENV, GITHUB_STATE): `key=value` lines and `key<<delimiter` blocks.
 * Throws on a line that is neither, as the runner fails the step then.
 */
export function parseFileCommand(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line === '') continue
    const equals = line.indexOf('=')
    const heredoc = line.indexOf('<<')
    if (heredoc > 0 && (equals < 0 || heredoc < equals)) {
      const delimiter = line.slice(heredoc + 2)
      const end = lines.indexOf(delimiter, index + 1)
      if (delimiter === '' || end < 0) throw new Error(`no closing delimiter for ${line.slice(0, heredoc)}`)
      values[line.slice(0, heredoc)] = lines.slice(index + 1, end).join('\n')
      index = end
    } else if (equals > 0) {
      values[line.slice(0, equals)] = line.slice(equals + 1)
    } else {
      throw new Error(`neither key=value nor key<<delimiter: ${line}`)
    }
  }
  return values
}
