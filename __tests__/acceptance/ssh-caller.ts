import { existsSync, readdirSync } from 'node:fs'
import { makeConnect } from '../../src/adapters/ssh.js'
import type { ConnectionRecord } from '../../src/adapters/ssh-folder.js'
import { addresses } from '../../src/inputs/addresses.js'
import type { Connect, ConnectRequest, Host, Log } from '../../src/ports.js'
import { scratch } from '../scratch.ts'

/** What a test says about a connection: the inputs as the workflow has them, and the rest of the request. */
export interface Call extends Partial<Omit<ConnectRequest, 'hosts' | 'jumps'>> {
  readonly host: string
  readonly jump?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A runner of its own: temporary folder, log and records of what post would have to undo. */
export class Caller {
  readonly lines: string[] = []
  records: readonly ConnectionRecord[] = []
  readonly runnerTemp = scratch('runner')

  connect(call: Call): Promise<Host> {
    return this.port(call.env)(this.request(call))
  }

  /** What the pipelines would ask for with these inputs. */
  request({ host, jump, env: _, ...rest }: Call): ConnectRequest {
    return {
      hosts: addresses('host', host).value,
      jumps: addresses('ssh-jump', jump).value,
      timeoutMs: 15_000,
      signal: new AbortController().signal,
      ...rest
    }
  }

  /** The Connect port of this runner. */
  port(env: Readonly<Record<string, string>> = {}): Connect {
    return makeConnect({
      log: this.log,
      env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
      runnerTemp: this.runnerTemp,
      remember: records => (this.records = [...this.records.filter(each => !records.includes(each)), ...records])
    })
  }

  /** The problems of a connection that must not come about, as one text. */
  async refused(call: Call): Promise<string> {
    const outcome = await this.connect(call).then(
      host => host[Symbol.asyncDispose]().then(() => 'connected'),
      (error: unknown) => {
        const problems = (error as { problems?: readonly { message: string; remedy?: string; details?: string }[] })
          .problems
        if (problems === undefined) throw error
        return problems.map(each => [each.message, each.remedy, each.details].filter(Boolean).join('\n')).join('\n\n')
      }
    )
    return outcome
  }

  /** What a connection left behind on this side: files and folders, sockets, keys. */
  left(): string[] {
    return [
      ...this.records.flatMap(record => [record.folder, record.keyFolder]).filter(folder => existsSync(folder)),
      ...readdirSync(this.runnerTemp)
    ]
  }

  readonly log: Log = {
    info: line => this.lines.push(line),
    debug: line => this.lines.push(`debug: ${line}`),
    notice: line => this.lines.push(`notice: ${line}`),
    warning: line => this.lines.push(`warning: ${line}`),
    error: line => this.lines.push(`error: ${line}`),
    group: (_, body) => body(),
    mask: () => undefined,
    redact: text => text
  }
}
