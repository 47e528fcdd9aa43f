/** Why bake failed, read from what it printed. */
export type BuildFailure =
  | { readonly kind: 'step'; readonly reason: string; readonly details: string; readonly dockerfile?: DockerfileLine }
  | { readonly kind: 'push-refused'; readonly reason: string; readonly details: string }
  /** The registry or the way to it: worth another try. */
  | { readonly kind: 'push-broken'; readonly reason: string; readonly details: string }

export interface DockerfileLine {
  /** The file's name as the Dockerfile's own folder has it, without the folder. */
  readonly file: string
  readonly line: number
  /** The target, when bake named one. */
  readonly target?: string
}

const refused =
  /denied|unauthorized|forbidden|authentication required|authorization failed|insufficient_scope|no basic auth credentials|40[13] /i
const broken =
  /connection refused|connection reset|broken pipe|no such host|i\/o timeout|TLS handshake|unexpected EOF|: EOF|server misbehaving|no route to host|network is unreachable|deadline exceeded|unexpected status.*: 5\d\d|received unexpected HTTP status: 5\d\d|toomanyrequests|429 /i
/** A request without an answer, as Go words it (net/url, Error): whatever the reason, `server closed idle connection` for one. */
const unanswered = /\b(?:Get|Head|Post|Put|Patch|Delete) "[^"]*": /
/** Of those, what the next attempt would meet as well. */
const lasting = /x509|certificate|server gave HTTP response to HTTPS client|unsupported protocol scheme/i

/**
 * Whether it was the registry that spoke, and said no: it has no such image, or asks for a login, which an engine also tells as
 * an error of its own (`no basic auth credentials`).
 */
export function isRefusal(status: number, words: string): boolean {
  return [401, 403, 404].includes(status) || refused.test(words)
}

/** How many of a step's last lines are shown. */
const lastLines = 40

/**
 * Reads a failed `bake --progress plain`. It ends with the failed step's own last lines between rules, the place in the
 * Dockerfile, and one line `ERROR: …` (buildx, util/progress and cmd/buildx/main.go). Where there is none of that, the
 * last lines of the output are the reason.
 */
export function readFailure(stderr: string): BuildFailure {
  const lines = stderr.split(/\r?\n/)
  const error = lastMatch(lines, /^(?:ERROR|error): (.*)$/)
  const reason = (error?.text ?? lastFilled(lines) ?? 'no output').replace(
    /^(?:target \S+: )?(?:failed to solve: )?/,
    ''
  )
  const summary = error === undefined ? [] : lines.slice(summaryStart(lines), error.index)
  const shown = summary.length > 0 ? summary : lines.filter(line => line.trim() !== '').slice(-lastLines)
  const details = shown.slice(-lastLines).join('\n').trimEnd()
  // a cache that could not be imported stands there as well, before the push
  const failed = summary.filter(line => line.startsWith(' > ')).join('\n')
  if (/push|exporting to image/i.test(`${reason}\n${failed}`)) {
    if (refused.test(reason)) return { kind: 'push-refused', reason, details }
    const isPassing = broken.test(reason) || (unanswered.test(reason) && !lasting.test(reason))
    if (isPassing) return { kind: 'push-broken', reason, details }
  }
  const dockerfile = dockerfileLine(summary, error?.text ?? '')
  return { kind: 'step', reason, details, ...(dockerfile === undefined ? {} : { dockerfile }) }
}

/** The first of the last group of rules: `------`, the step, its lines, `------`, `Dockerfile:3`, the excerpt. */
function summaryStart(lines: readonly string[]): number {
  const first = lines.findIndex((line, index) => line === '------' && /^ > /.test(lines[index + 1] ?? ''))
  return first < 0 ? lines.length : first
}

function dockerfileLine(summary: readonly string[], error: string): DockerfileLine | undefined {
  const match = summary.map(line => /^(\S.*):(\d+)$/.exec(line)).find(found => found !== null)
  if (!match) return undefined
  const target = /^target (\S+):/.exec(error)?.[1]
  return { file: match[1] ?? '', line: Number(match[2]), ...(target === undefined ? {} : { target }) }
}

function lastMatch(lines: readonly string[], pattern: RegExp): { index: number; text: string } | undefined {
  for (let index = lines.length - 1; index >= 0; index--) {
    const text = pattern.exec(lines[index] ?? '')?.[1]
    if (text !== undefined) return { index, text }
  }
  return undefined
}

function lastFilled(lines: readonly string[]): string | undefined {
  return lines.filter(line => line.trim() !== '').at(-1)
}
