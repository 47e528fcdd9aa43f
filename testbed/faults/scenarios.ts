import type { Server } from '../bed.ts'
import type { Field } from './field.ts'

/** What strikes a deploy, when, and how the run may end. */
export interface Scenario {
  readonly name: string
  /** `broken`: its healthcheck never passes. `built`: an image is built and pushed first. `job`: a job runs before the service. */
  readonly version: 'good' | 'broken' | 'built' | 'job'
  /** The line of the run's log after which it strikes; absent: before the run starts. */
  readonly at?: Moment
  /** The hosts that the run is given, the first of them connected to. Default: the leader alone. */
  readonly hosts?: (field: Field) => Promise<readonly Server[]>
  readonly strike: (field: Field, connected: Server) => Promise<void>
  /** How long until everything is as it was; absent: only after the run has ended. */
  readonly healMs?: number
  /** How the run may end: any of these can be true of such a fault, and the swarm is asked which one was. */
  readonly right: readonly ('deployed' | 'rolled-back' | 'failed')[]
}

export type Moment = 'build' | 'job' | 'apply' | 'watch' | 'rolling back'

/** What the log shows at each moment. */
export const moments: Readonly<Record<Moment, RegExp>> = {
  build: /RUN sleep/,
  job: /migrate +.*(running|starting|preparing)/,
  apply: /Rollout of release/,
  watch: /web +the swarm updates it/,
  'rolling back': /web .*(rolls it back|rolling back|rolled back)/
}

const deployed = ['deployed'] as const
const rolledBack = ['rolled-back'] as const
const all = (field: Field) => field.byLeader()
const followerFirst = async (field: Field) => [...(await field.byLeader())].reverse()
/** The leader answers while it is not connected to. */
const follower = async (field: Field) => (await field.byLeader()).slice(1, 2)

const connection = ([5, 30, 120] as const).flatMap(seconds =>
  (['build', 'apply', 'watch'] as const).map((at): Scenario => ({
    name: `the connection is away for ${seconds} s`,
    version: at === 'build' ? 'built' : 'good',
    at,
    strike: (field, connected) => field.dropSsh(connected),
    healMs: seconds * 1000,
    right: deployed
  }))
)

export const scenarios: readonly Scenario[] = [
  ...connection,
  {
    name: 'the connection is away for 30 s',
    version: 'broken',
    at: 'rolling back',
    strike: (field, connected) => field.dropSsh(connected),
    healMs: 30_000,
    right: rolledBack
  },
  {
    name: 'the connection does not come back',
    version: 'good',
    at: 'watch',
    strike: (field, connected) => field.dropSsh(connected),
    right: ['failed']
  },
  {
    name: 'the connection does not come back, another manager is there',
    version: 'good',
    at: 'watch',
    hosts: all,
    strike: (field, connected) => field.dropSsh(connected),
    right: deployed
  },
  {
    name: 'the engine of the connected manager crashes and starts again',
    version: 'good',
    at: 'watch',
    hosts: follower,
    strike: (field, connected) => field.crashEngine(connected),
    healMs: 3_000,
    right: deployed
  },
  {
    name: 'a worker loses power',
    version: 'good',
    at: 'watch',
    strike: field => field.powerOff(field.worker),
    // Where a task of the new version was just starting on it, the swarm's update stands still, and the run goes back at its timeout.
    right: ['deployed', 'rolled-back']
  },
  {
    name: 'a worker loses power and comes back',
    version: 'good',
    at: 'watch',
    strike: field => field.powerOff(field.worker),
    healMs: 15_000,
    // Its task has failed within the monitor window then: the swarm may take that for the version's fault.
    right: ['deployed', 'rolled-back']
  },
  {
    name: 'a worker is without power from before',
    version: 'good',
    strike: field => field.powerOff(field.worker),
    right: deployed
  },
  {
    name: 'the leader, connected to, loses power',
    version: 'good',
    at: 'watch',
    hosts: all,
    strike: (field, connected) => field.powerOff(connected),
    right: deployed
  },
  {
    name: 'the leader, connected to, loses power',
    version: 'broken',
    at: 'watch',
    hosts: all,
    strike: (field, connected) => field.powerOff(connected),
    right: rolledBack
  },
  {
    name: 'the leader, not connected to, loses power',
    version: 'good',
    at: 'watch',
    hosts: followerFirst,
    strike: async field => field.powerOff((await field.byLeader())[0] as Server),
    right: deployed
  },
  {
    name: 'the leader, connected to, is cut off from all for 40 s',
    version: 'good',
    at: 'watch',
    strike: (field, connected) => field.unplug(connected),
    healMs: 40_000,
    right: deployed
  },
  {
    name: 'two of three managers are cut off for 20 s',
    version: 'good',
    at: 'watch',
    strike: (field, connected) => field.unplug(...field.managers.filter(server => server !== connected)),
    healMs: 20_000,
    right: deployed
  },
  {
    name: 'a node is drained',
    version: 'good',
    at: 'watch',
    strike: field => field.drain(field.worker),
    right: deployed
  },
  {
    name: 'a node cannot pull',
    version: 'built',
    strike: field => field.dropRegistry(field.worker),
    right: ['deployed', 'rolled-back']
  },
  {
    name: 'the node of a job loses power',
    version: 'job',
    at: 'job',
    strike: field => field.powerOff(field.worker),
    // No other node may run it, so it is waited for until the timeout; the service that waits for it is not touched.
    right: ['rolled-back']
  }
]
