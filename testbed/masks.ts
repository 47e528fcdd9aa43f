/** An annotation on the run, as the runner shows it beside the file. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly title?: string
}

/**
 * Reads a step's output line by line as the runner does: `::add-mask::` hides its value from that line on and is itself never shown,
 * annotation and group commands become what the user sees. `secrets` are masked from the start, as the runner does with the
 * repository's own. (actions/runner: ActionCommandManager.cs, SecretMasker)
 */
export class LogReader {
  readonly annotations: Annotation[] = []
  private readonly masks = new Set<string>()
  /** The log so far as the user sees it: whole lines. */
  log = ''
  private rest = ''
  private stopToken: string | undefined

  constructor(secrets: readonly string[] = []) {
    for (const secret of secrets) this.addMask(secret)
  }

  /** A reader for the next process of the same job: empty, but it keeps hiding what was hidden. */
  next(): LogReader {
    return new LogReader([...this.masks])
  }

  /** Takes the next piece of output, whole lines or not; gives what it adds to the log. */
  write(text: string): string {
    const before = this.log.length
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.readLine(line.replace(/\r$/, ''))
    return this.log.slice(before)
  }

  /** Takes a last line that has no newline; gives what it adds to the log. */
  end(): string {
    return this.rest === '' ? '' : this.write('\n')
  }

  /** A multi-line value is masked as a whole and line by line, as the runner does. */
  addMask(value: string): void {
    for (const part of [value, ...value.split(/\r?\n/)]) if (part.trim() !== '') this.masks.add(part)
  }

  mask(text: string): string {
    let masked = text
    for (const value of [...this.masks].sort((a, b) => b.length - a.length)) masked = masked.replaceAll(value, '***')
    return masked
  }

  private show(...lines: string[]): void {
    for (const line of lines) this.log += `${this.mask(line)}\n`
  }

  private readLine(line: string): void {
    const command = parseCommand(line)
    if (this.stopToken !== undefined) {
      if (command?.name === this.stopToken) this.stopToken = undefined
      else this.show(line)
      return
    }
    switch (command?.name) {
      case 'add-mask':
        this.addMask(command.data)
        return
      case 'stop-commands':
        this.stopToken = command.data
        return
      case 'group':
        this.show(`▼ ${command.data}`)
        return
      case 'endgroup':
      case 'debug':
      case 'save-state':
      case 'set-output':
        return
      case 'error':
      case 'warning':
      case 'notice': {
        const { file, line: at, title } = command.properties
        const message = this.mask(command.data)
        this.annotations.push({
          level: command.name,
          message,
          ...(file === undefined ? {} : { file }),
          ...(at === undefined ? {} : { line: Number(at) }),
          ...(title === undefined ? {} : { title: this.mask(title) })
        })
        const label = { error: 'Error', warning: 'Warning', notice: 'Notice' }[command.name]
        this.show(...`${label}: ${message}`.split('\n'))
        return
      }
      default:
        this.show(line)
    }
  }
}

interface Command {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

/** `::name key=value,key=value::data`, percent-escaped; undefined when the line is none. */
export function parseCommand(line: string): Command | undefined {
  const match = /^\s*::([^\s:]+)(?: ([^]*?))?::([^]*)$/.exec(line)
  if (!match) return undefined
  const [, name = '', list = '', data = ''] = match
  const properties: Record<string, string> = {}
  for (const pair of list.split(',').filter(Boolean)) {
    const at = pair.indexOf('=')
    if (at > 0) properties[pair.slice(0, at).trim()] = unescapeProperty(pair.slice(at + 1))
  }
  return { name, properties, data: unescapeData(data) }
}

function unescapeData(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
}

function unescapeProperty(text: string): string {
  return unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','))
}
