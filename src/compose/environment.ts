import type { ComposeService } from './model.js'
import type { JsonObject } from '../model.js'
import { plain, type Translated } from './translated.js'

/** An action that Swarm documents for templates: these the user means, and they stay. */
const placeholder = /^-?\s*(?:index\s+)?\.(?:Service|Node|Task)(?:\.\w+)+(?:\s+"[^"]*")?\s*-?\}\}/

/**
 * Swarm runs every environment value through Go's templates (moby/swarmkit template/expand.go), compose does not:
 * `{{` is written so that it arrives as `{{`. Documented placeholders such as `{{.Node.Hostname}}` are left.
 */
export function escapeTemplates(value: string): string {
  if (!value.includes('{{')) return value
  return value
    .split('{{')
    .reduce((text, rest) => (placeholder.test(rest) ? `${text}{{${rest}` : `${text}{{"{{"}}${rest}`))
}

/**
 * Variables of the container. A variable without a value is one that compose does not set; `docker stack deploy`
 * would set it to nothing.
 */
export function translateEnvironment(service: ComposeService): Translated<JsonObject | undefined> {
  const set = Object.entries(service.environment ?? {}).filter((entry): entry is [string, string] => entry[1] !== null)
  if (set.length === 0) return plain(undefined)
  return plain(Object.fromEntries(set.map(([name, value]) => [name, escapeTemplates(value)])))
}
