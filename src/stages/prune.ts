import { label } from '../model.js'
import type { Engine } from '../ports.js'
import { listPreviews, type Preview } from '../release/previews.js'

/** Every preview of the swarm, newest deploy first. Deciding which of them go is `expiredPreviews`. */
export async function findPreviews(engine: Engine): Promise<readonly Preview[]> {
  const [records, services] = await Promise.all([
    engine.objects('config', { labels: [label.preview] }),
    engine.services(null)
  ])
  return listPreviews(records, services)
}
