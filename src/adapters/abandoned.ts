import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { ConnectionRecord } from './ssh-folder.js'

/** How long the engine may take over it: the post step is not to hold the job up. */
const answerMs = 5_000

/**
 * Frees the lock of a run that was killed, while the connection that it left still stands. The id is of the one config
 * that the run made, so nobody else's lock can be meant. Without a connection the lock expires by itself.
 */
export async function freeLock(record: ConnectionRecord, id: string): Promise<void> {
  const socketPath = join(record.folder, 'docker.sock')
  if (!existsSync(socketPath) || !/^[a-z0-9]+$/.test(id)) return
  await new Promise<void>(done => {
    const asked = request({ socketPath, path: `/configs/${id}`, method: 'DELETE', timeout: answerMs }, reply => {
      reply.resume().once('end', () => done())
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => done())
    asked.end()
  })
}
