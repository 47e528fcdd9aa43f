import type { Json, JsonObject, ObjectNeed, ObjectSource } from '../model.js'
import type { CarriedFile } from './binds.js'
import { compact } from '../json.js'
import {
  undollar,
  type ComposeModel,
  type ComposeObject,
  type ComposeObjectMount,
  type ComposeService
} from './model.js'
import { fixedName } from './names.js'
import type { Note, Translated } from './translated.js'

type Kind = ObjectNeed['kind']

/** How a service mounts its secrets or configs: target and mode always written, so that a new name changes nothing else. */
export function mountObjects(
  kind: Kind,
  service: ComposeService,
  carried: readonly CarriedFile[] = []
): readonly Json[] | undefined {
  const mounts = (kind === 'secret' ? service.secrets : service.configs) ?? []
  const own = mounts.map(mount => stackMount(kind, mount))
  const files = carried.map(({ key, target, mode }) => ({ source: key, target, mode }))
  return own.length + files.length > 0 ? [...own, ...files] : undefined
}

function stackMount(kind: Kind, mount: ComposeObjectMount): Json {
  const fallback = kind === 'secret' ? `/run/secrets/${mount.source}` : `/${mount.source}`
  const { source, uid, gid } = mount
  const target = mount.target === undefined || mount.target === '' ? fallback : mount.target
  return compact({ source, target, uid, gid, mode: modeOf(mount.mode) })
}

/**
 * `mode: "0440"` is octal in compose; the stack file wants the number. Compose prints a mode that came from a variable
 * as text without its leading zero lost, so text is always octal.
 */
function modeOf(mode: string | number | undefined): number | undefined {
  return typeof mode === 'string' ? Number.parseInt(mode, 8) : mode
}

/** The secrets or configs that services mount: what has to exist in the swarm before the stack is applied. */
export function objectNeeds(
  kind: Kind,
  model: ComposeModel,
  keys: Readonly<Record<string, string>>
): Translated<readonly ObjectNeed[]> {
  const objects = kind === 'secret' ? model.secrets : model.configs
  const users = usersOf(kind, model)
  const used = Object.entries(objects).filter(([key]) => users.has(key))
  return {
    value: used.map(([key, object]) => ({
      ...needOf(kind, model, key, object),
      services: (users.get(key) ?? []).map(name => keys[name] ?? name)
    })),
    notes: used.flatMap(([key, object]) => driverNotes(kind, key, object))
  }
}

function usersOf(kind: Kind, model: ComposeModel): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>()
  for (const [name, service] of Object.entries(model.services)) {
    for (const { source } of (kind === 'secret' ? service.secrets : service.configs) ?? []) {
      const list = users.get(source) ?? []
      if (!list.includes(name)) users.set(source, [...list, name])
    }
  }
  return users
}

function needOf(kind: Kind, model: ComposeModel, key: string, object: ComposeObject): Omit<ObjectNeed, 'services'> {
  const name = fixedName(object.name, key, model.name)
  return {
    kind,
    key,
    source: sourceOf(key, object),
    ...(name === undefined || object.external === true ? {} : { name: undollar(name) }),
    ...(object.labels === undefined ? {} : { labels: mapValues(object.labels, undollar) })
  }
}

/** Where a secret's or config's value comes from, with every doubled dollar sign undone. */
export function sourceOf(key: string, object: ComposeObject): ObjectSource {
  if (object.external === true) return { from: 'external', name: undollar(object.name ?? key) }
  if (object.content !== undefined) return { from: 'content', content: undollar(object.content) }
  if (object.environment !== undefined) return { from: 'environment', variable: undollar(object.environment) }
  return { from: 'file', path: undollar(object.file ?? '') }
}

function driverNotes(kind: Kind, key: string, object: ComposeObject): readonly Note[] {
  const at = [`${kind}s`, key]
  const notes: Note[] = []
  if (object.driver !== undefined) {
    notes.push({
      rule: 'object-driver',
      at: [...at, 'driver'],
      message: `The ${kind} ${key} wants the driver ${object.driver}.`
    })
  }
  if (object.template_driver !== undefined) {
    const message = `The ${kind} ${key} wants to be expanded by the template driver ${object.template_driver}.`
    notes.push({ rule: 'object-driver', at: [...at, 'template_driver'], message })
  }
  return notes
}

/** The stack's own list: all exist before the stack is applied, under names that `nameObjects` puts in. */
export function stackObjects(needs: readonly ObjectNeed[], kind: Kind): Readonly<Record<string, JsonObject>> {
  const own = needs.filter(need => need.kind === kind)
  return Object.fromEntries(
    own.map(({ key, name, source }) => {
      const external = source.from === 'external' ? source.name : undefined
      return [key, { external: true, name: external ?? name ?? key }]
    })
  )
}

function mapValues(
  record: Readonly<Record<string, string>>,
  change: (value: string) => string
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
