import type { Json, Stack } from '../model.js'
import { objectSources } from '../compose/stamp.js'

/**
 * What `docker stack deploy` asks of the engine before it changes anything, as paths of the Engine API without a version (docker/cli,
 * cli/command/stack/swarm/deploy_composefile.go and cli/command/service/parse.go). `stack` is the stack file that it gets.
 */
export function stackQuestions(name: string, stack: Stack): readonly string[] {
  const own = { label: [`com.docker.stack.namespace=${name}`] }
  const externals = Object.values(stack.networks ?? {}).flatMap(network => externalName(network) ?? [])
  const objects = Object.values(stack.services).flatMap(service => [
    ...namesOf(service.secrets, stack.secrets).map(names => question('/secrets', { name: names })),
    ...namesOf(service.configs, stack.configs).map(names => question('/configs', { name: names }))
  ])
  return [
    '/info',
    ...externals.map(network => `/networks/${encodeURIComponent(network)}`),
    question('/networks', own),
    question('/services', own),
    ...new Set(objects)
  ]
}

type Objects = Stack['secrets']

/** One list of names in the swarm, none where there is nothing to ask. */
function namesOf(uses: readonly Json[] | undefined, objects: Objects): readonly string[][] {
  const names = objectSources(uses).flatMap(source => externalName(objects?.[source]) ?? [])
  return names.length === 0 ? [] : [names]
}

function externalName(definition: unknown): string | undefined {
  if (typeof definition !== 'object' || definition === null) return undefined
  const { external, name } = definition as { external?: unknown; name?: unknown }
  return external === true && typeof name === 'string' ? name : undefined
}

function question(path: string, filters: Readonly<Record<string, readonly string[]>>): string {
  return `${path}?${new URLSearchParams({ filters: JSON.stringify(filters) }).toString()}`
}

/**
 * The same text for the same question, however it is written: filters come as lists or as sets, `{"label": {"a=b": true}}`
 * (moby, api/types/filters), in any order.
 */
export function questionKey(question: string): string {
  const [path = '', search = ''] = question.split('?')
  const parameters = [...new URLSearchParams(search)].map(([name, value]) =>
    name === 'filters' ? `${name}=${filtersKey(value)}` : `${name}=${value}`
  )
  return `${path}?${parameters.sort().join('&')}`
}

function filtersKey(text: string): string {
  try {
    const filters = JSON.parse(text) as Record<string, unknown>
    const lists = Object.entries(filters).map(([name, values]): [string, unknown] => [
      name,
      (Array.isArray(values) ? values : Object.keys(values as object)).sort()
    ])
    return JSON.stringify(lists.sort())
  } catch {
    return text
  }
}
