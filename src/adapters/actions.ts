import * as core from '@actions/core'
import type { Place } from '../errors.js'
import type { Log, Outputs } from '../ports.js'
import { defuse } from '../text.js'

/** The job's log on a runner, by workflow commands (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). */
export function actionsLog(): Log {
  const masked = new Set<string>()
  const redact = (text: string): string =>
    [...masked].sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
  return {
    info: line => core.info(defuse(line)),
    debug: line => core.debug(line),
    notice: (message, at) => core.notice(message, place(at)),
    warning: (message, at) => core.warning(message, place(at)),
    error: (message, at) => {
      core.error(message, place(at))
      // the runner shows the place beside the log, not in it
      if (at !== undefined) core.info(defuse(`at ${at.file}${at.line === undefined ? '' : `, line ${at.line}`}`))
    },
    group: (title, body) => core.group(title, body),
    mask: value => {
      if (value === '' || masked.has(value)) return
      masked.add(value)
      core.setSecret(value)
    },
    redact
  }
}

function place(at: Place | undefined): core.AnnotationProperties {
  if (at === undefined) return {}
  return {
    file: at.file,
    ...(at.line === undefined ? {} : { startLine: at.line }),
    ...(at.column === undefined ? {} : { startColumn: at.column })
  }
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
  save: (name: string, value: string): void => core.saveState(name, value),
  read: (name: string): string => core.getState(name)
}

/** Outputs by the runner's file commands. A runner without summaries (older ones, Gitea's) gets none. */
export const actionsOutputs: Outputs = {
  set: (name, value) => core.setOutput(name, value),
  exportVariable: (name, value) => core.exportVariable(name, value),
  summary: async markdown => {
    if (process.env['GITHUB_STEP_SUMMARY'] === undefined || markdown === '') return
    await core.summary.addRaw(markdown, true).write()
  },
  remember: (name, value) => core.saveState(name, value)
}
