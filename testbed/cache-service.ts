import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** GitHub's cache service as its own client speaks to it: a small RPC over JSON, and blobs in Azure's form. */
export interface CacheService extends AsyncDisposable {
  /** What a job has in its environment to reach it. */
  readonly env: Readonly<Record<string, string>>
  /** The keys that were saved, in order. */
  readonly saved: string[]
  /** The keys that were asked for. */
  readonly asked: string[]
}

interface Entry {
  readonly key: string
  readonly version: string
  readonly blob: number
  done: boolean
}

export async function startCacheService(): Promise<CacheService> {
  const entries: Entry[] = []
  const blobs = new Map<number, Buffer>()
  const blocks = new Map<string, Buffer>()
  const saved: string[] = []
  const asked: string[] = []
  let origin = ''
  const blobUrl = (blob: number) => `${origin}/devstoreaccount1/caches/${blob}?sig=signature`

  const rpc: Readonly<Record<string, (body: Record<string, string & string[]>) => object>> = {
    CreateCacheEntry: ({ key = '', version = '' }) => {
      if (entries.some(entry => entry.key === key && entry.version === version)) return { ok: false }
      const entry = { key, version, blob: entries.length, done: false }
      entries.push(entry)
      return { ok: true, signed_upload_url: blobUrl(entry.blob) }
    },
    FinalizeCacheEntryUpload: ({ key = '', version = '' }) => {
      const entry = entries.find(each => each.key === key && each.version === version)
      if (!entry) return { ok: false }
      entry.done = true
      saved.push(key)
      return { ok: true, entry_id: String(entry.blob + 1) }
    },
    GetCacheEntryDownloadURL: ({ key = '', restore_keys: prefixes = [], version = '' }) => {
      asked.push(key)
      const own = entries.filter(entry => entry.done && entry.version === version).reverse()
      const exact = own.find(entry => entry.key === key)
      const found =
        exact ?? (prefixes as string[]).map(prefix => own.find(each => each.key.startsWith(prefix))).find(Boolean)
      return found ? { ok: true, signed_download_url: blobUrl(found.blob), matched_key: found.key } : { ok: false }
    }
  }

  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', origin)
      const body = await read(request)
      const method = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1]
      if (method !== undefined) {
        response.setHeader('content-type', 'application/json')
        return response.end(JSON.stringify(rpc[method]?.(JSON.parse(body.toString())) ?? {}))
      }
      const blob = Number(url.pathname.split('/').at(-1))
      response.setHeader('x-ms-request-id', '1')
      response.setHeader('etag', '"1"')
      response.setHeader('last-modified', new Date(0).toUTCString())
      if (request.method !== 'PUT') return response.end(request.method === 'GET' ? blobs.get(blob) : undefined)
      const part = url.searchParams.get('blockid')
      if (part !== null) blocks.set(`${blob} ${part}`, body)
      else if (url.searchParams.get('comp') === 'blocklist') {
        const parts = [...body.toString().matchAll(/<Latest>([^<]*)<\/Latest>/g)].map(match => `${blob} ${match[1]}`)
        blobs.set(blob, Buffer.concat(parts.map(each => blocks.get(each) ?? Buffer.alloc(0))))
      } else blobs.set(blob, body)
      response.statusCode = 201
      return response.end()
    })()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    env: {
      ACTIONS_CACHE_SERVICE_V2: 'true',
      ACTIONS_RESULTS_URL: `${origin}/`,
      ACTIONS_RUNTIME_TOKEN: token(),
      ACTIONS_CACHE_URL: `${origin}/`
    },
    saved,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The client reads the token's claims, and nobody checks its signature. */
function token(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ scp: 'Actions.Results:1:1', ac: '[{"Scope":"refs/heads/main","Permission":3}]' })}.x`
}
