import { readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parse } from 'yaml'
import type { Bed } from '../bed.ts'
import { startAction } from '../runner.ts'
import { projectDir } from '../toolchain.ts'
import { windowSeconds } from './cases.ts'
import type { Contestant, Ending, Order } from './contestant.ts'

/** The small file beside an action that says how it is used. `{…}` in its texts are filled in, see {@link values}. */
interface Usage {
  readonly name?: string
  readonly 'waits-for': string
  readonly with: Readonly<Record<string, string>>
  /** Further `with` for a rollback by hand; without it, the earlier compose file is deployed again. */
  readonly rollback?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** The output that says how it ended, if one does. */
  readonly status?: string
}

/** This project's own action. */
export const own = { folder: projectDir, usage: join(projectDir, 'testbed/bench/own.yaml') }

/** `FOLDER` has the file as `bench.yaml` in it; `FOLDER=FILE` says where else it is. */
export function peerOf(text: string): { folder: string; usage: string } {
  const [folder = '', usage = join(folder, 'bench.yaml')] = text.split('=')
  return { folder: resolve(folder), usage: resolve(usage) }
}

/** Any JavaScript action, from its folder with action.yml and bundle, started as the runner does. */
export function action(bed: Bed, { folder, usage: file }: { folder: string; usage: string }): Contestant {
  const usage = parse(readFileSync(file, 'utf8')) as Usage
  const isOwn = folder === projectDir
  return {
    name: usage.name ?? basename(folder),
    waitsFor: filled(usage['waits-for'], { window: String(windowSeconds) }),
    async run(order: Order): Promise<Ending> {
      const back = order.does === 'go back' ? usage.rollback : undefined
      const given = values(bed, order)
      const lines: string[] = []
      const startedAt = Date.now()
      const stamped = (text: string) => text.replaceAll(/^(?=.)/gm, `${((Date.now() - startedAt) / 1000).toFixed(2)}  `)
      const step = startAction({
        actionDir: folder,
        // another action's bundle is always its own
        ...(!isOwn && { distDir: join(folder, 'dist') }),
        workspace: order.workspace,
        with: fill({ ...usage.with, ...back }, given),
        env: { ...bed.builderEnv, GITHUB_SHA: order.commit, ...fill(usage.env ?? {}, given) },
        onLog: text => lines.push(stamped(text)),
        onProcess: pid => order.meter.adopt(pid)
      })
      const result = await step.result
      result.clean()
      const postMs = result.post?.ms ?? 0
      return {
        startedAt,
        endedAt: startedAt + result.ms + postMs,
        postMs,
        said: result.outputs[usage.status ?? ''] ?? result.status,
        log: lines.join('')
      }
    }
  }
}

function values(bed: Bed, order: Order): Readonly<Record<string, string>> {
  const { address } = bed
  return {
    address,
    port: String(order.port),
    host: `deploy@${address}:${order.port}`,
    user: 'deploy',
    'ssh-key': bed.sshKey,
    'known-hosts': knownHosts(bed, order.port),
    stack: order.stack,
    'compose-file': 'compose.yaml',
    registry: bed.registry,
    window: String(windowSeconds)
  }
}

/** The server's own key, at the relay's address. */
export function knownHosts({ address, server }: Bed, port: number): string {
  return `[${address}]:${port} ${server.knownHosts.slice(server.knownHosts.indexOf(' ') + 1)}`
}

function fill(
  texts: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, filled(String(text), given)]))
}

function filled(text: string, given: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{([a-z-]+)\}/g, (all, name: string) => given[name] ?? all)
}
