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
  const fromSecrets = pick(candidates, [...values.secrets.keys()], () => true)
  if (fromSecrets.length > 1) return { found: 'ambiguous', names: fromSecrets }
  const [secret] = fromSecrets
  if (secret !== undefined) return { found: 'secrets', name: secret, value: values.secrets.get(secret) ?? '' }
  const fromEnvironment = pick(candidates, Object.keys(values.env), name => !isRunners(name))
  if (fromEnvironment.length > 1) return { found: 'ambiguous', names: fromEnvironment }
  const [variable] = fromEnvironment
  if (variable === undefined) return { found: 'nothing' }
  return { found: 'environment', name: variable, value: values.env[variable] ?? '' }
}

/** The first candidate's exact name, else those that the rule takes for the first candidate that has any. */
function pick(
  candidates: readonly string[],
  names: readonly string[],
  loosely: (name: string) => boolean
): readonly string[] {
  const exact = candidates.find(name => names.includes(name))
  if (exact !== undefined) return [exact]
  const found = candidates.map(name => names.filter(other => loosely(other) && fold(other) === fold(name)))
  return found.find(matches => matches.length > 0) ?? []
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
