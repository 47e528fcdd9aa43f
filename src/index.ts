import { rm } from 'node:fs/promises'
import { freeLock } from './adapters/abandoned.js'
import { actionsLog, state } from './adapters/actions.js'
import { cleanUpConnection, type ConnectionRecord } from './adapters/ssh-folder.js'

/**
 * The runner starts it twice: first as the step itself and then, whatever became of that, as post, by way of `post.mjs`,
 * which becomes `dist/post.js`. What only the step needs is loaded for it alone: post is there in every job.
 */
if (process.argv[1]?.endsWith('post.js') === true) await cleanUp()
else {
  const { start } = await import(/* webpackMode: "eager" */ './start.js')
  process.exitCode = (await start()) ? 0 : 1
}
// A kept-alive socket must not hold the job open.
process.exit()

/** What main left, or could not take away as it was killed. It only warns: the verdict is main's. */
async function cleanUp(): Promise<void> {
  const log = actionsLog()
  try {
    const connection = state.read('connection')
    if (connection !== '') {
      const records = JSON.parse(connection) as readonly ConnectionRecord[]
      for (const record of records) await freeLock(record, state.read('lock'))
      await cleanUpConnection(records)
    }
    const folder = state.read('folder')
    if (folder !== '') await rm(folder, { recursive: true, force: true })
  } catch (error) {
    log.warning(`Not everything could be cleaned up: ${error instanceof Error ? error.message : String(error)}`)
  }
}
