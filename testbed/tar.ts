/** One entry of a layer: a file, a folder or a symbolic link. */
export type Entry =
  | { readonly path: string; readonly data: Buffer | string; readonly mode?: number }
  | { readonly path: string; readonly folder: true; readonly mode?: number }
  | { readonly path: string; readonly link: string }

/** A tar archive (ustar) of these entries, owned by root and dated 0, so that the same entries always give the same bytes. */
export function tar(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(block), Buffer.alloc(1024)])
}

function block(entry: Entry): Buffer[] {
  if ('link' in entry) return [header(entry.path, 0o777, 0, '2', entry.link)]
  if ('folder' in entry) return [header(`${entry.path}/`, entry.mode ?? 0o755, 0, '5')]
  const data = Buffer.from(entry.data as string)
  return [
    header(entry.path, entry.mode ?? 0o644, data.length, '0'),
    data,
    Buffer.alloc((512 - (data.length % 512)) % 512)
  ]
}

function header(path: string, mode: number, size: number, type: string, link = ''): Buffer {
  const head = Buffer.alloc(512)
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
  head.write(path, 0, 100)
  head.write(octal(mode, 8), 100)
  head.write(octal(0, 8), 108)
  head.write(octal(0, 8), 116)
  head.write(octal(size, 12), 124)
  head.write(octal(0, 12), 136)
  head.write('        ', 148)
  head.write(type, 156)
  head.write(link, 157, 100)
  head.write('ustar\x0000', 257)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return head
}
