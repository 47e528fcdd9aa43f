import type { JsonObject } from '../model.js'
import { compact, textOf } from '../json.js'
import { undollar, type ComposeModel, type ComposeMount, type ComposeService, type ComposeVolume } from './model.js'
import { fixedName } from './names.js'
import type { Translated } from './translated.js'

/** The stack's named volumes; one that no service mounts is not written. */
export function translateVolumes(model: ComposeModel): Translated<Readonly<Record<string, JsonObject>>> {
  const mounts = Object.values(model.services).flatMap(volumesOf)
  const used = new Set(mounts.map(({ source }) => source))
  const letters = [...used]
    .filter(key => key?.length === 1 && !(key in model.volumes))
    .map(key => [key ?? '', {}] as const)
  const volumes = [...Object.entries(model.volumes).filter(([key]) => used.has(key)), ...letters]
  return {
    value: Object.fromEntries(volumes.map(([key, volume]) => [key, stackVolume(key, volume, model.name)])),
    notes: []
  }
}

function stackVolume(key: string, volume: ComposeVolume, project: string): JsonObject {
  if (volume.external === true) return { external: true, name: volume.name ?? key }
  return compact({
    name: fixedName(volume.name, key, project),
    driver: volume.driver === '' ? undefined : volume.driver,
    driver_opts: volume.driver_opts,
    labels: volume.labels
  })
}

/**
 * The mounts under `volumes`. Compose reads `v:/data`, a volume of one letter, as an anonymous volume at the Windows path
 * `v:/data`; here it is the volume that the user meant. Compose drops its declaration, which it takes for unused.
 */
export function volumesOf(service: ComposeService): readonly ComposeMount[] {
  return (service.volumes ?? []).map(mount => {
    const [, source, target] =
      (mount.type === 'volume' && !mount.source && /^([A-Za-z]):(\/.*)$/.exec(mount.target)) || []
    return source === undefined || target === undefined ? mount : { ...mount, source, target }
  })
}

/** External volumes by the name they have on the node. */
export function externalVolumes(volumes: Readonly<Record<string, JsonObject>>): readonly string[] {
  const external = Object.values(volumes).filter(volume => volume['external'] === true)
  return external.map(volume => undollar(textOf(volume['name'])))
}
