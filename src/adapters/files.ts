import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import type { FileInfo, Files } from '../ports.js'
import { hashTree } from './hash-tree.js'

/** The run's own temporary folder, and read access to the rest. `remember` hears of the folder before it is made. */
export function localFiles(runnerTemp: string, remember: (folder: string) => void): Files {
  let own: Promise<string> | undefined
  const folder = (): Promise<string> => (own ??= makeFolder(runnerTemp, remember))
  return {
    read: path => orNull(readFile(path)),
    text: path => orNull(readFile(path, 'utf8')),
    stat: async path => describe(await orNull(lstat(path))),
    list: async root => (await walk(root)).map(path => relative(root, path)).sort(),
    hashTree,
    writeTemp: async (name, content) => {
      const path = join(await mkdtemp(join(await folder(), 'file-')), basename(name))
      await writeFile(path, content, { mode: 0o600 })
      return path
    },
    tempFolder: async name => mkdtemp(join(await folder(), `${basename(name)}-`)),
    remove: path => rm(path, { recursive: true, force: true })
  }
}

async function makeFolder(runnerTemp: string, remember: (folder: string) => void): Promise<string> {
  const folder = join(runnerTemp, `swarm-rollout-${process.pid}-${Date.now()}`)
  remember(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  return folder
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

function describe(stat: Awaited<ReturnType<typeof lstat>> | null): FileInfo | null {
  if (stat === null) return null
  return { kind: kindOf(stat), size: Number(stat.size), mode: Number(stat.mode) & 0o7777 }
}

function kindOf(stat: Awaited<ReturnType<typeof lstat>>): FileInfo['kind'] {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'link' : 'other'
}

async function walk(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async entry => {
      const path = join(root, entry.name)
      if (entry.isDirectory()) return await walk(path)
      return entry.isFile() ? [path] : []
    })
  )
  return found.flat()
}
