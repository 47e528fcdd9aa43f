import type { JsonObject, Stack } from '../model.js'
import { mapServices } from './stamp.js'
import { dollar } from './model.js'

/** Sets the image of each service named to a pinned reference, `repo:tag@sha256:…`. */
export function pinImages(stack: Stack, images: Readonly<Record<string, string>>): Stack {
  return mapServices(stack, (service, key) => {
    const image = images[key]
    return image === undefined ? service : { ...service, image: dollar(image) }
  })
}

/** Sets the versioned names, by `secret:KEY` and `config:KEY`; the services' mounts stay as they are. */
export function nameObjects(stack: Stack, names: Readonly<Record<string, string>>): Stack {
  const named = (kind: 'secret' | 'config', section: Stack['secrets']): Readonly<Record<string, JsonObject>> =>
    Object.fromEntries(
      Object.entries(section ?? {}).map(([key, object]) => {
        const name = names[`${kind}:${key}`]
        return [key, name === undefined ? object : { external: true, name: dollar(name) }]
      })
    )
  return { ...stack, secrets: named('secret', stack.secrets), configs: named('config', stack.configs) }
}
