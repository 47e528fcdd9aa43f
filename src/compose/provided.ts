import { bareRecord } from '../json.js'
import type { ComposeModel } from './model.js'
import type { Note } from './translated.js'

/** The model without the services of a `provider`: they have no container, compose itself makes what they stand for. */
export function withoutProvided(model: ComposeModel): ComposeModel {
  const services = Object.entries(model.services).filter(([, service]) => service['provider'] === undefined)
  return { ...model, services: bareRecord(services) }
}

export function providedNotes(model: ComposeModel): readonly Note[] {
  const names = Object.keys(model.services).filter(name => model.services[name]?.['provider'] !== undefined)
  return names.map(name => ({
    rule: 'lost-provider',
    level: 'error',
    service: name,
    at: ['services', name, 'provider'],
    message: `${name} is made by a provider, which only \`docker compose up\` runs.`
  }))
}
