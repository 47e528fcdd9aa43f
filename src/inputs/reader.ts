import type { Problem } from '../errors.js'
import { boolean, count, duration, lines, oneOf, type Parsed } from './parse.js'

/** The raw inputs, and the problems found while they are read. */
export class Reader {
  readonly problems: Problem[] = []

  constructor(readonly raw: Readonly<Record<string, string | undefined>>) {}

  /** Without surrounding space; undefined when empty. */
  text(name: string): string | undefined {
    const value = this.raw[name]?.trim()
    return value === undefined || value === '' ? undefined : value
  }

  list(name: string): readonly string[] {
    return lines(this.raw[name])
  }

  /** A list whose entries hold no spaces, so that one line may name several. */
  words(name: string): readonly string[] {
    return this.list(name)
      .flatMap(line => line.split(/[\s,]+/))
      .filter(word => word !== '')
  }

  use<T>(parsed: Parsed<T>): T {
    this.problems.push(...parsed.problems)
    return parsed.value
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.use(boolean(name, this.text(name), fallback))
  }

  duration(name: string, fallback: string): number {
    return this.use(duration(name, this.text(name), fallback))
  }

  count(name: string, fallback: number, least: number): number {
    return this.use(count(name, this.text(name), fallback, least))
  }

  oneOf<T extends string>(name: string, words: readonly T[], fallback: T): T {
    return this.use(oneOf(name, this.text(name), words, fallback))
  }
}
