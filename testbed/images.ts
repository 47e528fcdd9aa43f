import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Login } from './registry.ts'
import { tar, type Entry } from './tar.ts'
import { ensureToolchain, here } from './toolchain.ts'

/** An image of the test app: what it does is said by its environment, see app.sh. */
export interface AppImage {
  /** Repository and tag without the registry: `shop/web:1`. */
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
  readonly cmd?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  /** A healthcheck in the image itself; true: `/bin/healthy` every second. Default: none. */
  readonly healthcheck?: boolean
  readonly user?: string
  /** Further files in a layer of their own. */
  readonly files?: readonly Entry[]
}

export interface Pushed {
  /** `10.77.0.1:5000/shop/web:1` */
  readonly reference: string
  /** `sha256:…` of the manifest. */
  readonly digest: string
  /** `10.77.0.1:5000/shop/web:1@sha256:…` */
  readonly pinned: string
}

export interface Blob {
  readonly data: Buffer
  readonly digest: string
}

export interface Layer extends Blob {
  /** Digest of the layer before it was compressed. */
  readonly diffId: string
}

/**
 * Puts an image of the test app into a registry without any engine: one layer, the same for all, and a configuration.
 * Some 20 ms each, after the first.
 */
export async function pushApp(registry: string, image: AppImage, login?: Login): Promise<Pushed> {
  const layers = [await appLayer(), ...(image.files ? [layer(image.files)] : [])]
  return pushImage(registry, image.name, layers, appConfig(image), login)
}

/** `app:1`, `app:2`, `app:3`: the test app with VERSION 1, 2 and 3. Enough for most suites. */
export function pushVersions(registry: string, name = 'app', login?: Login): Promise<Pushed[]> {
  const versions = ['1', '2', '3']
  return Promise.all(
    versions.map(version => pushApp(registry, { name: `${name}:${version}`, env: { VERSION: version } }, login))
  )
}

/** `busybox:latest`, a base image with a shell for Dockerfiles: `FROM ${BASE}`. */
export async function pushBase(registry: string, name = 'busybox:latest', login?: Login): Promise<Pushed> {
  return pushImage(registry, name, [await appLayer()], { Cmd: ['/bin/sh'], Env: [path] }, login)
}

const path = 'PATH=/bin'
const second = 1_000_000_000

function appConfig(image: AppImage): Record<string, unknown> {
  return {
    Env: [path, ...Object.entries(image.env ?? {}).map(([name, value]) => `${name}=${value}`)],
    Cmd: image.cmd ?? ['/bin/app'],
    Labels: image.labels ?? {},
    ...(image.user === undefined ? {} : { User: image.user }),
    ...(image.healthcheck === true
      ? { Healthcheck: { Test: ['CMD', '/bin/healthy'], Interval: second, Timeout: 2 * second, Retries: 3 } }
      : {})
  }
}

let sharedLayer: Promise<Layer> | undefined

function appLayer(): Promise<Layer> {
  sharedLayer ??= buildAppLayer()
  return sharedLayer
}

async function buildAppLayer(): Promise<Layer> {
  const { busybox } = await ensureToolchain('28')
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  return layer([
    { path: 'bin', folder: true },
    { path: 'bin/busybox', data: readFileSync(busybox), mode: 0o755 },
    ...applets.filter(applet => applet !== 'busybox').map(applet => ({ path: `bin/${applet}`, link: 'busybox' })),
    { path: 'bin/app', data: readFileSync(join(here, 'app.sh')), mode: 0o755 },
    {
      path: 'bin/healthy',
      data: '#!/bin/sh\n[ -e /tmp/healthy ] || { echo "not ready: /tmp/healthy is missing"; exit 1; }\n',
      mode: 0o755
    },
    { path: 'etc', folder: true },
    { path: 'etc/passwd', data: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n' },
    { path: 'etc/group', data: 'root:x:0:\napp:x:1000:\n' },
    { path: 'tmp', folder: true, mode: 0o1777 },
    { path: 'www', folder: true, mode: 0o1777 }
  ])
}

function layer(entries: readonly Entry[]): Layer {
  const archive = tar(entries)
  return { ...blob(gzipSync(archive, { level: 1 })), diffId: sha256(archive) }
}

/** Puts an image of ready layers into a registry. `config` as in an image configuration: Env, Cmd, Entrypoint, … */
export async function pushImage(
  registry: string,
  name: string,
  layers: readonly Layer[],
  config: Record<string, unknown>,
  login?: Login
): Promise<Pushed> {
  const [repository = '', tag = 'latest'] = name.split(':')
  const configBlob = blob(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config,
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) }
      })
    )
  )
  await Promise.all([...layers, configBlob].map(each => pushBlob(registry, repository, each, login)))
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  const manifest = blob(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: descriptor('application/vnd.docker.container.image.v1+json', configBlob),
        layers: layers.map(each => descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip', each))
      })
    )
  )
  await call(`http://${registry}/v2/${repository}/manifests/${tag}`, 'PUT', login, manifest.data, type)
  const reference = `${registry}/${repository}:${tag}`
  return { reference, digest: manifest.digest, pinned: `${reference}@${manifest.digest}` }
}

/**
 * One push at a time of the same blob to the same repository: the registry's file driver empties the blob's link before
 * it writes it anew, so a manifest put meanwhile by another push is refused as DIGEST_INVALID (distribution 2.8,
 * `registry/storage/driver/filesystem`: PutContent).
 */
function pushBlob(registry: string, repository: string, content: Blob, login?: Login): Promise<void> {
  const key = `${registry}/${repository}@${content.digest}`
  const push = blobsUnderWay.get(key) ?? uploadBlob(registry, repository, content, login)
  blobsUnderWay.set(key, push)
  return push.finally(() => blobsUnderWay.delete(key))
}

const blobsUnderWay = new Map<string, Promise<void>>()

async function uploadBlob(registry: string, repository: string, content: Blob, login?: Login): Promise<void> {
  const base = `http://${registry}/v2/${repository}/blobs`
  const there = await fetch(`${base}/${content.digest}`, { method: 'HEAD', headers: authorization(login) })
  if (there.ok) return
  const upload = await call(`${base}/uploads/`, 'POST', login)
  const location = new URL(upload.headers.get('location') ?? '', base)
  location.searchParams.set('digest', content.digest)
  await call(location.href, 'PUT', login, content.data, 'application/octet-stream')
}

async function call(url: string, method: string, login?: Login, body?: Buffer, type?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { ...authorization(login), ...(type === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: new Uint8Array(body) })
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response
}

function authorization(login?: Login): Record<string, string> {
  if (!login) return {}
  return { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` }
}

/** Content by its digest. */
export function blob(data: Buffer): Blob {
  return { data, digest: sha256(data) }
}

function sha256(data: Buffer): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

function descriptor(mediaType: string, { data, digest }: Blob) {
  return { mediaType, size: data.length, digest }
}
