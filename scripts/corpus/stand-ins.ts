import { basename } from 'node:path'
import type { Files } from '../../src/ports.ts'

/** A bind source that is not there counts as a small file, or as a folder with one where its name has no extension. */
export function withStandIns(files: Files): Files {
  return {
    ...files,
    stat: async path => {
      const stat = await files.stat(path)
      if (stat !== null) return stat
      const looksLikeFile = /\.[a-z0-9]+$/i.test(basename(path)) || /^[A-Z]/.test(basename(path))
      return looksLikeFile ? { kind: 'file', size: 10, mode: 0o644 } : { kind: 'directory', size: 0, mode: 0o755 }
    },
    text: async path => ((await files.stat(path)) === null ? null : await files.text(path)),
    list: async folder => ((await files.stat(folder)) === null ? ['stand-in.txt'] : await files.list(folder))
  }
}
