import { EngineError, type Engine } from '../ports.js'

/** How often an update is tried that another one gets in between of. */
const mostTries = 5

/**
 * Makes the swarm look at a service's places again: an update to the very definition that is there restarts nothing, and of several tasks
 * in one place its updater keeps one (swarmkit, updater.go, isSlotDirty and useExistingTask). Not for jobs, which any update runs again.
 */
export async function takeSurplusAway(engine: Engine, service: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const live = await engine.service(service)
    if (live === null) return
    try {
      return await engine.updateService(live.ID, live.Version.Index, live.Spec, { registryAuthFrom: 'spec' })
    } catch (error) {
      if (!(error instanceof EngineError) || !/out of sequence/.test(error.message) || attempt >= mostTries) throw error
    }
  }
}
