import type { Build, BuildSecret, JsonObject } from '../model.js'
import type { ServiceContext } from './context.js'
import { isList, isObject, mapStrings, textOf } from '../json.js'
import { undollar } from './model.js'
import { sourceOf } from './objects.js'

/** What has to be built for this service, with every doubled dollar sign undone. Empty where nothing is. */
export function buildOf(context: ServiceContext): readonly Build[] {
  const { key, service } = context
  if (service.build === undefined) return []
  const secrets = buildSecrets(context, service.build)
  return [
    {
      service: key,
      build: withServices(mapStrings(service.build, undollar) as JsonObject, context.keys),
      ...(service.image === undefined || service.image === '' ? {} : { image: undollar(service.image) }),
      ...(service.platform === undefined || service.platform === '' ? {} : { platform: undollar(service.platform) }),
      ...(secrets.length === 0 ? {} : { secrets })
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

function buildSecrets({ model }: ServiceContext, build: JsonObject): readonly BuildSecret[] {
  const mounts = isList(build['secrets']) ? build['secrets'] : []
  return mounts.filter(isObject).flatMap(mount => {
    const source = textOf(mount['source'])
    const object = model.secrets[source]
    const id = typeof mount['target'] === 'string' ? mount['target'] : source
    return object === undefined ? [] : [{ id, source: sourceOf(source, object) }]
  })
}
