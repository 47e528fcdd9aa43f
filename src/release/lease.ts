import type { SwarmObject } from '../engine-types.js'
import { label } from '../model.js'
import { objectName } from './record.js'

/** Who holds a stack's lock. */
export interface Owner {
  readonly runUrl: string
  readonly actor: string
  /** `deploy`, `rollback`, … */
  readonly command: string
}

/** The lock of a stack as it lies in the swarm. */
export interface Lease {
  readonly owner: Owner
  /** Tells this holder from any other. */
  readonly nonce: string
  /** ISO 8601. */
  readonly since: string
  /** Set by a run that wants the holder to stop: why. */
  readonly asked?: string
}

/** How often the holder renews the lock, and after which silence it counts as dead: a new raft leader takes 30 s. */
export const leaseTimes = { renewEveryMs: 10_000, expiresAfterMs: 90_000, pollEveryMs: 2_000 } as const

const names = {
  runUrl: 'swarm-rollout.run',
  actor: 'swarm-rollout.actor',
  command: 'swarm-rollout.command',
  nonce: 'swarm-rollout.nonce',
  since: 'swarm-rollout.since',
  asked: 'swarm-rollout.asked',
  beat: 'swarm-rollout.beat'
} as const

export function lockName(stack: string): string {
  return objectName(stack, 'lock')
}

/** `beat` counts the renewals. */
export function leaseLabels(stack: string, lease: Lease, beat: number): Readonly<Record<string, string>> {
  return {
    [label.namespace]: stack,
    [label.kind]: 'lock',
    [names.runUrl]: lease.owner.runUrl,
    [names.actor]: lease.owner.actor,
    [names.command]: lease.owner.command,
    [names.nonce]: lease.nonce,
    [names.since]: lease.since,
    [names.beat]: `${beat}`,
    ...(lease.asked === undefined ? {} : { [names.asked]: lease.asked })
  }
}

/** Asks the holder to stop; the rest of the lock stays. */
export function askLabels(object: SwarmObject, why: string): Readonly<Record<string, string>> {
  return { ...object.Spec.Labels, [names.asked]: why }
}

/** Labels of a lock that nobody holds: whoever comes may remove it by its id, which no other lock will ever have. */
export function freeLabels(stack: string): Readonly<Record<string, string>> {
  return { [label.namespace]: stack, [label.kind]: 'lock' }
}

/** null when nobody holds the lock. */
export function parseLease(object: SwarmObject): Lease | null {
  const labels = object.Spec.Labels ?? {}
  const nonce = labels[names.nonce]
  if (nonce === undefined || nonce === '') return null
  const asked = labels[names.asked]
  return {
    owner: {
      runUrl: labels[names.runUrl] ?? '',
      actor: labels[names.actor] ?? '',
      command: labels[names.command] ?? ''
    },
    nonce,
    since: labels[names.since] ?? '',
    ...(asked === undefined ? {} : { asked })
  }
}

/**
 * Whether the holder has been silent for too long. Both times are the engine's own, so that the clock of a runner
 * does not matter; a lock without a readable time counts as alive.
 */
export function isExpired(object: SwarmObject, engineNow: number): boolean {
  const renewed = Date.parse(object.UpdatedAt ?? '')
  return Number.isFinite(renewed) && engineNow - renewed > leaseTimes.expiresAfterMs
}

/** `the deploy of octocat, https://… (since 12:01:02)` */
export function describeHolder(lease: Lease): string {
  const { command, actor, runUrl } = lease.owner
  const who = actor === '' ? '' : ` of ${actor}`
  const since = /T(\d\d:\d\d:\d\d)/.exec(lease.since)?.[1]
  return `the ${command === '' ? 'run' : command}${who}${runUrl === '' ? '' : `, ${runUrl}`}${since === undefined ? '' : `, since ${since} UTC`}`
}

/** What a run that wants the lock found when it looked. */
export interface Look {
  /** What its own attempt to make the lock came to; `none` where another's lay there. */
  readonly made:
    | { readonly is: 'made'; readonly id: string }
    | { readonly is: 'unanswered'; readonly error: Error }
    | { readonly is: 'taken' | 'none' }
  readonly present: SwarmObject | null
  /** The engine's own time; only read where something is present. */
  readonly engineNow: number
}

/** What that run did before. */
export interface Efforts {
  /** An attempt got no answer, and made nothing. */
  readonly unanswered: boolean
  /** Who it last said that it waits for. */
  readonly told: string
  /** The holder was asked to stop. */
  readonly asked: boolean
}

/** What that run wants. */
export interface Wish {
  readonly nonce: string
  readonly mayAsk: boolean
}

/** Waiting, for a holder as far as one is known. */
export interface Wait {
  readonly is: 'wait'
  readonly holder: string | null
  /** Whether to say so: it is not who was told last. */
  readonly tell: boolean
  /** The lock by which its holder is to be asked to stop; null when it is not. */
  readonly ask: SwarmObject | null
}

/** Nobody holds the lock any more: it is to be removed. Marked as free first, where somebody did hold it and may wake up. */
export interface Clearing {
  readonly is: 'clear'
  readonly lock: SwarmObject
  readonly mark: boolean
  /** Its holder turned out to be alive, or another run was faster. */
  readonly otherwise: Wait
}

export type Step =
  | { readonly is: 'hold'; readonly id: string }
  /** At once, as the connection may be there again; but only after the first attempt without an answer. */
  | { readonly is: 'look-again' }
  | { readonly is: 'give-up'; readonly error: Error }
  | Clearing
  | Wait

/**
 * What a run does next that wants the lock. One that lies there with this run's own nonce is held, though its making got no
 * answer: it was made all the same.
 */
export function nextStep({ made, present, engineNow }: Look, before: Efforts, wish: Wish): Step {
  if (made.is === 'made') return { is: 'hold', id: made.id }
  const nobody: Wait = { is: 'wait', holder: null, tell: false, ask: null }
  if (present === null) {
    if (made.is !== 'unanswered') return nobody
    return before.unanswered ? { is: 'give-up', error: made.error } : { is: 'look-again' }
  }
  const lease = parseLease(present)
  if (lease === null) return { is: 'clear', lock: present, mark: false, otherwise: nobody }
  if (lease.nonce === wish.nonce) return { is: 'hold', id: present.ID }
  const holder = describeHolder(lease)
  const ask = wish.mayAsk && !before.asked ? present : null
  const wait: Wait = { is: 'wait', holder, tell: holder !== before.told, ask }
  return isExpired(present, engineNow) ? { is: 'clear', lock: present, mark: true, otherwise: wait } : wait
}
