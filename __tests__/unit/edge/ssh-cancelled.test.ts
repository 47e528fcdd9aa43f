import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { SshConnection } from '../../../src/adapters/ssh-connection.js'
import { SshFolder } from '../../../src/adapters/ssh-folder.js'
import { UserError } from '../../../src/errors.js'
import type { Log } from '../../../src/ports.js'

const hop = { user: 'root', host: '192.0.2.1', port: 22 }
let bin = ''

/** An ssh whose server turns every login away, as one beyond MaxStartups does. */
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'turned-away-'))
  const program = '#!/bin/sh\necho "kex_exchange_identification: Connection closed by remote host" >&2\nexit 255\n'
  await writeFile(join(bin, 'ssh'), program)
  await chmod(join(bin, 'ssh'), 0o700)
})
afterEach(() => rm(bin, { recursive: true }))

describe('a job that is cancelled while it connects', () => {
  it.each([
    ['before the first attempt', 0],
    ['while it waits for the next', 250]
  ])('is no defect: %s', async (_title, afterMs) => {
    const job = new AbortController()
    const folder = await SshFolder.make(bin, () => undefined)
    const connection = new SshConnection(folder, {
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      log: { info: () => undefined, debug: () => undefined } as unknown as Log,
      routes: [{ name: 'root@192.0.2.1', hops: [hop], socket: '/var/run/docker.sock' }],
      key: undefined,
      knownHosts: { entries: [], text: '' },
      fingerprints: [],
      timeoutMs: 60_000,
      signal: job.signal
    })
    if (afterMs === 0) job.abort()
    else setTimeout(() => job.abort(), afterMs)
    const thrown: unknown = await connection.attempt(0).catch((error: unknown) => error)
    await folder.remove()
    expect(thrown).toBeInstanceOf(UserError)
    expect(String(thrown)).toMatch(/cancelled while it connected to root@192\.0\.2\.1/)
  })
})
