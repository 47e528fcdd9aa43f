import { objectOf } from '../json.js'
import type { Json } from '../model.js'
import type { Target } from './plan.js'

/** The service whose image an additional context is: `service:base`. */
export function serviceOf(context: Json): string | undefined {
  return typeof context === 'string' ? /^service:(.+)$/.exec(context)?.[1] : undefined
}

/** The services whose images a target is made from. */
export function madeFrom({ build }: Target): readonly string[] {
  return Object.values(objectOf(build['additional_contexts'])).flatMap(value => serviceOf(value) ?? [])
}

/**
 * Of the targets that are there already, by name, those that need not be built: a builder makes a target from the image
 * of another one only in one go.
 */
export function standing<T>(
  targets: readonly Target[],
  there: Readonly<Record<string, T>>
): Readonly<Record<string, T>> {
  const needed = targets.filter(target => there[target.name] === undefined).flatMap(madeFrom)
  const left = Object.entries(there).filter(
    ([name]) => !targets.some(target => target.name === name && target.services.some(each => needed.includes(each)))
  )
  return left.length === Object.keys(there).length ? there : standing(targets, Object.fromEntries(left))
}
