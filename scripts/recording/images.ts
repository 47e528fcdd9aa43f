import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../testbed/processes.ts'
import type { Server } from '../../testbed/server.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'

/** Commands that the images have, all of them busybox. */
const commands = ['sh', 'sleep', 'cat', 'echo', 'test', 'kill', 'true', 'false', 'tail', 'head', 'touch', 'httpd', 'nc']

/** Gives an engine the images `app:1` and `app:2`, made of busybox; `/bin/alien` in them is not for any machine. */
export async function importImages(server: Server): Promise<void> {
  const { busybox } = await ensureToolchain('28')
  const root = mkdtempSync(join(tmpdir(), 'record-image-'))
  try {
    for (const folder of ['bin', 'tmp', 'etc', 'data']) mkdirSync(join(root, folder))
    cpSync(busybox, join(root, 'bin/busybox'), { dereference: true })
    for (const command of commands) symlinkSync('busybox', join(root, 'bin', command))
    writeFileSync(join(root, 'bin/alien'), Buffer.from('7f454c4602010100000000000000000002003e00', 'hex'), {
      mode: 0o755
    })
    writeFileSync(join(root, 'bin/unexecutable'), '#!/bin/sh\n', { mode: 0o644 })
    await run(['tar', '-C', root, '-cf', `${root}.tar`, '.'])
    for (const tag of ['app:1', 'app:2']) await server.docker('import', `${root}.tar`, tag)
  } finally {
    rmSync(root, { recursive: true, force: true })
    rmSync(`${root}.tar`, { force: true })
  }
}
