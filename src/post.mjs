// The entry of the post step; the name of this file is what tells it from main. No saved state could: where main was killed before it
// saved any, the post step would take itself for main, and deploy in a job that was cancelled.
// Mostly main has closed its connections itself, and only its folder is left, which later steps may have looked into: for that the
// bundle is not loaded, which would take longer than all else.
import { rm } from 'node:fs/promises'

const { STATE_connection: connections = '[]', STATE_folder: folder = '' } = process.env
if (connections !== '[]') await import('./index.js')
else if (folder !== '')
  await rm(folder, { recursive: true, force: true }).catch(({ message }) =>
    console.log(`::warning::Not everything could be cleaned up: ${message.replace(/[%\r\n]/g, encodeURIComponent)}`)
  )
