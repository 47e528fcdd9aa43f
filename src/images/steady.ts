import type { Service } from '../engine-types.js'
import { parseReference } from './reference.js'

/**
 * Where the swarm already runs the very image, its running reference stays: a new tag on the same digest would
 * otherwise replace every task for nothing. `images` is by service key, `live` are the stack's services.
 */
export function keepLive(
  images: Readonly<Record<string, string>>,
  live: readonly Service[],
  stack: string
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(images).map(([service, image]) => {
      const running = liveImage(live, stack, service)
      return [service, running !== undefined && sameImage(running, image) ? running : image]
    })
  )
}

/** The image that a service of the stack runs now. */
export function liveImage(live: readonly Service[], stack: string, service: string): string | undefined {
  return live.find(each => each.Spec.Name === `${stack}_${service}`)?.Spec.TaskTemplate.ContainerSpec?.Image
}

/** Same repository and same digest; references without a digest are never the same. */
function sameImage(one: string, other: string): boolean {
  const [a, b] = [parseReference(one), parseReference(other)]
  return a?.digest !== undefined && a.digest === b?.digest && a.repository === b.repository
}
