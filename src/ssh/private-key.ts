/** What a pasted private key turned out to be. `text` is what ssh takes: repaired, with a final newline. */
export type PastedKey =
  | { readonly kind: 'private'; readonly text: string; readonly encrypted: boolean }
  | { readonly kind: 'wrong'; readonly what: WrongKey }

export type WrongKey = 'empty' | 'public' | 'putty' | 'certificate' | 'path' | 'cut-off' | 'damaged' | 'unknown'

/**
 * Reads the text of `ssh-key` and repairs what pasting does to it: CRLF, a missing last newline, escaped newlines,
 * newlines that became spaces, quotes around it, and the whole file in base64.
 */
export function readPastedKey(source: string): PastedKey {
  const text = unwrapped(source)
  if (text === '') return wrong('empty')
  if (/^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-|sk-)\S* AAAA/.test(text) || /BEGIN (SSH2 |RSA )?PUBLIC KEY/.test(text)) {
    return wrong('public')
  }
  if (text.startsWith('PuTTY-User-Key-File-')) return wrong('putty')
  if (text.includes('BEGIN CERTIFICATE')) return wrong('certificate')
  if (/^[~/.][^\s]*$/.test(text)) return wrong('path')
  const begin = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----/.exec(text)
  if (begin === null) return wrong('unknown')
  const label = begin[1] ?? ''
  const end = text.indexOf(`-----END ${label}-----`)
  if (end < 0) return wrong('cut-off')
  return privateKey(label, text.slice(begin.index + begin[0].length, end))
}

function privateKey(label: string, inner: string): PastedKey {
  // The headers of an old encrypted PEM file; they end with an empty line, which is lost when newlines became spaces.
  const headers = [...inner.matchAll(/(Proc-Type: *4,ENCRYPTED|DEK-Info: *[A-Z0-9-]+,[0-9A-Fa-f]+)/g)].map(
    match => match[0]
  )
  const body = headers.reduce((rest, header) => rest.replace(header, ' '), inner).replace(/\s+/g, '')
  if (body === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return wrong('damaged')
  const openssh = label.startsWith('OPENSSH')
  const cipher = openssh ? cipherOf(body) : undefined
  if (openssh && cipher === undefined) return wrong('damaged')
  const lines = body.match(/.{1,64}/g) ?? []
  return {
    kind: 'private',
    text: [
      `-----BEGIN ${label}-----`,
      ...(headers.length > 0 ? [...headers, ''] : []),
      ...lines,
      `-----END ${label}-----`,
      ''
    ].join('\n'),
    encrypted: openssh ? cipher !== 'none' : headers.length > 0 || label.startsWith('ENCRYPTED')
  }
}

/** The cipher of a key in OpenSSH's format: "openssh-key-v1\0", then a string (PROTOCOL.key); undefined when it is none. */
function cipherOf(body: string): string | undefined {
  const bytes = Buffer.from(body, 'base64')
  const magic = 'openssh-key-v1\0'
  if (bytes.length < magic.length + 4 || bytes.subarray(0, magic.length).toString('latin1') !== magic) return undefined
  const length = bytes.readUInt32BE(magic.length)
  const cipher = bytes.subarray(magic.length + 4, magic.length + 4 + Math.min(length, 64)).toString('latin1')
  return cipher.length === length && /^[a-z0-9@.-]+$/.test(cipher) ? cipher : undefined
}

function unwrapped(source: string): string {
  let text = source.replace(/^\ufeff/, '').trim()
  const quote = text[0]
  if ((quote === '"' || quote === "'") && text.endsWith(quote)) text = text.slice(1, -1).trim()
  if (/-----BEGIN [A-Z0-9 ]+-----\s*\\+r?\\*n/.test(text)) text = text.replace(/\\+r/g, '').replace(/\\+n/g, '\n')
  if (!text.includes('-----') && /^[A-Za-z0-9+/\s]{200,}={0,2}\s*$/.test(text)) {
    const decoded = Buffer.from(text, 'base64').toString('latin1')
    if (decoded.includes('-----BEGIN ')) return decoded.trim()
  }
  return text
}

function wrong(what: WrongKey): PastedKey {
  return { kind: 'wrong', what }
}
