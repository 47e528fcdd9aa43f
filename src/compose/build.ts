import type { Build, BuildSecret, JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import type { Positions } from './positions.js'
import { isList, isObject, mapStrings, textOf } from '../json.js'
import { undollar } from './model.js'
import { sourceOf } from './objects.js'

/** What has to be built for this service, with every doubled dollar sign undone. Empty where nothing is. */
export function buildOf(context: ServiceContext, locate: Positions['locate']): readonly Build[] {
  const { key, service } = context
  if (service.build === undefined) return []
  const secrets = buildSecrets(context, service.build)
  const places = placesOf(context, service.build, locate)
  return [
    {
      service: key,
      build: withServices(mapStrings(service.build, undollar) as JsonObject, context.keys),
      ...(service.image === undefined || service.image === '' ? {} : { image: undollar(service.image) }),
      ...(service.platform === undefined || service.platform === '' ? {} : { platform: undollar(service.platform) }),
      ...(secrets.length === 0 ? {} : { secrets }),
      ...(Object.keys(places).length === 0 ? {} : { places })
    }
  ]
}

/** `service:my.base` names a service as the user does; here services go by their keys. */
function withServices(build: JsonObject, keys: Readonly<Record<string, string>>): JsonObject {
  const { additional_contexts: contexts } = build
  if (!isObject(contexts)) return build
  const renamed = Object.entries(contexts).map(([name, value]) => {
    const service = typeof value === 'string' ? /^service:(.+)$/.exec(value)?.[1] : undefined
    return [name, service === undefined ? value : `service:${keys[service] ?? service}`] as const
  })
  return { ...build, additional_contexts: Object.fromEntries(renamed) }
}

/** Where the user says what the build reads: a file that is not there is told at the key that names it. */
function placesOf(
  { name }: ServiceContext,
  build: JsonObject,
  locate: Positions['locate']
): NonNullable<Build['places']> {
  const additional = isObject(build['additional_contexts']) ? Object.keys(build['additional_contexts']) : []
  const keys = [['context'], ['dockerfile'], ...additional.map(key => ['additional_contexts', key])]
  const found = keys.flatMap(key => {
    const place = locate(['services', name, 'build', ...key])
    return place === undefined ? [] : [[key.join('.'), place] as const]
  })
  return Object.fromEntries(found)
}

function buildSecrets({ model }: ServiceContext, build: JsonObject): readonly BuildSecret[] {
  const mounts = isList(build['secrets']) ? build['secrets'] : []
  return mounts.filter(isObject).flatMap(mount => {
    const source = textOf(mount['source'])
    const object = model.secrets[source]
    const id = typeof mount['target'] === 'string' ? mount['target'] : source
    return object === undefined ? [] : [{ id, source: sourceOf(source, object) }]
  })
}
