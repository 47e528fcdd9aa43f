import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bed } from '../bed.ts'
import { knownHosts } from './action.ts'
import { windowSeconds } from './cases.ts'
import type { Contestant, Ending, Order } from './contestant.ts'

/**
 * `docker stack deploy --detach=false` with DOCKER_HOST=ssh://, as a workflow would run it. The CLI has no setting for keys
 * and known hosts, so an `ssh` on its PATH adds them.
 */
export function dockerCli(bed: Bed, folder: string): Contestant {
  const bin = join(folder, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(folder, 'key'), bed.sshKey, { mode: 0o600 })
  const config = join(folder, 'ssh_config')
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F '${config}' "$@"\n`)
  chmodSync(join(bin, 'ssh'), 0o755)
  return {
    name: 'docker CLI',
    waitsFor: `what the CLI waits for: the engine's update at its end or the tasks running, and ${windowSeconds} s more for what has none`,
    async run(order: Order): Promise<Ending> {
      const known = join(folder, `known-${order.port}`)
      writeFileSync(known, `${knownHosts(bed, order.port)}\n`)
      writeFileSync(
        config,
        `Host *\nIdentityFile ${join(folder, 'key')}\nIdentitiesOnly yes\nUserKnownHostsFile ${known}\nStrictHostKeyChecking yes\nBatchMode yes\n`
      )
      const env = {
        ...bed.builderEnv,
        PATH: `${bin}:${bed.builderEnv['PATH'] ?? ''}`,
        HOME: folder,
        DOCKER_HOST: `ssh://deploy@${bed.address}:${order.port}`
      }
      const startedAt = Date.now()
      const child = spawn('docker', ['stack', 'deploy', '--detach=false', '-c', 'compose.yaml', order.stack], {
        cwd: order.workspace,
        env,
        stdio: ['ignore', 'pipe', 'pipe']
      })
      const chunks: string[] = []
      child.stdout.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
      if (child.pid !== undefined) order.meter.adopt(child.pid)
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject)
        child.once('close', resolve)
      })
      return { startedAt, endedAt: Date.now(), said: `exit ${code ?? 'by a signal'}`, log: chunks.join('') }
    }
  }
}
