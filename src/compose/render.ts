import type { Stack } from '../model.js'
import { sortKeys } from './json.js'

/** Version of the stack file format; what `docker stack config` writes itself. */
const version = '3.13'

/**
 * The stack file for `docker stack deploy -c -`: JSON, because YAML would turn `1_000` into 1000 and dates into
 * timestamps on its way through the CLI. Keys are in byte order, so that equal stacks are equal texts.
 */
export function renderStack(stack: Stack): string {
  const sections = Object.entries(stack).filter(([, section]) => Object.keys(section as object).length > 0)
  return `${JSON.stringify(sortKeys({ version, ...Object.fromEntries(sections) }), null, 2)}\n`
}
