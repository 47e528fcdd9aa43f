import type { ServiceContext, TranslateOptions } from '../../context.js'
import { textOf } from '../../../json.js'
import { undollar, type ComposeModel, type ComposeVolume } from '../../model.js'
import { fixedName } from '../../names.js'
import type { Note } from '../../translated.js'
import { volumesOf } from '../../volumes.js'

/** A service with data on one node and no rule to keep it there. */
export function nodeVolumes({ name, service, model }: ServiceContext): readonly Note[] {
  if ((service.deploy?.placement?.constraints ?? []).length > 0) return []
  const local = volumesOf(service).find(({ type, source }) => {
    return type === 'volume' && source !== undefined && source !== '' && staysOnNode(model.volumes[source])
  })
  if (local === undefined) return []
  const message = `The volume ${local.source ?? ''} of ${name} stays on the node where it was first used.`
  return [{ rule: 'node-volume', service: name, at: ['services', name, 'volumes', { item: local.target }], message }]
}

/** The local driver, unless it mounts what every node can reach: `driver_opts: {type: nfs, …}`. */
function staysOnNode({ driver = 'local', driver_opts }: ComposeVolume = {}): boolean {
  return (
    (driver === 'local' || driver === '') &&
    !/^(?:nfs4?|cifs|smb3?|glusterfs|ceph)$/.test(textOf(driver_opts?.['type']))
  )
}

/** Networks and volumes that every stack from this file shares. */
export function fixedNames(model: ComposeModel, options: TranslateOptions): readonly Note[] {
  return (['networks', 'volumes'] as const).flatMap(section =>
    Object.entries(model[section]).flatMap(([key, { name, external }]): readonly Note[] => {
      const fixed = fixedName(name, key, model.name)
      if (fixed === undefined || external === true) return []
      const kind = section === 'networks' ? 'network' : 'volume'
      const message = `The ${kind} ${key} is named ${undollar(fixed)} in every stack and preview from this file: they share it.`
      const level = options.preview === undefined ? {} : ({ level: 'warning' } as const)
      return [{ rule: 'fixed-name', at: [section, key, 'name'], message, ...level }]
    })
  )
}
