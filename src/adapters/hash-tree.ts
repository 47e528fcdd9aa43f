import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Files } from '../ports.js'

type Entry = Awaited<ReturnType<Files['hashTree']>>[number]

/** How many files are read at a time. */
const atOnce = 16

/** See {@link Files.hashTree}. A file that vanishes meanwhile is left out, like one that was never there. */
export async function hashTree(
  root: string,
  skip: (path: string, kind: Entry['kind']) => boolean
): Promise<readonly Entry[]> {
  const found = await walk(root, '', skip)
  const entries: Entry[] = []
  for (let start = 0; start < found.length; start += atOnce) {
    const some = await Promise.all(found.slice(start, start + atOnce).map(each => describe(root, each)))
    entries.push(...some.filter(entry => entry !== undefined))
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

interface Found {
  readonly path: string
  readonly kind: Entry['kind']
}

async function walk(root: string, folder: string, skip: Parameters<typeof hashTree>[1]): Promise<Found[]> {
  const found: Found[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    const kind = entry.isDirectory()
      ? 'directory'
      : entry.isSymbolicLink()
        ? 'link'
        : entry.isFile()
          ? 'file'
          : undefined
    if (kind === undefined || skip(path, kind)) continue
    found.push({ path, kind })
    if (kind === 'directory') found.push(...(await walk(root, path, skip)))
  }
  return found
}

async function describe(root: string, { path, kind }: Found): Promise<Entry | undefined> {
  const full = join(root, path)
  try {
    const { mode } = await lstat(full)
    const hash = kind === 'file' ? await hashFile(full) : kind === 'link' ? await readlink(full) : ''
    return { path, kind, mode: mode & 0o7777, hash }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
