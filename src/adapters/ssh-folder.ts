import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { exitArgv, sshConfig, verifierScript, type SshPaths, type SshPlan } from '../commands/ssh.js'
import { readSeen, type SeenKey } from '../commands/ssh-log.js'
import { localShell } from './shell.js'

/** What the post step needs to undo a connection. Saved before anything of it is made. */
export interface ConnectionRecord {
  /** Sockets, configuration and process id of the connection. */
  readonly folder: string
  /** Holds the key file for as long as a handshake takes. */
  readonly keyFolder: string
}

/** The files of one connection, in folders of mode 0700 with names nobody can guess. */
export class SshFolder {
  readonly paths: SshPaths
  readonly log: string
  private readonly seenFile: string
  private readonly allowedFile: string
  private readonly pidFile: string

  private constructor(
    readonly record: ConnectionRecord,
    private readonly keep: (record: ConnectionRecord, is: 'made' | 'gone') => void
  ) {
    const at = (name: string): string => join(record.folder, name)
    this.paths = {
      config: at('config'),
      control: at('c'),
      knownHosts: at('known_hosts'),
      verifier: at('verify.sh'),
      key: join(record.keyFolder, 'key'),
      socket: at('docker.sock')
    }
    this.log = at('log')
    this.seenFile = at('seen')
    this.allowedFile = at('allowed')
    this.pidFile = at('pid')
  }

  /**
   * Makes both folders, after `keep` heard of them, as it does when they are gone. The sockets' one is in the system's temporary
   * folder for its short path.
   */
  static async make(runnerTemp: string, keep: SshFolder['keep']): Promise<SshFolder> {
    const id = randomBytes(6).toString('hex')
    const record = { folder: join(shortTemp(), `sr-${id}`), keyFolder: join(runnerTemp, `sr-key-${id}`) }
    keep(record, 'made')
    // Not recursive: a folder that is there already is not ours.
    await mkdir(record.folder, { mode: 0o700 })
    await mkdir(record.keyFolder, { mode: 0o700 })
    return new SshFolder(record, keep)
  }

  /** Everything that one handshake reads, except the key. `allowed`: lines of "name fingerprint" that are vouched for. */
  async prepare(plan: SshPlan, knownHosts: string, allowed: readonly string[]): Promise<void> {
    await Promise.all([
      writeFile(this.paths.config, sshConfig(plan), { mode: 0o600 }),
      writeFile(this.paths.knownHosts, knownHosts, { mode: 0o600 }),
      writeFile(this.paths.verifier, verifierScript(this.seenFile, this.allowedFile), { mode: 0o600 }),
      writeFile(this.allowedFile, allowed.map(line => `${line}\n`).join(''), { mode: 0o600 }),
      writeFile(this.seenFile, '', { mode: 0o600 }),
      writeFile(this.log, '', { mode: 0o600 }),
      rm(this.paths.control, { force: true }),
      rm(this.paths.socket, { force: true })
    ])
  }

  async writeKey(text: string): Promise<void> {
    await writeFile(this.paths.key, text, { mode: 0o600 })
  }

  async readKey(): Promise<string> {
    return await readFile(this.paths.key, 'utf8')
  }

  async removeKey(): Promise<void> {
    await rm(this.paths.key, { force: true })
  }

  /** The program that answers ssh-keygen's question with the passphrase of its own environment. */
  async askpass(): Promise<string> {
    const path = join(this.record.keyFolder, 'askpass')
    await writeFile(path, '#!/bin/sh\nprintf \'%s\\n\' "$SWARM_ROLLOUT_PASSPHRASE"\n', { mode: 0o700 })
    return path
  }

  async seen(): Promise<readonly SeenKey[]> {
    return readSeen(await readFile(this.seenFile, 'utf8').catch(() => ''))
  }

  async readLog(): Promise<string> {
    return await readFile(this.log, 'utf8').catch(() => '')
  }

  async clearLog(): Promise<void> {
    await truncate(this.log).catch(() => undefined)
  }

  /** At once and not later: between the process and its record nothing may come. */
  recordProcess(pid: number): void {
    writeFileSync(this.pidFile, String(pid), { mode: 0o600 })
  }

  connected(): boolean {
    return existsSync(this.paths.control)
  }

  async remove(): Promise<void> {
    await rm(this.record.keyFolder, { recursive: true, force: true })
    await rm(this.record.folder, { recursive: true, force: true })
    this.keep(this.record, 'gone')
  }
}

/** Undoes connections from their records; see {@link cleanUp}. */
export async function cleanUpConnection(records: readonly ConnectionRecord[]): Promise<void> {
  for (const record of records) await cleanUp(record)
}

/**
 * Undoes a connection from its record: ends its process, if it still is that very process, and removes its folders.
 * For the post step, which may run after the main step was killed at any point. Doing it twice is fine.
 */
async function cleanUp(record: ConnectionRecord): Promise<void> {
  const pid = Number(await readFile(join(record.folder, 'pid'), 'utf8').catch(() => ''))
  const config = join(record.folder, 'config')
  if (pid > 1 && existsSync('/proc/self/cmdline')) await endProcess(pid, config)
  else if (pid > 1) {
    const argv = exitArgv({ config, control: join(record.folder, 'c') })
    await localShell.run(argv, { env: { PATH: process.env['PATH'] ?? '' }, timeoutMs: 5_000 })
  }
  await rm(record.keyFolder, { recursive: true, force: true })
  await rm(record.folder, { recursive: true, force: true })
}

/** Only the process whose command line names our own configuration: a process id may long be somebody else's. */
async function endProcess(pid: number, config: string): Promise<void> {
  const isOurs = async (): Promise<boolean> =>
    (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').includes(config)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isOurs())) return
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    for (let waited = 0; waited < 2_000 && (await isOurs()); waited += 20) await delay(20)
  }
}

/** ssh binds its sockets under a temporary name 17 characters longer, and a socket's path has at most 104 in all. */
function shortTemp(): string {
  return tmpdir().length <= 60 ? tmpdir() : '/tmp'
}
