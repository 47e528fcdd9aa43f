import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bed } from '../../testbed/bed.ts'
import { runAction, startAction, type RunningStep, type Step, type StepResult } from '../../testbed/runner.ts'
import { scratch } from '../scratch.ts'

/** A checked-out repository and the step that deploys it to a bed's first server. */
export class Workshop {
  readonly workspace = scratch('workspace')

  readonly bed: Bed
  readonly defaults: Readonly<Record<string, string>>

  constructor(bed: Bed, defaults: Readonly<Record<string, string>> = {}) {
    this.bed = bed
    this.defaults = defaults
  }

  /** Writes files of the repository, by their paths in it. */
  write(files: Readonly<Record<string, string>>): this {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.workspace, path)), { recursive: true })
      writeFileSync(join(this.workspace, path), text)
    }
    return this
  }

  remove(path: string): this {
    rmSync(join(this.workspace, path), { force: true })
    return this
  }

  /** The compose file of the repository, as an object: JSON is YAML. */
  compose(services: Readonly<Record<string, object>>, rest: object = {}): this {
    return this.write({ 'compose.yaml': JSON.stringify({ services, ...rest }, null, 2) })
  }

  /** Runs the step to its end; what it left in RUNNER_TEMP is there until the workshop closes. */
  async run(inputs: Readonly<Record<string, string>> = {}, more: Omit<Step, 'with'> = {}): Promise<StepResult> {
    const result = await runAction(this.step(inputs, more))
    this.#results.push(result)
    return result
  }

  start(inputs: Readonly<Record<string, string>> = {}, more: Omit<Step, 'with'> = {}): RunningStep {
    const running = startAction(this.step(inputs, more))
    void running.result.then(
      result => this.#results.push(result),
      () => undefined
    )
    return running
  }

  close(): void {
    for (const result of this.#results) result.clean()
  }

  readonly #results: StepResult[] = []

  private step(inputs: Readonly<Record<string, string>>, more: Omit<Step, 'with'>): Step {
    return {
      workspace: this.workspace,
      ...more,
      env: { ...this.bed.builderEnv, ...more.env },
      with: {
        host: this.bed.server.host,
        'ssh-key': this.bed.sshKey,
        'ssh-known-hosts': this.bed.knownHosts,
        'stable-for': '2s',
        timeout: '90s',
        ...this.defaults,
        ...inputs
      }
    }
  }
}

/** A web service of the test app: healthy within a second or two, rolled back when it is not. */
export function web(
  image: string,
  more: { environment?: object; deploy?: object; healthcheck?: object } & Record<string, unknown> = {}
): object {
  const { environment = {}, deploy = {}, healthcheck = {}, ...rest } = more
  return {
    image,
    environment,
    healthcheck: { test: ['CMD', '/bin/healthy'], interval: '500ms', timeout: '2s', retries: 3, ...healthcheck },
    deploy: {
      replicas: 1,
      endpoint_mode: 'dnsrr',
      update_config: { order: 'start-first', failure_action: 'rollback', monitor: '2s' },
      restart_policy: { delay: '500ms' },
      ...deploy
    },
    stop_grace_period: '1s',
    ...rest
  }
}
