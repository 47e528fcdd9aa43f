const factors: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** Bytes of `64m`, `1gb` or a plain number; undefined where there is none or it is a share such as `50%`. */
export function bytesOf(size: string | number | undefined): number | undefined {
  if (size === undefined || typeof size === 'number') return size
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(size.trim()) ?? []
  return number === '' ? undefined : Math.round(Number(number) * (factors[unit.toLowerCase()] ?? 1))
}

const milliseconds: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000001
}

/** Milliseconds of one of Go's durations, such as `1m30s`; undefined where it is none. */
export function millisecondsOf(duration: string | undefined): number | undefined {
  if (duration === undefined || !/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(duration)) return undefined
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)]
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (milliseconds[unit ?? ''] ?? 0), 0)
}

/** `90s`, `5m`: whole seconds, as Go's durations are written. */
export function secondsText(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60}m` : `${seconds}s`
}
