import type { Stack } from '../model.js'
import { sortKeys } from '../json.js'

/**
 * The stack file for `docker stack deploy -c -`: JSON, because YAML would turn `1_000` into 1000 and dates into
 * timestamps on its way through the CLI. Without `version`, so that each CLI takes the newest that it knows (26 refuses
 * the 3.13 of 28). Keys are in byte order, so that equal stacks are equal texts.
 */
export function renderStack(stack: Stack): string {
  const sections = Object.entries(stack).filter(([, section]) => Object.keys(section as object).length > 0)
  return `${JSON.stringify(sortKeys(Object.fromEntries(sections)), null, 2)}\n`
}
