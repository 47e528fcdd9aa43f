/** What must never show in a log because of one secret. */
export interface Masks {
  readonly masks: readonly string[]
  /** The value, or all of it that matters, is too short or too common to hide: doing so would ruin the log. */
  readonly weak: boolean
}

/** Shorter texts, and words that any log is full of, are not masked. */
const shortest = 4
const common = new Set([
  'true',
  'false',
  'null',
  'none',
  'yes',
  'test',
  'prod',
  'production',
  'localhost',
  'admin',
  'root',
  'postgres'
])

/**
 * Everything that a secret may look like in a log: the value, each line of it, and their base64 (both alphabets, with
 * and without padding), URL-encoded, JSON-escaped and shell-quoted forms. Longest first, so that no mask breaks another.
 */
export function masksOf(value: string): Masks {
  const lines = value.split(/\r\n|\r|\n/)
  const whole = [...new Set([value, value.trim()])]
  const parts = lines.length > 1 ? lines.map(line => line.trim()).filter(worthHiding) : []
  const plain = [...new Set([...whole.filter(text => worthHiding(text.trim())), ...parts])]
  const masks = new Set<string>()
  for (const text of plain) for (const form of forms(text)) if (form.length >= shortest) masks.add(form)
  return { masks: [...masks].sort((a, b) => b.length - a.length), weak: value.trim() !== '' && plain.length === 0 }
}

/** The same for bytes: as text where they are UTF-8, and their base64. */
export function masksOfBytes(bytes: Uint8Array): Masks {
  const text = asText(bytes)
  if (text !== undefined) return masksOf(text)
  return { masks: base64Forms(Buffer.from(bytes)), weak: false }
}

function worthHiding(text: string): boolean {
  return text.length >= shortest && !common.has(text.toLowerCase())
}

function forms(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  return [
    text,
    ...base64Forms(Buffer.from(text, 'utf8')),
    ...[encodeUrl(text), new URLSearchParams([['', text]]).toString().slice(1)],
    ...[json, json.replaceAll('/', '\\/')],
    text.replaceAll("'", "'\\''"),
    // `docker compose config` and the stack file double it.
    text.replaceAll('$', '$$$$')
  ]
}

function base64Forms(bytes: Buffer): readonly string[] {
  const standard = bytes.toString('base64')
  return [...new Set([standard, standard.replace(/=+$/, ''), bytes.toString('base64url')])]
}

/** A lone surrogate has no URL form. */
function encodeUrl(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return text
  }
}

/** The bytes as text; undefined when they are not UTF-8. */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
