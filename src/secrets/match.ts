/** Where a value was found, for the log: which of the sources, and under which name. */
export type Match =
  | { readonly found: 'secrets' | 'environment'; readonly name: string; readonly value: string }
  | { readonly found: 'nothing' }
  | { readonly found: 'ambiguous'; readonly names: readonly string[] }

export interface Values {
  /** The `secrets` input. */
  readonly secrets: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string>>
}

/**
 * Looks a name up: in the `secrets` input exactly, then by the usual rule (`database-url` is `DATABASE_URL`), then the
 * same in the environment. The rule ignores case and takes `-`, `.` and `_` for one; several names that it takes for one
 * are ambiguous, unless one is exact. Names that the runner itself sets are only matched exactly: a secret `user` is not
 * `$USER`.
 */
export function findValue(candidates: readonly string[], values: Values): Match {
  for (const name of candidates) {
    const value = values.secrets.get(name)
    if (value !== undefined) return { found: 'secrets', name, value }
  }
  const given = [...values.secrets.keys()].filter(name => candidates.some(other => fold(other) === fold(name)))
  if (given.length > 1) return { found: 'ambiguous', names: given }
  const [name] = given
  if (name !== undefined) return { found: 'secrets', name, value: values.secrets.get(name) ?? '' }
  return findInEnvironment(candidates, values.env)
}

function findInEnvironment(candidates: readonly string[], env: Readonly<Record<string, string>>): Match {
  for (const name of candidates) {
    const value = env[name]
    if (value !== undefined) return { found: 'environment', name, value }
  }
  const names = Object.keys(env).filter(
    name => !isRunners(name) && candidates.some(other => fold(other) === fold(name))
  )
  if (names.length > 1) return { found: 'ambiguous', names }
  const [name] = names
  return name === undefined ? { found: 'nothing' } : { found: 'environment', name, value: env[name] ?? '' }
}

function fold(name: string): string {
  return name.toUpperCase().replace(/[-.]/g, '_')
}

const runners = new Set(
  'CI PATH HOME USER LOGNAME SHELL PWD OLDPWD HOSTNAME LANG LANGUAGE TERM TZ TMPDIR EDITOR PAGER MAIL SHLVL _'.split(
    ' '
  )
)

function isRunners(name: string): boolean {
  return runners.has(name.toUpperCase()) || /^(GITHUB|RUNNER|ACTIONS|GITEA|FORGEJO|INVOCATION|SYSTEMD)_/i.test(name)
}
