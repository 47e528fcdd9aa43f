import type { Positions } from './positions.js'
import type { Note } from './translated.js'

/** The names that compose warned about: `The "TAG" variable is not set. Defaulting to a blank string.` */
export function unsetVariables(stderr: string): readonly string[] {
  const names = [...stderr.matchAll(/The \\?"([^"\\]+)\\?" variable is not set/g)].map(([, name = '']) => name)
  return [...new Set(names)].sort()
}

/** A note for each variable that compose took for empty, where it is first used. */
export function unsetNotes(variables: readonly string[], positions: Positions): readonly Note[] {
  return variables.map(variable => {
    const at = positions.mention(variable) ?? []
    const service = at[0] === 'services' && typeof at[1] === 'string' ? { service: at[1] } : {}
    return {
      rule: 'unset-variable',
      at,
      ...service,
      message: `The variable ${variable} is not set; compose takes it for empty.`
    }
  })
}
