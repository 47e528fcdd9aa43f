import type { ServiceContext } from '../../context.js'
import type { Note } from '../../translated.js'
import { crowdedNetworks } from './addresses.js'
import { nodeVolumes } from './data.js'
import { exposure, portConflicts } from './exposure.js'
import { noHealthcheck } from './health.js'
import { imageProblems } from './images.js'
import { startOrder } from './order.js'
import { plainSecrets } from './secrets.js'
import { updateHazards } from './update.js'

/** What can be said about one service by itself. */
const serviceRules: readonly ((context: ServiceContext) => readonly Note[])[] = [
  imageProblems,
  noHealthcheck,
  updateHazards,
  plainSecrets,
  exposure,
  nodeVolumes,
  startOrder
]

/** Everything that a compose file could do better, whatever translation does. */
export function advise(contexts: readonly ServiceContext[]): readonly Note[] {
  const ofServices = contexts.flatMap(context => serviceRules.flatMap(rule => rule(context)))
  return [...ofServices, ...portConflicts(contexts), ...crowdedNetworks(contexts)]
}
