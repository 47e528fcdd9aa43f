import { notThisPreview } from '../errors/preview.js'
import { label } from '../model.js'
import type { Engine } from '../ports.js'
import { previewPort } from '../preview/port.js'

/**
 * Stops the run before it touches a stack that merely has the preview's name: one of another repository, or one that
 * somebody deployed by hand. Nothing to assert when the stack is no preview. Throws UserError.
 */
export async function assertOwnPreview(
  engine: Engine,
  { stack, preview }: { readonly stack: string; readonly preview?: { readonly label: string } }
): Promise<void> {
  if (preview === undefined) return
  for (const { Spec } of await engine.services(stack)) {
    const owner = Spec.Labels?.[label.preview]
    if (owner !== preview.label) throw notThisPreview(stack, preview.label, owner)
  }
}

/** The port that the swarm has chosen for a preview; null when nothing is published. */
export async function findPreviewPort(engine: Engine, stack: string): Promise<number | null> {
  const [services, tasks] = await Promise.all([engine.services(stack), engine.tasksOfStack(stack)])
  return previewPort(services, tasks)
}
