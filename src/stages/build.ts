import { bake, commitTime } from '../commands/bake.js'
import type { Place } from '../errors.js'
import { buildCancelled, buildFailed, cacheUnsupported, noDigest, pushFailed, pushRefused } from '../errors/images.js'
import { bakeFile, entitlements, type BakeOptions } from '../images/bake.js'
import type { Builder } from '../images/builder.js'
import { chooseCache, type Cache, type CacheKind } from '../images/cache.js'
import { githubCacheEnvironment, hasGithubCache } from '../images/environment.js'
import { readFailure, type DockerfileLine } from '../images/failure.js'
import { readDigests } from '../images/metadata.js'
import { dockerfilePath, localPaths, outside } from '../images/paths.js'
import type { Target } from '../images/plan.js'
import type { Ports, RunResult } from '../ports.js'

export interface BakeRequest {
  readonly builder: Builder
  readonly targets: readonly Target[]
  readonly stack: string
  /** Of the images' labels. Empty texts leave a label out. */
  readonly origin: { readonly source: string; readonly commit: string }
  readonly platforms: readonly string[]
  readonly cache: CacheKind
  readonly cacheFolders?: { readonly restored: string; readonly next: string }
  /** What the builds' secrets are read from. */
  readonly secrets: { readonly place: BakeOptions['secrets']; readonly files: readonly string[] }
  /** More tags, such as the one that says what the image was made of. */
  readonly extraTags?: (target: Target) => readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workspace: string
  /** `push` to the registry, or an OCI layout for each target in this folder, in one of the target's name. */
  readonly output: { readonly kind: 'push' } | { readonly kind: 'layout'; readonly folder: string }
}

export interface Baked {
  /** `loaded`: the builder writes no layouts, so the images are in the runner's engine, and their digests are not known. */
  readonly made: 'pushed' | 'layouts' | 'loaded'
  /** By target. */
  readonly digests: Readonly<Record<string, string>>
}

/**
 * Builds all targets at once with `docker buildx bake`, its output shown line by line, and pushes them (or writes them
 * as OCI layouts). Gives each target's digest.
 * @throws UserError: a cache that the builder cannot do, a failing step, a refused push, a registry that does not answer
 * (three attempts).
 */
export async function bakeImages(ports: Ports, request: BakeRequest): Promise<Baked> {
  const { builder } = request
  const cache = pickCache(ports, request)
  const epoch = await commitSeconds(ports, request)
  const options: BakeOptions = {
    labels: originLabels(request, epoch),
    platforms: request.platforms,
    cacheFrom: cache.from,
    cacheTo: cache.to,
    output: target => [outputOf(request, target)],
    // A timestamp in the provenance would make another digest of the same image.
    provenance: request.output.kind === 'push',
    attestations: builder.cacheExport,
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
    secrets: request.secrets.place,
    ...(request.extraTags === undefined ? {} : { extraTags: request.extraTags })
  }
  const env = { ...request.env, ...(cache.kind === 'gha' ? githubCacheEnvironment(ports.env) : {}) }
  const made = request.output.kind === 'push' ? 'pushed' : builder.ociExport ? 'layouts' : 'loaded'
  return { made, digests: await runBake(ports, request, { options, env, made }) }
}

function outputOf(request: BakeRequest, target: Target): string {
  if (request.output.kind === 'push') return 'type=registry'
  return request.builder.ociExport ? `type=oci,tar=false,dest=${request.output.folder}/${target.name}` : 'type=docker'
}

function pickCache(ports: Ports, request: BakeRequest): Cache {
  const { builder } = request
  const cache = chooseCache({
    wanted: request.cache,
    builder,
    service: hasGithubCache(ports.env),
    stack: request.stack,
    pushed: request.output.kind === 'push',
    ...(request.cacheFolders === undefined ? {} : { folders: request.cacheFolders })
  })
  if (cache.kind === 'unsupported') throw cacheUnsupported(cache.wanted, cache.lacks, builder)
  ports.log.info(`Builder ${builder.name} (${builder.driver}), cache ${cache.kind}.`)
  return cache
}

/** undefined where there is no checkout, no git, or a shallow one that lacks the commit. */
async function commitSeconds(ports: Ports, request: BakeRequest): Promise<number | undefined> {
  if (request.origin.commit === '') return undefined
  const env = { PATH: request.env['PATH'] ?? '', HOME: request.env['HOME'] ?? '' }
  const argv = commitTime(request.workspace, request.origin.commit)
  const { code, stdout } = await ports.shell.run(argv, { env, timeoutMs: 10_000 })
  return code === 0 && /^\d{1,12}$/.test(stdout.trim()) ? Number(stdout.trim()) : undefined
}

/** https://specs.opencontainers.org/image-spec/annotations/. No time of building: the same commit gives the same image. */
function originLabels(request: BakeRequest, epoch: number | undefined): Readonly<Record<string, string>> {
  const { source, commit } = request.origin
  return {
    ...(source === '' ? {} : { 'org.opencontainers.image.source': source }),
    ...(commit === '' ? {} : { 'org.opencontainers.image.revision': commit }),
    ...(epoch === undefined ? {} : { 'org.opencontainers.image.created': new Date(epoch * 1000).toISOString() })
  }
}

const attempts = 3

async function runBake(
  ports: Ports,
  request: BakeRequest,
  prepared: {
    readonly options: BakeOptions
    readonly env: Readonly<Record<string, string>>
    readonly made: Baked['made']
  }
): Promise<Readonly<Record<string, string>>> {
  const { options, env, made } = prepared
  const folder = await ports.files.tempFolder('bake')
  const file = await ports.files.writeTemp('bake.json', bakeFile(request.targets, options))
  const argv = bake({
    file,
    metadata: `${folder}/metadata.json`,
    targets: request.targets.map(target => target.name),
    reads: outside(request.workspace, readPaths(request)),
    writes: [
      ...(request.output.kind === 'layout' ? [request.output.folder] : []),
      ...(request.cache === 'local' && request.cacheFolders !== undefined ? [request.cacheFolders.next] : [])
    ],
    entitlements: [...new Set(request.targets.flatMap(target => entitlements(target.build)))],
    ssh: request.targets.some(target => target.build['ssh'] !== undefined)
  })
  try {
    for (let attempt = 1; ; attempt++) {
      const result = await ports.shell.run(argv, {
        env,
        cwd: request.workspace,
        signal: ports.cancelled,
        onLine: line => ports.log.info(line)
      })
      if (result.code === 0 && made === 'loaded') return {}
      if (result.code === 0) return assertDigests(request, await ports.files.text(`${folder}/metadata.json`))
      const again = await judge(ports, request, result, attempt)
      ports.log.warning(`The push broke off (${again}); trying again.`)
    }
  } finally {
    await Promise.all([ports.files.remove(folder), ports.files.remove(file)])
  }
}

/** Waits before another attempt and says why it is worth one, or throws. */
async function judge(ports: Ports, request: BakeRequest, result: RunResult, attempt: number): Promise<string> {
  if (ports.cancelled.aborted) throw buildCancelled()
  const failure = readFailure(result.stderr)
  if (failure.kind === 'push-refused') throw pushRefused(failure.reason, failure.details)
  if (failure.kind === 'step') throw buildFailed(failure.reason, failure.details, placeOf(request, failure.dockerfile))
  if (attempt === attempts) throw pushFailed(failure.reason, attempts, failure.details)
  await ports.clock.sleep(2_000 * attempt, ports.cancelled)
  return failure.reason
}

/** The Dockerfile's line as a place in the repository, when it is one. */
function placeOf(request: BakeRequest, line: DockerfileLine | undefined): Place | undefined {
  if (line === undefined) return undefined
  const [only] = request.targets
  const target =
    request.targets.find(each => each.name === line.target) ?? (request.targets.length === 1 ? only : undefined)
  const path = target === undefined ? undefined : dockerfilePath(target)
  const root = `${request.workspace}/`
  return path?.startsWith(root) === true ? { file: path.slice(root.length), line: line.line } : undefined
}

function readPaths(request: BakeRequest): readonly string[] {
  const cache = request.cache === 'local' && request.cacheFolders !== undefined ? [request.cacheFolders.restored] : []
  return [...request.targets.flatMap(localPaths), ...request.secrets.files, ...cache]
}

function assertDigests(request: BakeRequest, metadata: string | null): Readonly<Record<string, string>> {
  const digests = readDigests(metadata ?? '')
  const without = request.targets.filter(target => digests[target.name] === undefined)
  if (without.length > 0) throw noDigest(without.flatMap(target => target.services))
  return digests
}
