import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { masterArgv, type Hop, type SshPlan } from '../commands/ssh.js'
import { readFailure, type SshFailure } from '../commands/ssh-log.js'
import type { SshFolder } from './ssh-folder.js'

/** How often we look whether the handshake is done: it takes a few hundred milliseconds. */
const lookMs = 10

export interface HandshakeOptions {
  readonly env: Readonly<Record<string, string>>
  readonly key: string | undefined
  readonly knownHosts: string
  readonly allowed: readonly string[]
  /** Forwarded to `paths.socket`; null forwards nothing. */
  readonly remoteSocket: string | null
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * One handshake, by the one process that then holds the connection. It outlives this process unless it is ended, so its
 * id is recorded at once. The key is on disk only while this runs. Never throws for what ssh says: that is the failure.
 */
export async function handshake(
  folder: SshFolder,
  plan: SshPlan,
  options: HandshakeOptions
): Promise<{ readonly master: ChildProcess } | { readonly failure: SshFailure }> {
  await folder.prepare(plan, options.knownHosts, options.allowed)
  if (options.key !== undefined) await folder.writeKey(options.key)
  try {
    const master = start(folder, masterArgv(folder.paths, options.remoteSocket), options.env)
    const end = await outcome(master, folder, options)
    if (end === 'connected') return { master }
    await endMaster(master)
    options.signal.throwIfAborted()
    if (end === 'missing') return { failure: { kind: 'no-ssh' } }
    return { failure: await whyNot(folder, plan.hops, end === 'timeout') }
  } finally {
    await folder.removeKey()
  }
}

/** Ends the process that holds a connection, and waits until it is gone. */
export async function endMaster(master: ChildProcess): Promise<void> {
  const gone = (): boolean => master.exitCode !== null || master.signalCode !== null || master.pid === undefined
  if (gone()) return
  const exit = new Promise(done => master.once('exit', done))
  // Nothing else may be left that keeps this process waiting for it.
  master.ref()
  master.kill('SIGTERM')
  await Promise.race([exit, delay(2_000, undefined, { ref: false })])
  if (!gone()) master.kill('SIGKILL')
}

function start(folder: SshFolder, argv: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const [program = '', ...args] = argv
  const log = openSync(folder.log, 'a')
  try {
    const master = spawn(program, args, { env, cwd: '/', detached: true, stdio: ['ignore', log, log] })
    if (master.pid !== undefined) folder.recordProcess(master.pid)
    master.unref()
    return master
  } finally {
    closeSync(log)
  }
}

/** ssh makes its control socket last: after the login, and after the forwarded socket is there (ssh_session2 in ssh.c). */
async function outcome(
  master: ChildProcess,
  folder: SshFolder,
  options: HandshakeOptions
): Promise<'connected' | 'ended' | 'timeout' | 'missing'> {
  const state = { ended: false, missing: false }
  master.once('exit', () => (state.ended = true))
  master.once('error', () => (state.missing = true))
  const deadline = Date.now() + options.timeoutMs
  while (!options.signal.aborted) {
    if (state.missing) return 'missing'
    if (state.ended) return 'ended'
    if (folder.connected()) return 'connected'
    if (Date.now() > deadline) return 'timeout'
    await delay(lookMs)
  }
  return 'ended'
}

async function whyNot(folder: SshFolder, hops: readonly Hop[], timedOut: boolean): Promise<SshFailure> {
  return readFailure(await folder.readLog(), await folder.seen(), hops, timedOut)
}
