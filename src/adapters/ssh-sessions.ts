import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { forwardBackArgv, remoteCommand, sessionArgv } from '../commands/ssh.js'
import { UserError } from '../errors.js'
import { forwardBackRefused } from '../errors/ssh.js'
import type { RunOptions, RunResult, Shell, ForwardedPort } from '../ports.js'
import type { SshConnection } from './ssh-connection.js'

/**
 * How many sessions the server allows at once on one connection (MaxSessions). Unknown until it refuses one; from then
 * on the others wait their turn.
 */
export class SessionGate {
  private limit = Infinity
  private active = 0
  private readonly waiting: (() => void)[] = []

  async enter(): Promise<void> {
    while (this.active >= this.limit) await new Promise<void>(done => this.waiting.push(done))
    this.active++
  }

  leave(): void {
    this.active--
    this.waiting.shift()?.()
  }

  /**
   * The session that the caller entered for was refused: no more than the others that are open. false where there was no other: it may have
   * been one that the server had not closed yet, or the server opens none at all.
   */
  refused(): boolean {
    this.limit = Math.max(1, Math.min(this.limit, this.active - 1))
    return this.active > 1
  }
}

/** How often a session that was refused though it was the only one is asked for, and the pause in between, in milliseconds. */
export const alone = { tries: 5, pauseMs: 300 }

export type RunRemote = (
  argv: readonly string[],
  options?: Pick<RunOptions, 'stdin' | 'onLine' | 'timeoutMs'>
) => Promise<RunResult>

/** Runs programs on the server over the connection that is there. */
export function remoteShell(shell: Shell, connection: SshConnection, gate: SessionGate): RunRemote {
  return async (argv, options = {}) => {
    for (let tries = 1, lonely = 0; ; tries++) {
      await connection.ready()
      await gate.enter()
      const { generation } = connection
      try {
        const { started, result } = await once(shell, connection, argv, options)
        if (result.code !== 255) return result
        if (started) return (await wasLost(connection, generation)) ? lostWhileRunning(result, connection) : result
        if (isRefusal(result.stderr)) {
          if (gate.refused()) continue
          if (++lonely >= alone.tries) return result
          await delay(alone.pauseMs)
        } else if (tries > 3 || connection.isUp()) return result
      } finally {
        gate.leave()
      }
    }
  }
}

/** ssh ends with 255 when its connection is lost, but so may the program: what became of the connection tells them apart. */
async function wasLost(connection: SshConnection, generation: number): Promise<boolean> {
  await delay(100)
  return !connection.isUp() || connection.generation !== generation
}

function lostWhileRunning(result: RunResult, connection: SshConnection): RunResult {
  const words = `The connection to ${connection.name} was lost while this ran; it may have gone on there.`
  return { ...result, stderr: `${result.stderr}${words}\n` }
}

async function once(
  shell: Shell,
  connection: SshConnection,
  argv: readonly string[],
  options: NonNullable<Parameters<RunRemote>[1]>
): Promise<{ started: boolean; result: RunResult }> {
  const mark = `swarm-rollout-${randomBytes(6).toString('hex')}`
  const { onLine, stdin, timeoutMs } = options
  const begun = { stdout: false, stderr: false }
  const result = await shell.run(sessionArgv(connection.folder.paths, remoteCommand(argv, mark)), {
    env: connection.options.env,
    ...(stdin === undefined ? {} : { stdin }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(onLine === undefined
      ? {}
      : {
          onLine: (line, stream) => {
            if (begun[stream]) onLine(line, stream)
            else if (line.endsWith(mark)) begun[stream] = true
          }
        })
  })
  return {
    started: result.stdout.includes(mark),
    result: { code: result.code, stdout: after(result.stdout, mark), stderr: after(result.stderr, mark) }
  }
}

/** What follows the mark; all of it where there is none, as when the server forces a command of its own. */
function after(output: string, mark: string): string {
  const at = output.indexOf(`${mark}\n`)
  return at < 0 ? output : output.slice(at + mark.length + 1)
}

/** ssh's words when the server opens no further session (mux.c). */
export function isRefusal(stderr: string): boolean {
  return /Session open refused|session request failed/i.test(stderr)
}

/** Lets the server reach a port of ours, for as long as the connection lasts, reconnects included. */
export async function forwardBack(
  shell: Shell,
  connection: SshConnection,
  localPort: number,
  wanted = 0
): Promise<ForwardedPort> {
  await connection.ready()
  const ask = (remotePort: number, what: 'forward' | 'cancel' = 'forward'): Promise<RunResult> =>
    shell.run(forwardBackArgv(connection.folder.paths, localPort, remotePort, what), {
      env: connection.options.env,
      timeoutMs: 30_000
    })
  const result = await ask(wanted)
  // ssh only names a port that the server chose.
  const port = wanted === 0 ? Number(/^\s*(\d+)\s*$/m.exec(result.stdout)?.[1]) : wanted
  if (result.code !== 0 || !Number.isInteger(port) || port === 0) {
    throw new UserError(forwardBackRefused(connection.name, result.stderr.trim()))
  }
  let closed = false
  connection.onReconnect(async () => {
    if (!closed) await ask(port)
  })
  return {
    port,
    close: async () => {
      closed = true
      await ask(port, 'cancel')
    }
  }
}
