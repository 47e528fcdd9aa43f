import type { Service } from '../engine-types.js'
import { notThisPreview } from '../errors/preview.js'
import { label } from '../model.js'
import type { Engine } from '../ports.js'
import { previewPort } from '../preview/port.js'

/**
 * Stops the run before it touches a stack that merely has the preview's name: one of another repository, or one that
 * somebody deployed by hand. And the other way round, before a deploy takes a preview's stack for its own, which `prune`
 * would remove one day. `services` are the stack's. Throws UserError.
 */
export function assertOwnPreview(
  services: readonly Service[],
  { stack, preview }: { readonly stack: string; readonly preview?: { readonly label: string } }
): void {
  for (const { Spec } of services) {
    const owner = Spec.Labels?.[label.preview] || undefined
    if (owner !== preview?.label) throw notThisPreview(stack, preview?.label, owner)
  }
}

/** The port that the swarm has chosen for a preview; null when nothing is published. */
export async function findPreviewPort(engine: Engine, stack: string): Promise<number | null> {
  const [services, tasks] = await Promise.all([engine.services(stack), engine.tasksOfStack(stack)])
  return previewPort(services, tasks)
}
