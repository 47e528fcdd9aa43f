import type { Node } from '../engine-types.js'
import type { Level } from '../model.js'
import type { ComposeService } from './model.js'
import type { KeyPath, Note } from './translated.js'
import { volumesOf } from './volumes.js'

/** Something that a service says, and that an engine before some version does not know. */
interface Newer {
  /** The first major version of the engine that knows it. */
  readonly since: number
  readonly level: Level
  readonly at: KeyPath
  /** Begins the sentence "… needs Docker Engine 26". */
  readonly what: string
  /** Ends the sentence "older ones …". */
  readonly otherwise: string
  /** It is the manager that refuses it; a node that only runs tasks never sees it. */
  readonly managersOnly?: boolean
}

/**
 * What services say that an engine of these nodes is too old for. Nobody else tells: the engine leaves out what it does not know, and
 * the docker CLI hands it over unasked (seen on 20.10.24). An old manager takes it from every task; an old worker only from its own, which
 * placement may keep elsewhere, so that is a warning at most.
 */
export function oldEngineNotes(
  nodes: readonly Node[],
  services: Readonly<Record<string, ComposeService>>
): readonly Note[] {
  const known = nodes.flatMap(node => {
    const version = node.Description?.Engine?.EngineVersion ?? ''
    const major = /^(\d+)\./.exec(version)?.[1]
    const manages = node.Spec.Role === 'manager' && node.Status.State !== 'down'
    return major === undefined || (!manages && node.Spec.Availability === 'drain')
      ? []
      : [{ name: node.Description?.Hostname ?? node.ID, version, major: Number(major), manages }]
  })
  return Object.entries(services).flatMap(([service, definition]) =>
    newerIn(service, definition).flatMap(({ since, level, at, what, otherwise, managersOnly = false }) => {
      const old = known.filter(({ major, manages }) => major < since && (manages || !managersOnly))
      if (old.length === 0) return []
      const those = old.map(({ name, version }) => `${name} has ${version}`).join(', ')
      return [
        {
          rule: 'old-engine' as const,
          service,
          at,
          level: old.some(({ manages }) => manages) ? level : ('warning' as const),
          message: `${what} of ${service} needs Docker Engine ${since}, and ${those}: older ones ${otherwise}.`
        }
      ]
    })
  )
}

/** API versions by engine: https://docs.docker.com/reference/api/engine/version-history/ (1.42 is 23.0, 1.44 is 25.0, 1.45 is 26.0). */
function newerIn(service: string, definition: ComposeService): readonly Newer[] {
  const startInterval = definition.healthcheck?.start_interval
  const mounts = volumesOf(definition).flatMap(({ type, target, volume }): Newer[] => {
    const at = ['services', service, 'volumes', { item: target }]
    if (type === 'cluster')
      return [
        {
          since: 23,
          level: 'error',
          at,
          what: `The cluster volume at ${target}`,
          otherwise: 'refuse the service',
          managersOnly: true
        }
      ]
    return volume?.subpath === undefined
      ? []
      : [
          {
            since: 26,
            level: 'error',
            at,
            what: `\`subpath\` of the volume at ${target}`,
            otherwise: 'mount the whole volume, without a word'
          }
        ]
  })
  return startInterval === undefined
    ? mounts
    : [
        ...mounts,
        {
          since: 25,
          level: 'warning',
          at: ['services', service, 'healthcheck', 'start_interval'],
          what: '`start_interval`',
          otherwise: 'leave it out, so that the first check comes only after `interval`'
        }
      ]
}
