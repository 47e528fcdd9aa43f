import type { Place } from '../errors.js'
import type { Build, Finding, ObjectNeed, Stack } from '../model.js'
import { buildOf } from './build.js'
import type { ServiceContext, TranslateOptions } from './context.js'
import { leavesReplicasOpen } from './deploy.js'
import { fixedNames } from './findings/rules/data.js'
import { advise } from './findings/rules/index.js'
import { settle } from './findings/settle.js'
import { readSilence } from './findings/silence.js'
import { bareRecord } from '../json.js'
import { awaitedServices, isJob, modeOf, phasesOf } from './jobs.js'
import { carriedNeeds } from './mounts.js'
import { stackKeys } from './names.js'
import { aliasesOf, externalNetworks, translateNetworks } from './networks.js'
import { objectNeeds, stackObjects } from './objects.js'
import { indexSources, type Positions } from './positions.js'
import type { ComposeProject } from './project.js'
import { providedNotes, withoutProvided } from './provided.js'
import { translateService } from './service.js'
import type { ComposeModel } from './model.js'
import type { Note } from './translated.js'
import { unsetNotes } from './unset.js'
import { externalVolumes, translateVolumes } from './volumes.js'

/** What a compose project means to a swarm, and all that the user should know about it. */
export interface Translation {
  /** Images of builds are empty until `pinImages`, names of secrets and configs provisional until `nameObjects`. */
  readonly stack: Stack
  /** Errors first. An error means that the stack must not be deployed. */
  readonly findings: readonly Finding[]
  readonly builds: readonly Build[]
  /** Secrets and configs that must exist before the stack is applied. */
  readonly needs: readonly ObjectNeed[]
  /** Keys of the services that run once and end. */
  readonly jobs: readonly string[]
  /** Keys of the services in the order of a deploy: each phase waits until the one before is done. */
  readonly phases: readonly (readonly string[])[]
  /** Keys of the services whose replicas the file leaves open: what was scaled by hand may stay. */
  readonly openReplicas: readonly string[]
  /** By name in the swarm: what must exist there. */
  readonly externals: { readonly networks: readonly string[]; readonly volumes: readonly string[] }
  /** By service key: where the service is in the user's files. */
  readonly places: Readonly<Record<string, Place>>
  /** Notes that only the swarm gives rise to, as findings: with their places, and without those that are silenced. */
  readonly settleLate: (notes: readonly Note[]) => readonly Finding[]
}

/** Translates the canonical model. Pure; never throws for what a compose file may hold. */
export function translate(project: ComposeProject, options: TranslateOptions): Translation {
  const model = withoutProvided(project.model)
  const positions = indexSources(project.sources, project.envSources)
  const contexts = contextsOf({ ...project, model }, options, positions)
  const services = contexts.map(context => ({ context, ...translateService(context) }))
  const carried = services.flatMap(({ context, value }) => value.carried.map(file => ({ service: context.key, file })))
  const keys = bareRecord(contexts.map(({ name, key }) => [name, key] as const))
  const networks = translateNetworks(model, keys, options.stack)
  const volumes = translateVolumes(model)
  const secrets = objectNeeds('secret', model, keys)
  const configs = objectNeeds('config', model, keys)
  const needs = [...secrets.value, ...configs.value].map(need => withPlace(need, positions))
  const allNeeds = [...needs, ...carriedNeeds(carried)]
  const translated = [...services, networks, volumes, secrets, configs].flatMap(part => part.notes)
  const notes = [
    ...unsetNotes(project.unset, positions),
    ...advise(contexts),
    ...fixedNames(model, options),
    ...noServices(contexts),
    ...contexts.flatMap(renamed),
    ...providedNotes(project.model),
    ...translated
  ]
  const silence = readSilence(positions, entriesOf(project.model))
  const keyOf = (name: string): string => keys[name] ?? name
  return {
    stack: {
      services: Object.fromEntries(services.map(({ context, value }) => [context.key, value.service])),
      networks: networks.value,
      volumes: volumes.value,
      secrets: stackObjects(allNeeds, 'secret'),
      configs: stackObjects(allNeeds, 'config')
    },
    findings: settle([...notes, ...silence.notes], positions, silence),
    builds: contexts.flatMap(context => buildOf(context, positions.locate)),
    needs: allNeeds,
    jobs: contexts.filter(({ mode }) => isJob(mode)).map(({ key }) => key),
    phases: phasesOf(model).map(phase => phase.map(keyOf)),
    openReplicas: contexts.filter(({ service }) => leavesReplicasOpen(service)).map(({ key }) => key),
    externals: { networks: externalNetworks(networks.value), volumes: externalVolumes(volumes.value) },
    places: placesOf(contexts, positions),
    settleLate: late => settle(late, positions, silence)
  }
}

function contextsOf(
  project: ComposeProject,
  options: TranslateOptions,
  positions: Positions
): readonly ServiceContext[] {
  const { model } = project
  const keys = stackKeys(Object.keys(model.services), options.stack)
  const networkKeys = stackKeys(Object.keys(model.networks), options.stack)
  const aliases = aliasesOf(model, keys)
  const awaited = awaitedServices(model)
  return Object.entries(model.services).map(([name, service]) => ({
    name,
    key: keys[name] ?? name,
    service,
    mode: modeOf(service, awaited.has(name)),
    model,
    project,
    options,
    keys,
    networkKeys,
    aliases,
    written: positions.written,
    inEnvFiles: positions.inEnvFiles
  }))
}

function withPlace(need: ObjectNeed, positions: Positions): ObjectNeed {
  const at = positions.locate([`${need.kind}s`, need.key])
  return at === undefined ? need : { ...need, at }
}

function placesOf(contexts: readonly ServiceContext[], positions: Positions): Readonly<Record<string, Place>> {
  const places = contexts.flatMap(({ name, key }): [string, Place][] => {
    const place = positions.locate(['services', name])
    return place === undefined ? [] : [[key, place]]
  })
  return Object.fromEntries(places)
}

/** `[section, key]` of everything that the user may silence a rule for. */
function entriesOf(model: ComposeModel): readonly (readonly [string, string])[] {
  const sections = ['services', 'networks', 'volumes', 'secrets', 'configs'] as const
  return sections.flatMap(section => Object.keys(model[section]).map(key => [section, key] as const))
}

function renamed({ name, key, options }: ServiceContext): readonly Note[] {
  if (name === key) return []
  const message = `${name} becomes the service ${options.stack}_${key}, which the swarm accepts; the other services still reach it as ${name}.`
  return [{ rule: 'renamed-service', service: name, at: ['services', name], message }]
}

function noServices(contexts: readonly ServiceContext[]): readonly Note[] {
  return contexts.length > 0
    ? []
    : [{ rule: 'no-services', at: ['services'], message: 'The compose files have no service to deploy.' }]
}
