/** The names that compose warned about: `The "TAG" variable is not set. Defaulting to a blank string.` */
export function unsetVariables(stderr: string): readonly string[] {
  const names = [...stderr.matchAll(/The \\?"([^"\\]+)\\?" variable is not set/g)].map(([, name = '']) => name)
  return [...new Set(names)].sort()
}
