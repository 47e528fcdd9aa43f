import type { Bed } from '../bed.ts'

/** A stack of many services that are all alike. */
export interface LargeStack {
  readonly name: string
  readonly services: number
  readonly replicas: number
  readonly image: string
  /** Its number in this bed, from 0: no two have the same addresses. */
  readonly number: number
}

/** Which version the first service is to have, and which one all the others; `bad` is one that crashes. */
export interface Versions {
  readonly first: string
  readonly others: string
}

/** What the engine itself says of a stack. */
export interface Truth {
  /** Tasks that run, shall run, and have the version that they are to have. */
  readonly running: number
  /** All that the swarm has on record, with those that are over. */
  readonly tasks: number
  /** When the last task came up or the last update ended, by the manager's clock, in milliseconds since 1970. */
  readonly rolledOutAt: number
}

/**
 * Its network is larger than the /24 that Swarm gives: with `start-first` old and new tasks have an address each for a while, and 253
 * are not enough for 300 tasks, let alone twice as many.
 */
export function composeFile({ services, replicas, image, number }: LargeStack, versions: Versions): object {
  const service = (version: string) => ({
    image,
    environment: { VERSION: version, PORT: '', ...(version === 'bad' && { EXIT_AFTER: '1', EXIT_CODE: '7' }) },
    stop_grace_period: '1s',
    deploy: {
      replicas,
      endpoint_mode: 'dnsrr',
      update_config: { order: 'start-first', failure_action: 'rollback', monitor: '5s', parallelism: 3 }
    }
  })
  const numbers = Array.from({ length: services }, (_, index) => index + 1)
  return {
    services: Object.fromEntries(
      numbers.map(each => [`s${each}`, service(each === 1 ? versions.first : versions.others)])
    ),
    networks: { default: { ipam: { config: [{ subnet: `10.201.${16 * number}.0/20` }] } } }
  }
}

export async function truthOf(bed: Bed, stack: string, versions: Versions): Promise<Truth> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.stack.namespace=${stack}`] }))
  const [tasks, services] = (await Promise.all([
    bed.server.api('GET', `/tasks?filters=${filters}`),
    bed.server.api('GET', `/services?filters=${filters}`)
  ])) as [readonly ApiTask[], readonly ApiService[]]
  const first = services.find(({ Spec }) => Spec.Name === `${stack}_s1`)?.ID
  const current = tasks.filter(({ DesiredState, Status, ServiceID, Spec }) => {
    const version = ServiceID === first ? versions.first : versions.others
    return (
      DesiredState === 'running' && Status.State === 'running' && Spec.ContainerSpec.Env.includes(`VERSION=${version}`)
    )
  })
  const times = [
    ...current.map(({ Status }) => Status.Timestamp),
    ...services.flatMap(({ UpdateStatus }) => UpdateStatus?.CompletedAt ?? [])
  ]
  return {
    running: current.length,
    tasks: tasks.length,
    rolledOutAt: Math.max(0, ...times.map(time => Date.parse(time)))
  }
}

interface ApiTask {
  readonly ServiceID: string
  readonly DesiredState: string
  readonly Status: { readonly State: string; readonly Timestamp: string }
  readonly Spec: { readonly ContainerSpec: { readonly Env: readonly string[] } }
}

interface ApiService {
  readonly ID: string
  readonly Spec: { readonly Name: string }
  readonly UpdateStatus?: { readonly CompletedAt?: string }
}
