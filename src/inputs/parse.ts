import type { Problem } from '../errors.js'

/** A value and what was wrong with its text; with problems, the value is a stand-in that nobody uses. */
export interface Parsed<T> {
  readonly value: T
  readonly problems: readonly Problem[]
}

/** The lines of a list input, trimmed, without empty ones. */
export function lines(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '')
}

/** One of a fixed set of words. */
export function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  words: readonly T[],
  fallback: T
): Parsed<T> {
  if (text === undefined) return { value: fallback, problems: [] }
  const word = words.find(candidate => candidate === text.toLowerCase())
  if (word !== undefined) return { value: word, problems: [] }
  return {
    value: fallback,
    problems: [
      {
        message: `\`${name}\` does not know ${JSON.stringify(text)}.`,
        remedy: `Use one of ${words.map(w => `\`${w}\``).join(', ')}.`
      }
    ]
  }
}

/** `true` or `false`, as YAML spells them. */
export function boolean(name: string, text: string | undefined, fallback: boolean): Parsed<boolean> {
  const { value, problems } = oneOf(name, text, ['true', 'false'] as const, fallback ? 'true' : 'false')
  return { value: value === 'true', problems }
}

/** A whole number of at least `least`. */
export function count(name: string, text: string | undefined, fallback: number, least: number): Parsed<number> {
  if (text === undefined) return { value: fallback, problems: [] }
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return { value: Number(text), problems: [] }
  return {
    value: fallback,
    problems: [
      {
        message: `\`${name}\` is not a whole number of at least ${least}: ${JSON.stringify(text)}.`,
        remedy: `For example \`${name}: ${Math.max(least, fallback)}\`.`
      }
    ]
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as `30s`, `10m`, `1h30m` or `7d`, in milliseconds. */
export function duration(name: string, text: string | undefined, fallback: string): Parsed<number> {
  const parts = [...(text ?? fallback).matchAll(/(\d+)(ms|[smhd])/g)]
  if (parts.length > 0 && parts.map(([part]) => part).join('') === (text ?? fallback)) {
    return {
      value: parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0),
      problems: []
    }
  }
  return {
    value: 0,
    problems: [
      {
        message: `\`${name}\` is not a duration: ${JSON.stringify(text)}.`,
        remedy: `Write a number and a unit: \`30s\`, \`10m\`, \`2h\` or \`7d\`, for example \`${name}: ${fallback}\`.`
      }
    ]
  }
}
