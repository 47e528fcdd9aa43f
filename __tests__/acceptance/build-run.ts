import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import { UserError } from '../../src/errors.js'
import { readJob } from '../../src/job.js'
import type { Build } from '../../src/model.js'
import { buildImages, type BuildRequest, type BuiltImages } from '../../src/pipelines/images/build-images.js'
import type { Ports } from '../../src/ports.js'
import { openRegistrySession, type RegistrySession } from '../../src/stages/login.js'
import { stageRun, type StageRun } from './stages.ts'

/** The one login of the bed's registry. */
export const login = { username: 'ci', password: 'a-long-password' }
export const commit = '0123456789abcdef0123456789abcdef01234567'

/** A runner with a builder, and a registry that wants a login: what the stages that build are given in a run. */
export class BuildRun implements AsyncDisposable {
  readonly bed: Bed
  readonly run: StageRun
  readonly ports: Ports
  /** An image to build from. */
  readonly base: string

  private constructor(bed: Bed, run: StageRun, base: string) {
    this.bed = bed
    this.run = run
    this.ports = { ...run.ports, env: { ...run.ports.env, ...bed.builderEnv } }
    this.base = base
  }

  static async open(name: string): Promise<BuildRun> {
    const bed = await openBed({ name, registry: { logins: [login] }, builder: { containerdStore: true } })
    const run = await stageRun(bed.server)
    return new BuildRun(bed, run, (await pushApp(bed.registry, { name: 'base:1' }, login)).reference)
  }

  openSession(more: Partial<Parameters<typeof openRegistrySession>[1]> = {}): Promise<RegistrySession> {
    const request = { registry: `${this.bed.registry}/shop`, push: login, verify: true, ...more }
    return openRegistrySession(this.ports, request)
  }

  /** `ports`: of a world that is not quite this one. */
  async build(
    folder: string,
    builds: readonly Build[],
    more: Partial<BuildRequest> = {},
    ports = this.ports
  ): Promise<BuiltImages> {
    await using session = await this.openSession()
    return await buildImages(ports, {
      builds,
      values: new Map(),
      stack: 'shop',
      registry: `${this.bed.registry}/shop`,
      tags: [],
      job: {
        ...readJob({ GITHUB_REPOSITORY: 'acme/shop' }, undefined),
        commit,
        ref: 'refs/heads/main',
        refName: 'main'
      },
      platforms: ['linux/amd64'],
      cache: 'none',
      mode: 'always',
      session,
      workspace: folder,
      ...more
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run.host[Symbol.asyncDispose]()
    await this.bed.close()
  }
}

/** The first problem of work that must not come to a good end. */
export async function problemOf(work: Promise<unknown>): Promise<UserError['problems'][number]> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  if (!(error instanceof UserError)) throw new Error(`no UserError: ${String(error)}`)
  const [problem] = error.problems
  if (!problem) throw new Error('no problem')
  return problem
}
