import { service, type Scenario } from './scenarios.ts'

const second = 1_000_000_000
const serve = 'trap "exit 0" TERM; echo serving; sleep 3600 & wait'
const policy = {
  UpdateConfig: { Parallelism: 1, FailureAction: 'rollback', Monitor: 2 * second, Order: 'start-first' }
}
const spread = { Mode: { Replicated: { Replicas: 3 } }, ...policy }
const wait = (seconds: number) => new Promise(resolve => setTimeout(resolve, seconds * 1000))

/** What takes more than one node: a manager and two workers. */
export const clusterScenarios: readonly Scenario[] = [
  {
    name: 'cluster.node-down',
    before: { web: service(serve, spread) },
    after: { web: service(serve, { ...spread, container: { Env: ['VERSION=2'] } }) },
    meanwhile: async ({ bed, stack }) => {
      await wait(4)
      const nodes = await bed.server.docker(
        'service',
        'ps',
        '-f',
        'desired-state=running',
        '--format',
        '{{.Node}}',
        `${stack}_web`
      )
      await bed.servers
        .slice(1)
        .find(({ name }) => nodes.includes(name))
        ?.crashEngine()
    },
    seconds: 75
  },
  {
    name: 'cluster.manager-back',
    before: { web: service(serve, spread) },
    after: { web: service(serve, { ...spread, container: { Env: ['VERSION=2'] } }) },
    meanwhile: async ({ server }) => {
      await wait(3)
      await server.crashEngine()
      await wait(4)
      await server.startEngine()
    },
    seconds: 45
  },
  {
    name: 'cluster.global',
    before: { agent: service(serve, { Mode: { Global: {} }, ...policy }) },
    after: { agent: service(serve, { Mode: { Global: {} }, ...policy, container: { Env: ['VERSION=2'] } }) },
    seconds: 25
  }
]
