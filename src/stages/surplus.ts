import { updateFromLive } from '../engine-update.js'
import type { Engine } from '../ports.js'

/**
 * Makes the swarm look at a service's places again: an update to the very definition that is there restarts nothing, and of several tasks
 * in one place its updater keeps one (swarmkit, updater.go, isSlotDirty and useExistingTask). Not for jobs, which any update runs again.
 */
export function takeSurplusAway(engine: Engine, service: string): Promise<void> {
  return updateFromLive(engine, service, live => live.Spec)
}
