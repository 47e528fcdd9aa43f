/**
 * The answer, or null when `end` comes first. Unlike Promise.race it does not keep the answer as long as `end` is awaited: the promise that a
 * race makes hangs on each of its own until that one settles, with all that it came to.
 */
export async function unlessEnded<T>(answer: Promise<T>, end: Promise<unknown>): Promise<T | null> {
  const found: { value: T | null } = { value: null }
  await Promise.race([answer.then(value => void (found.value = value)), end])
  return found.value
}
