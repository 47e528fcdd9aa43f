import type { Dice } from './dice.ts'

/** The app that is deployed: versions of a stack of one to three services, and what they do. Pure. */

/** What a service of the test app does; `never` is given longer to become healthy than any run waits. */
export type Behaviour = 'good' | 'slow start' | 'broken' | 'crash' | 'late crash' | 'flapping' | 'never'

export interface AppService {
  /** In the environment of every container of this very version. */
  readonly mark: string
  readonly image: string
  readonly behaviour: Behaviour
  readonly replicas: number
}

/** One version of a stack. `web` mounts its volume, the last service its secret. */
export interface Definition {
  readonly services: Readonly<Record<string, AppService>>
  readonly token: string
}

export interface Making {
  readonly dice: Dice
  /** Of this run, unique in the soak. */
  readonly mark: string
  readonly images: readonly string[]
}

const names = ['web', 'api', 'worker'] as const

export function firstDefinition({ dice, mark, images }: Making): Definition {
  const count = dice.from(1, 3)
  const services = names.slice(0, count).map(name => [name, service(dice, mark, images, 'good')] as const)
  return { services: Object.fromEntries(services), token: `token-of-${mark}` }
}

/** Some services get a new version, one of them behaves as said; now and then a service comes or goes besides. */
export function changed(live: Definition, behaviour: Behaviour, { dice, mark, images }: Making): Definition {
  const shuffled = dice.shuffled(Object.keys(live.services))
  const touched = shuffled.slice(0, dice.from(1, shuffled.length))
  const services: Record<string, AppService> = { ...live.services }
  touched.forEach((name, index) => {
    services[name] = service(dice, mark, images, index === 0 ? behaviour : 'good', live.services[name]?.replicas)
  })
  const extra = names.find(name => live.services[name] === undefined)
  if (extra !== undefined && dice.happens(0.15)) services[extra] = service(dice, mark, images, 'good')
  const surplus = shuffled.find(name => name !== 'web' && !touched.includes(name))
  const gone = dice.happens(0.15) ? surplus : undefined
  return { ...live, services: Object.fromEntries(Object.entries(services).filter(([name]) => name !== gone)) }
}

export function scaled(live: Definition, dice: Dice): Definition {
  const name = dice.pick(Object.keys(live.services))
  const old = live.services[name] as AppService
  return { ...live, services: { ...live.services, [name]: { ...old, replicas: (old.replicas % 3) + 1 } } }
}

export function rotated(live: Definition, mark: string): Definition {
  return { ...live, token: `token-of-${mark}` }
}

function service(
  dice: Dice,
  mark: string,
  images: readonly string[],
  behaviour: Behaviour,
  replicas = dice.from(1, 2)
): AppService {
  return { mark, image: dice.pick(images), behaviour, replicas }
}

/** The service that mounts the stack's secret. */
export function secretReader({ services }: Definition): string {
  return Object.keys(services).sort().at(-1) ?? ''
}

/**
 * What of a service decides whether its containers have to be replaced: the same text, the same containers. `replicas`
 * stands for those of the definition, as their number replaces nothing.
 */
export function identity(definition: Definition, name: string, replicas?: number): string {
  const service = definition.services[name]
  const reads = service !== undefined && secretReader(definition) === name
  return JSON.stringify([
    service && { ...service, replicas: replicas ?? service.replicas },
    reads ? definition.token : null
  ])
}

/** How the swarm updates the services of a lane; `undefined` leaves it to the action's own policy. */
export const updatePolicies: readonly (object | undefined)[] = [
  { order: 'start-first', failure_action: 'rollback', monitor: '2s' },
  undefined,
  { order: 'stop-first', failure_action: 'pause', monitor: '2s' },
  { order: 'start-first', failure_action: 'continue', monitor: '2s', parallelism: 2 }
]

/** The compose file of a version, as an object: JSON is YAML. */
export function composeFile(definition: Definition, update: object | undefined): object {
  const reader = secretReader(definition)
  const services = Object.entries(definition.services).map(([name, { mark, image, behaviour, replicas }]) => [
    name,
    {
      image,
      environment: { MARK: mark, ...environments[behaviour] },
      healthcheck: { ...healthcheck, ...healthchecks[behaviour] },
      deploy: {
        replicas,
        endpoint_mode: 'dnsrr',
        ...(update && { update_config: update }),
        restart_policy: { delay: '500ms' }
      },
      stop_grace_period: '1s',
      ...(name === reader && { secrets: ['token'] }),
      ...(name === 'web' && { volumes: ['data:/data'] })
    }
  ])
  return {
    services: Object.fromEntries(services) as object,
    secrets: { token: { environment: 'TOKEN' } },
    volumes: { data: {} }
  }
}

const healthcheck = { test: ['CMD', '/bin/healthy'], interval: '500ms', timeout: '10s', retries: 4, start_period: '3s' }

const environments: Readonly<Record<Behaviour, object>> = {
  good: {},
  'slow start': { START_AFTER: '2', HEALTHY_AFTER: '3' },
  broken: { HEALTHY_AFTER: 'never' },
  crash: { EXIT_AFTER: '0', EXIT_CODE: '7' },
  'late crash': { EXIT_AFTER: '5', EXIT_CODE: '3' },
  flapping: { SICK_AFTER: '2' },
  never: { HEALTHY_AFTER: 'never' }
}

const healthchecks: Readonly<Partial<Record<Behaviour, object>>> = {
  'slow start': { start_period: '30s' },
  // on a busy machine each check takes its time: fewer of them, so that its death comes within the time to be stable
  flapping: { start_period: '1s', retries: 2 },
  never: { start_period: '10m' }
}

/** Longer than the time after which a late crash comes or a flapping service is killed. */
export function stableFor({ services }: Definition): string {
  const late = Object.values(services).some(({ behaviour }) => behaviour === 'late crash' || behaviour === 'flapping')
  return late ? '12s' : '2s'
}
