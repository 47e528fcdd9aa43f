import { appendFile } from 'node:fs/promises'
import type { Place } from '../errors.js'
import type { Log, Outputs } from '../ports.js'
import { defuse } from '../text.js'
import { command, leave, say } from './workflow-commands.js'

/** The job's log on a runner, by workflow commands (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). */
export function actionsLog(): Log {
  const masked = new Set<string>()
  const redact = (text: string): string =>
    [...masked].sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  return {
    info: line => say(defuse(line)),
    debug: line => say(command('debug', line)),
    notice: (message, at) => say(command('notice', message, place(at))),
    warning: (message, at) => say(command('warning', message, place(at))),
    error: (message, at) => {
      say(command('error', message, place(at)))
      // the runner shows the place beside the log, not in it
      if (at !== undefined) say(defuse(`at ${at.file}${at.line === undefined ? '' : `, line ${at.line}`}`))
    },
    group: async (title, body) => {
      say(command('group', title))
      try {
        return await body()
      } finally {
        say(command('endgroup', ''))
      }
    },
    mask: value => {
      if (value === '' || masked.has(value)) return
      masked.add(value)
      say(command('add-mask', value))
    },
    redact
  }
}

function place(at: Place | undefined): Record<string, string | number | undefined> {
  return at === undefined ? {} : { file: at.file, line: at.line, col: at.column }
}

/** Every input as the workflow gave it, by its name in action.yml, and the rest of the job's environment. */
export function splitEnvironment(environment: NodeJS.ProcessEnv): {
  readonly inputs: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
} {
  const inputs: Record<string, string> = {}
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue
    if (name.startsWith('INPUT_')) inputs[name.slice('INPUT_'.length).toLowerCase()] = value
    else if (!name.startsWith('STATE_')) env[name] = value
  }
  return { inputs, env }
}

/** What main leaves for post. Saved before the thing it undoes is made, so that a killed main leaves nothing behind. */
export const state = {
  save: (name: string, value: string): void => leave('GITHUB_STATE', name, value),
  read: (name: string): string => process.env[`STATE_${name}`] ?? ''
}

/** Outputs by the runner's file commands. A runner without summaries (older ones, Gitea's) gets none. */
export const actionsOutputs: Outputs = {
  set: (name, value) => leave('GITHUB_OUTPUT', name, value),
  exportVariable: (name, value) => leave('GITHUB_ENV', name, value),
  summary: async markdown => {
    const path = process.env['GITHUB_STEP_SUMMARY']
    if (path === undefined || path === '' || markdown === '') return
    await appendFile(path, `${markdown}\n`)
  },
  remember: (name, value) => state.save(name, value)
}
