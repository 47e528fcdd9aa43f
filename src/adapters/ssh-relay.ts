import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dialArgv, remoteCommand, sessionArgv } from '../commands/ssh.js'
import { messageOf } from '../errors.js'
import type { SshConnection } from './ssh-connection.js'
import { alone, isRefusal, type SessionGate } from './ssh-sessions.js'

/**
 * The engine's socket for servers that do not forward sockets (AllowStreamLocalForwarding no, or `restrict` on the key): a
 * socket of our own, each of whose connections is `docker system dial-stdio` in a session of the one SSH connection, as the
 * docker CLI's ssh:// does it, but without a handshake each. With MaxSessions 1 the connections take turns.
 */
export class Relay {
  readonly socketPath: string
  private readonly server: Server
  private readonly open = new Set<Socket>()

  constructor(
    private readonly connection: SshConnection,
    private readonly gate: SessionGate,
    /** The server runs what it likes (a forced command), so no mark will come. */
    private readonly forced: boolean
  ) {
    this.socketPath = join(connection.folder.record.folder, 'relay.sock')
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, socket => this.serve(socket))
    this.server.on('error', error => connection.options.log.debug(`relay: ${messageOf(error)}`))
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(this.socketPath, () => resolve())
      this.server.unref()
    })
  }

  close(): void {
    this.server.close()
    for (const socket of this.open) socket.destroy()
  }

  private serve(socket: Socket): void {
    this.open.add(socket)
    socket.once('close', () => this.open.delete(socket))
    socket.on('error', () => socket.destroy())
    this.dial(socket).catch((error: unknown) => {
      this.connection.options.log.debug(`relay: ${messageOf(error)}`)
      socket.destroy()
    })
  }

  private async dial(socket: Socket): Promise<void> {
    for (let lonely = 0; ;) {
      await this.connection.ready()
      await this.gate.enter()
      try {
        if (socket.destroyed || (await this.session(socket)) !== 'refused') return
        if (this.gate.refused()) continue
        if (++lonely >= alone.tries) throw new Error('the server opens no session')
        await delay(alone.pauseMs)
      } finally {
        this.gate.leave()
      }
    }
  }

  /** One session for one connection; nothing of the connection is read before the session is there, so it can be tried again. */
  private session(socket: Socket): Promise<'done' | 'refused'> {
    const mark = `swarm-rollout-${randomBytes(6).toString('hex')}`
    const command = remoteCommand(dialArgv(this.connection.route.socket), mark)
    const [program = '', ...args] = sessionArgv(this.connection.folder.paths, command)
    const child = spawn(program, args, { env: this.connection.options.env, cwd: '/', detached: true, stdio: 'pipe' })
    let words = ''
    child.stderr.on('data', (chunk: Buffer) => (words = (words + chunk.toString('utf8')).slice(-2_000)))
    child.stdin.on('error', () => undefined)
    socket.once('close', () => child.kill('SIGTERM'))
    const begun = { yes: this.forced }
    // A forced command prints no mark, so the answer begins where HTTP does, and the request is sent at once.
    answerAfter(this.forced ? Buffer.alloc(0) : Buffer.from(`${mark}\n`), socket, child, () => {
      begun.yes = true
      if (!this.forced) ask(socket, child)
    })
    if (this.forced) ask(socket, child)
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => {
        if (!begun.yes && isRefusal(words)) return resolve('refused')
        if (words.trim() !== '') this.connection.options.log.debug(`relay: ${words.trim()}`)
        socket.end()
        resolve('done')
      })
    })
  }
}

/** Passes on what the child prints after the mark, or from where HTTP begins: what a login profile printed is left out. */
function answerAfter(mark: Buffer, socket: Socket, child: ChildProcessWithoutNullStreams, begin: () => void): void {
  let before = Buffer.alloc(0)
  const look = (chunk: Buffer): void => {
    before = Buffer.concat([before, chunk])
    const at = before.indexOf(mark.length > 0 ? mark : 'HTTP/1.')
    if (at < 0) return
    child.stdout.off('data', look)
    begin()
    if (before.length > at + mark.length) socket.write(before.subarray(at + mark.length))
    child.stdout.pipe(socket)
  }
  child.stdout.on('data', look)
}

function ask(socket: Socket, child: ChildProcessWithoutNullStreams): void {
  socket.pipe(child.stdin)
  socket.resume()
}
