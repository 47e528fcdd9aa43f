import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'

/**
 * How an action speaks to its runner: commands on stdout, and files for what later steps get
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). Not @actions/core: that one brings an HTTP
 * client for OpenID tokens along, and to load it, in main and again in post, took a third of all the time of starting.
 */

/** `::name key=value,…::message`. Properties without a value are left out. */
export function command(
  name: string,
  message: string,
  properties: Readonly<Record<string, string | number | undefined>> = {}
): string {
  const given = Object.entries(properties).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [`${key}=${escapeProperty(String(value))}`]
  )
  return `::${[name, ...(given.length > 0 ? [given.join(',')] : [])].join(' ')}::${escapeData(message)}`
}

/** What the runner reads back is unescaped in this order turned round (actions/runner, ActionCommand.cs). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The files of the runner, by the variable that names each of them, and the command that they replaced. */
const files = {
  GITHUB_OUTPUT: 'set-output',
  GITHUB_ENV: 'set-env',
  GITHUB_STATE: 'save-state'
} as const

/** Leaves a value of any text for the runner. Where it gives no file, by the command that came before. */
export function leave(file: keyof typeof files, name: string, value: string): void {
  const path = process.env[file] ?? ''
  if (path === '') return say(command(files[file], value, { name }))
  const end = `ghadelimiter_${randomUUID()}`
  appendFileSync(path, `${name}<<${end}\n${value}\n${end}\n`)
}
