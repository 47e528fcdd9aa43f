import { randomUUID } from 'node:crypto'
import { clockAhead } from '../engine-clock.js'
import type { SwarmObject } from '../engine-types.js'
import { messageOf } from '../errors.js'
import { askedToStop, cancelledWaiting, lockLost, lockTimeout } from '../errors/release.js'
import {
  askLabels,
  describeHolder,
  freeLabels,
  leaseLabels,
  leaseTimes,
  lockName,
  nextStep,
  parseLease,
  type Clearing,
  type Efforts,
  type Lease,
  type Look,
  type Owner,
  type Wait
} from '../release/lease.js'
import { EngineError, type Engine, type Ports } from '../ports.js'

export interface LockRequest<T = unknown> {
  readonly stack: string
  readonly owner: Owner
  /** How long to wait for another run. */
  readonly timeoutMs: number
  /** Asks the holder to stop instead of waiting for its end: why, as the end of "was asked to stop: …". */
  readonly ask?: string
  /** Questions that the engine answers right after it has made the lock, for no round trip of their own. */
  readonly behind?: (engine: Engine) => Promise<T>
  /** Hears of the lock's id once it is held. */
  readonly remember?: (id: string) => void
}

export interface Lock<T = unknown> extends AsyncDisposable {
  /** The answers to the request's `behind`; null where the lock was not had in one go. */
  readonly behind: Promise<T> | null
  /** Fires when this run must stop: the lock is another's, or gone, or another run asks. The reason is a UserError. */
  readonly lost: AbortSignal
  /** Asks the swarm whether the lock still is ours; to be called before every change. Throws UserError when not. */
  assertHeld(): Promise<void>
}

/**
 * One change of a stack at a time, whoever makes it: a config of the swarm, whose creation is atomic. The holder
 * renews it; one that falls silent for 90 s by the engine's own clock is taken over. Throws UserError when another run
 * holds it until the timeout, or when the job is cancelled.
 */
export async function acquireLock<T>(ports: Ports, engine: Engine, request: LockRequest<T>): Promise<Lock<T>> {
  const { clock } = ports
  const started = clock.now()
  const lease: Lease = { owner: request.owner, nonce: randomUUID(), since: new Date(started).toISOString() }
  const wish = { nonce: lease.nonce, mayAsk: request.ask !== undefined }
  const engineTime = engineClock(ports, engine)
  let behind: Promise<T> | null = null
  const look = async (find: typeof findLock): Promise<Look> => {
    if (ports.cancelled.aborted) throw cancelledWaiting(request.stack)
    const seen = await find(engine, request.stack)
    const { made, answers } = seen === null ? await tryCreate(engine, request, lease) : notTried
    behind = made.is === 'made' ? answers : null
    const present = made.is === 'made' ? null : (seen ?? (await findLock(engine, request.stack)))
    return { made, present, engineNow: present === null ? 0 : await engineTime() }
  }
  let before: Efforts = { unanswered: false, told: '', asked: false }
  // Its making alone decides, and mostly nobody else is there: at first a look before it would tell nothing.
  for (let seen = await look(findNothing); ; seen = await look(findLock)) {
    const step = nextStep(seen, before, wish)
    if (step.is === 'hold') {
      request.remember?.(step.id)
      return new HeldLock(ports, engine, request.stack, step.id, lease, behind)
    }
    if (step.is === 'give-up') throw step.error
    if (step.is === 'look-again') {
      before = { ...before, unanswered: true }
      continue
    }
    if (step.is === 'clear' && (await tryClear(engine, request.stack, step))) continue
    before = await heedHolder(ports, engine, request, before, step.is === 'clear' ? step.otherwise : step)
    const waited = clock.now() - started
    if (waited >= request.timeoutMs) {
      throw lockTimeout(request.stack, before.told === '' ? 'another run' : before.told, waited)
    }
    await clock.sleep(Math.min(leaseTimes.pollEveryMs, request.timeoutMs - waited), ports.cancelled)
  }
}

/** Says for whom the run waits, and asks that one to stop, as far as it is time for either. */
async function heedHolder(
  ports: Ports,
  engine: Engine,
  { stack, ask }: LockRequest,
  before: Efforts,
  { holder, tell, ask: lock }: Wait
): Promise<Efforts> {
  if (tell) ports.log.info(`Waiting for the lock of stack ${stack}: held by ${holder}`)
  const asks = lock !== null && ask !== undefined
  return {
    ...before,
    told: holder ?? before.told,
    asked: asks ? await tryLabel(engine, lock, askLabels(lock, ask)) : before.asked
  }
}

class HeldLock<T> implements Lock<T> {
  private readonly aborted = new AbortController()
  private readonly ended = new AbortController()
  private beat = 0

  constructor(
    private readonly ports: Ports,
    private readonly engine: Engine,
    private readonly stack: string,
    private readonly id: string,
    private readonly lease: Lease,
    readonly behind: Promise<T> | null
  ) {
    void this.keepAlive()
  }

  get lost(): AbortSignal {
    return this.aborted.signal
  }

  async assertHeld(): Promise<void> {
    if (!this.aborted.signal.aborted) this.judge(await this.engine.config(this.id))
    if (this.aborted.signal.aborted) throw this.aborted.signal.reason
  }

  /** Only ever removes the very config that this run made: its id is never given to another. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ended.abort()
    try {
      await this.engine.removeObject('config', this.id)
    } catch (error) {
      this.ports.log.warning(
        `The lock of stack ${this.stack} could not be released (${messageOf(error)}); it expires by itself 90 s from now.`
      )
    }
  }

  /** Goes on when this run was asked to stop: until it has, nobody else may begin. */
  private async keepAlive(): Promise<void> {
    do await this.ports.clock.sleep(leaseTimes.renewEveryMs, this.ended.signal)
    while (!this.ended.signal.aborted && (await this.tryRenew()))
  }

  /** false when the lock is no longer ours. Without an answer the lock stays ours until somebody takes it over. */
  private async tryRenew(): Promise<boolean> {
    try {
      const present = await this.engine.config(this.id)
      if (!this.judge(present) || present === null) return false
      const asked = parseLease(present)?.asked
      const lease = asked === undefined ? this.lease : { ...this.lease, asked }
      await this.engine.labelObject('config', present, leaseLabels(this.stack, lease, ++this.beat))
    } catch (error) {
      this.ports.log.debug(`The lock was not renewed this time: ${messageOf(error)}`)
    }
    return true
  }

  /** Whether the lock still is ours; tells the run when it has to stop. */
  private judge(present: SwarmObject | null): boolean {
    const holder = present === null ? null : parseLease(present)
    if (this.ended.signal.aborted) return false
    if (holder?.nonce !== this.lease.nonce) {
      this.aborted.abort(lockLost(this.stack, holder === null ? null : describeHolder(holder)))
      return false
    }
    if (holder.asked !== undefined) this.aborted.abort(askedToStop(this.stack, holder.asked))
    return true
  }
}

function findNothing(): Promise<null> {
  return Promise.resolve(null)
}

/** The filter of the engine goes by prefix. */
async function findLock(engine: Engine, stack: string): Promise<SwarmObject | null> {
  const name = lockName(stack)
  const objects = await engine.objects('config', { name })
  return objects.find(object => object.Spec.Name === name) ?? null
}

/**
 * `taken`: another run was faster. `unanswered`: the lock may be there or not, as its nonce will tell; after a long build this
 * is the first call by a connection that may have been lost meanwhile, and only a question waits until it is there again.
 */
async function tryCreate<T>(
  engine: Engine,
  { stack, behind }: LockRequest<T>,
  lease: Lease
): Promise<{ readonly made: Look['made']; readonly answers: Promise<T> | null }> {
  const inOrder = engine.inOrder()
  const making = inOrder.createObject('config', lockName(stack), Buffer.from('lock'), leaseLabels(stack, lease, 0))
  const answers = behind?.(inOrder) ?? null
  answers?.catch(() => undefined) // whoever takes the lock waits for them
  try {
    return { made: { is: 'made', id: await making }, answers }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.status === 409) return { made: { is: 'taken' }, answers: null }
    if (error.status === 0) return { made: { is: 'unanswered', error }, answers: null }
    throw error
  }
}

const notTried = { made: { is: 'none' }, answers: null } as const

/**
 * Removes a lock that nobody holds any more. It is first marked as free by compare-and-set, which fails when its
 * holder turns out to be alive, and from then on no holder can renew it.
 */
async function tryClear(engine: Engine, stack: string, { lock, mark }: Clearing): Promise<boolean> {
  if (mark && !(await tryLabel(engine, lock, freeLabels(stack)))) return false
  return engine.removeObject('config', lock.ID)
}

async function tryLabel(
  engine: Engine,
  object: SwarmObject,
  labels: Readonly<Record<string, string>>
): Promise<boolean> {
  try {
    await engine.labelObject('config', object, labels)
    return true
  } catch (error) {
    if (error instanceof EngineError && error.status !== 0) return false
    throw error
  }
}

/** The engine's own time, as far as it is ahead of ours: asked once. */
function engineClock(ports: Ports, engine: Engine): () => Promise<number> {
  const now = (): number => ports.clock.now()
  let asked: Promise<number> | undefined
  const askAhead = async (): Promise<number> => {
    const askedAt = now()
    const info = await engine.info()
    return clockAhead(info, askedAt, now()) ?? 0
  }
  return async () => {
    const ahead = await (asked ??= askAhead())
    return now() + ahead
  }
}
