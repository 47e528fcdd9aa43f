import type { JsonObject } from '../model.js'
import { compact, textOf } from './json.js'
import { undollar, type ComposeModel, type ComposeVolume } from './model.js'
import { fixedName } from './names.js'
import type { Translated } from './translated.js'

/** The stack's named volumes; one that no service mounts is not written. */
export function translateVolumes(model: ComposeModel): Translated<Readonly<Record<string, JsonObject>>> {
  const mounts = Object.values(model.services).flatMap(service => service.volumes ?? [])
  const used = new Set(mounts.map(({ source }) => source))
  const volumes = Object.entries(model.volumes).filter(([key]) => used.has(key))
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

/** External volumes by the name they have on the node. */
export function externalVolumes(volumes: Readonly<Record<string, JsonObject>>): readonly string[] {
  const external = Object.values(volumes).filter(volume => volume['external'] === true)
  return external.map(volume => undollar(textOf(volume['name'])))
}
