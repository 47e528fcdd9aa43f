/** What is measured: stacks of the test app, and what becomes of them. Pure. */

export type CaseName = 'first' | 'update' | 'no-op' | 'broken' | 'rollback'

export interface Case {
  readonly title: string
  readonly services: number
  /** What happens to the stack. A rollback is measured after an update that is not. */
  readonly does: 'create' | 'update' | 'nothing' | 'break' | 'go back'
}

export const cases: Readonly<Record<CaseName, Case>> = {
  first: { title: 'first deploy of 3 services', services: 3, does: 'create' },
  update: { title: 'update of 1 of 10 services', services: 10, does: 'update' },
  'no-op': { title: 'nothing new in 20 services', services: 20, does: 'nothing' },
  broken: { title: 'broken version of 1 of 3 services', services: 3, does: 'break' },
  rollback: { title: 'rollback by hand of 1 of 3 services', services: 3, does: 'go back' }
}

/** One version of the service that changes; the others of its stack stay as they are. */
export interface Version {
  readonly mark: string
  readonly broken: boolean
}

export interface StackService {
  readonly image: string
  readonly environment: Readonly<Record<string, string>>
  /** Whether it is asked for its health, every second. */
  readonly checked: boolean
}

/** The engine's monitor window and what every contestant shall see a task live, in seconds. */
export const windowSeconds = 5

/** The services of a stack by their keys, `web` first: the one that has versions. */
export function servicesOf({ services }: Case, { mark, broken }: Version, image: string): Map<string, StackService> {
  const web = { MARK: mark, ...(broken && { HEALTHY_AFTER: 'never' }) }
  const all = new Map<string, StackService>([['web', { image, environment: web, checked: true }]])
  for (let index = 1; index < services; index++)
    all.set(`s${index}`, { image, environment: { MARK: 'same', PORT: '' }, checked: false })
  return all
}

/** The same as a compose file; JSON is YAML. Everything that decides how the engine rolls out is written down. */
export function composeFile(services: ReadonlyMap<string, StackService>): string {
  const config = { parallelism: 1, order: 'start-first', monitor: `${windowSeconds}s`, max_failure_ratio: 0 }
  const all = [...services].map(([key, { image, environment, checked }]) => [
    key,
    {
      image,
      environment,
      stop_grace_period: '1s',
      ...(checked && { healthcheck: { test: ['CMD', '/bin/healthy'], interval: '1s', timeout: '5s', retries: 3 } }),
      deploy: {
        replicas: 1,
        endpoint_mode: 'dnsrr',
        update_config: { ...config, failure_action: 'rollback' },
        rollback_config: { ...config, failure_action: 'pause' }
      }
    }
  ])
  return JSON.stringify({ services: Object.fromEntries(all) as object }, null, 2)
}
