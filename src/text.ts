/** Texts of others (container logs, engine messages), made safe to print. */

// ANSI escapes: CSI (colours, cursor), OSC (titles, links), and two-character ones. ECMA-48.
// eslint-disable-next-line no-control-regex
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g
// C0 and C1 controls without the tab, line and paragraph separators, and the marks that change the writing direction.
// eslint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g
/** Zero-width space: what it splits reads the same and is no longer a command. */
const split = '\u200b'

/**
 * One line of text of others as a line of the job's log: no control characters, and nothing the runner takes for a workflow command.
 * The runner takes `::name …::` at the start of a line (after blanks) and `##[name …]` anywhere in it
 * (actions/runner, src/Runner.Common/ActionCommand.cs). Longer than `limit` characters is cut, and says so.
 */
export function defuse(line: string, limit = 2000): string {
  const plain = line
    .replace(escapes, '')
    .replace(controls, '')
    .replace(/^(\s*):(?=:)/, `$1:${split}`)
    .replace(/##(?=\[)/g, `#${split}#`)
    .trimEnd()
  return plain.length > limit ? `${plain.slice(0, limit)}… (${plain.length - limit} more characters)` : plain
}

/** Text of others as one sentence inside of ours: on one line, controls gone, blanks joined, cut at `limit` characters. */
export function oneLine(text: string, limit = 300): string {
  const joined = defuse(text.replace(/[\r\n\t]+/g, ' '), Number.MAX_SAFE_INTEGER)
    .replace(/ {2,}/g, ' ')
    .trim()
  return joined.length > limit ? `${joined.slice(0, limit - 1)}…` : joined
}

/** `1 task`, `2 tasks`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`
}

/** Milliseconds as `800 ms`, `12 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const rest = seconds % 60
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`
}
