import type { Case, StackService } from './cases.ts'
import type { Meter } from './meter.ts'

/** What a contestant is told to do. */
export interface Order {
  readonly does: Case['does']
  readonly stack: string
  /** What is to run afterwards, or with a broken version what is to be tried. */
  readonly services: ReadonlyMap<string, StackService>
  /** A folder with the services as `compose.yaml` in it, and nothing else. */
  readonly workspace: string
  /** In place of a commit: 40 hex digits. */
  readonly commit: string
  /** The port of the way to the server, on the runner's address. */
  readonly port: number
  readonly meter: Meter
}

/** How it ended. Times are the runner's, in milliseconds since 1970. */
export interface Ending {
  readonly startedAt: number
  readonly endedAt: number
  /** What it said: a status or an exit code. */
  readonly said: string
  /** Of the time, what came after the main part: a post step. */
  readonly postMs?: number
  readonly log: string
}

/** Whoever can bring a stack to a swarm. */
export interface Contestant {
  readonly name: string
  /** When it calls a rollout done, in a line: without it times cannot be compared. */
  readonly waitsFor: string
  run(order: Order): Promise<Ending>
}
