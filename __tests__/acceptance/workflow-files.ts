import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Bed } from '../../testbed/bed.ts'
import type { FakeGithub } from '../../testbed/github/server.ts'
import { runAction, startAction, type RunningStep, type Step, type StepResult } from '../../testbed/runner.ts'

const folder = join(import.meta.dirname, '../../examples/workflows')

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly strategy?: { readonly matrix: { readonly include: readonly Readonly<Record<string, string>>[] } }
        readonly steps: readonly { readonly uses: string; readonly with?: Readonly<Record<string, string | boolean>> }[]
      }
    >
  >
}

/** What stands in a workflow's expressions: `secrets.SSH_KEY`, `github.token`, … One that is not named here fails. */
export type Values = Readonly<Record<string, string>>

/** The `with:` of the action's step in one of the example workflows, its expressions filled in. */
function withOf(file: string, values: Values): Readonly<Record<string, string>> {
  return withIn(readFileSync(join(folder, file), 'utf8'), file, values)
}

/** The same of a workflow's text; `file` is where that stands. */
export function withIn(text: string, file: string, values: Values): Readonly<Record<string, string>> {
  const { jobs } = parse(text) as Workflow
  const [job] = Object.values(jobs)
  const step = job?.steps.find(({ uses }) => uses.startsWith('swarm-rollout/action@'))
  if (!step?.with) throw new Error(`${file} does not use the action`)
  return Object.fromEntries(
    Object.entries(step.with).map(([name, value]) => [name, fillIn(file, String(value), values)])
  )
}

/** The rows of a workflow's matrix. */
export function matrixOf(file: string): readonly Readonly<Record<string, string>>[] {
  const { jobs } = parse(readFileSync(join(folder, file), 'utf8')) as Workflow
  return Object.values(jobs)[0]?.strategy?.matrix.include ?? []
}

function fillIn(file: string, text: string, values: Values): string {
  return text.replace(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const value = values[expression]
    if (value === undefined) throw new Error(`${file}: no value for ${expression}`)
    return value
  })
}

export interface Trigger {
  readonly file: string
  readonly event?: Step['event']
  /** More values, or others. */
  readonly values?: Values
  /** What differs from the file: the addresses in it are nobody's. */
  readonly with?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

/** A repository on GitHub whose workflows run against a bed. */
export class Actions {
  readonly bed: Bed
  readonly github: FakeGithub
  readonly workspace: string
  readonly secrets: Readonly<Record<string, string>>
  #results: StepResult[] = []
  #run = 0

  constructor(bed: Bed, github: FakeGithub, workspace: string, secrets: Readonly<Record<string, string>> = {}) {
    this.bed = bed
    this.github = github
    this.workspace = workspace
    this.secrets = { SSH_KEY: bed.sshKey, PULL_TOKEN: 'token-of-the-nodes', ...secrets }
  }

  async run(trigger: Trigger): Promise<StepResult> {
    const result = await runAction(this.#step(trigger))
    this.#results.push(result)
    return result
  }

  start(trigger: Trigger): RunningStep {
    const running = startAction(this.#step(trigger))
    running.result.then(result => this.#results.push(result)).catch(() => undefined)
    return running
  }

  clean(): void {
    for (const result of this.#results) result.clean()
  }

  #step(trigger: Trigger): Step {
    this.#run += 1
    const { bed, github } = this
    const values: Values = {
      'secrets.SSH_KEY': this.secrets['SSH_KEY'] ?? '',
      'secrets.PULL_TOKEN': this.secrets['PULL_TOKEN'] ?? '',
      'toJSON(secrets)': JSON.stringify({ ...this.secrets, github_token: github.token }),
      'vars.SSH_KNOWN_HOSTS': bed.knownHosts,
      'github.token': github.token,
      'github.actor': 'mona',
      'github.repository_owner': 'acme',
      ...trigger.values
    }
    const given = withOf(trigger.file, values)
    const address = given['host']?.endsWith('.example.com') === true ? { host: bed.server.host } : {}
    const registry = given['registry'] === undefined ? {} : { registry: `${bed.registry}/acme` }
    return {
      workspace: this.workspace,
      token: github.token,
      secrets: Object.values(this.secrets),
      ...(trigger.event && { event: trigger.event }),
      env: {
        ...bed.builderEnv,
        ...github.env,
        GITHUB_RUN_ID: String(this.#run),
        GITHUB_SHA: 'c'.repeat(40),
        ...trigger.env
      },
      with: { ...given, ...address, ...registry, 'stable-for': '2s', timeout: '90s', ...trigger.with }
    }
  }
}

/** The payload of a pull request's event, as far as the action reads it. */
export function pullRequestEvent(
  github: FakeGithub,
  action: string,
  number: number,
  more: { readonly fork?: boolean } = {}
): NonNullable<Step['event']> {
  const pull = github.repository.pulls.get(number)
  if (!pull) throw new Error(`no pull request ${number}`)
  const repo = { full_name: github.repository.fullName }
  return {
    name: 'pull_request',
    payload: {
      action,
      number,
      repository: repo,
      pull_request: {
        number,
        state: pull.state,
        merged: pull.merged,
        draft: false,
        head: { ref: pull.headRef, sha: pull.headSha, repo: more.fork === true ? { full_name: 'mallory/shop' } : repo },
        base: { ref: 'main', sha: 'c'.repeat(40), repo }
      }
    }
  }
}
