import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from '../../testbed/bed.ts'
import { pathWith, ensureToolchain } from '../../testbed/toolchain.ts'
import { systemClock } from '../../src/adapters/clock.js'
import { localFiles } from '../../src/adapters/files.js'
import { fetchHttp } from '../../src/adapters/http.js'
import { serveImages } from '../../src/adapters/image-server.js'
import { localHost } from '../../src/adapters/local-host.js'
import { localShell } from '../../src/adapters/shell.js'
import type { Host, Ports } from '../../src/ports.js'
import { scratch } from '../scratch.ts'

/** The ports of a run on a server's own socket, without SSH, and what it logged. */
export interface StageRun {
  readonly ports: Ports
  readonly host: Host
  readonly lines: string[]
  /** An empty DOCKER_CONFIG. */
  readonly dockerConfig: string
  readonly cancel: () => void
}

export async function stageRun(server: Server): Promise<StageRun> {
  const lines: string[] = []
  const note = (line: string) => void lines.push(line)
  const controller = new AbortController()
  const env = { PATH: pathWith(await ensureToolchain('28')), HOME: tmpdir() }
  const folder = scratch('stage')
  const ports = {
    env,
    log: {
      info: note,
      debug: note,
      notice: note,
      warning: note,
      error: note,
      mask: () => undefined,
      group: <T>(_title: string, body: () => Promise<T>) => body()
    },
    shell: localShell,
    files: localFiles(folder, () => undefined),
    clock: systemClock,
    http: fetchHttp,
    serveImages,
    cache: {
      restore: () => Promise.resolve({ folder: mkdtempSync(join(folder, 'cache-')), key: undefined }),
      save: () => Promise.resolve(false)
    },
    cancelled: controller.signal,
    connect: () => Promise.reject(new Error('not here'))
  } as unknown as Ports
  const host = localHost(localShell, env, { text: server.socket, kind: 'unix', socket: server.socket })
  return { ports, host, lines, dockerConfig: mkdtempSync(join(folder, 'docker-')), cancel: () => controller.abort() }
}
