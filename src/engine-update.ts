import type { Service, ServiceSpec } from './engine-types.js'
import { EngineError, type Engine } from './ports.js'

/** How often an update is tried that another one gets in between of. */
const mostTries = 5

/**
 * Gives a service another Spec, made of the one that it has, however often somebody else's update, or the state of a rollout that the swarm writes
 * into the service as well (moby/moby#39891), gets in between. The login that its nodes pull with stays. Does nothing where the service is gone.
 * @throws EngineError when the engine refuses, or has no luck in five tries.
 */
export async function updateFromLive(
  engine: Engine,
  service: string,
  specOf: (live: Service) => ServiceSpec
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const live = await engine.service(service)
    if (live === null) return
    try {
      return await engine.updateService(live.ID, live.Version.Index, specOf(live), { registryAuthFrom: 'spec' })
    } catch (error) {
      if (!(error instanceof EngineError) || !/out of sequence/.test(error.message) || attempt >= mostTries) throw error
    }
  }
}
