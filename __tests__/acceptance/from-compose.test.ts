import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { until } from '../../testbed/processes.ts'
import { runAction } from '../../testbed/runner.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import { scratch } from '../scratch.ts'

/** What docs/guides/moving.md promises to those who come from docker compose on the same server. */
let bed: Bed
const workspace = scratch('from-compose')

beforeAll(async () => {
  bed = await openBed({ name: 'from-compose', registry: false })
  copyFileSync((await ensureToolchain('28')).busybox, join(workspace, 'busybox'))
  const lines = ['FROM scratch', 'COPY busybox /bin/busybox', 'ENTRYPOINT ["/bin/busybox"]', 'CMD ["sleep", "100000"]']
  writeFileSync(join(workspace, 'Dockerfile'), `${lines.join('\n')}\n`)
  const compose = 'services:\n  db:\n    build: .\n    volumes: ["db-data:/data"]\nvolumes:\n  db-data:\n'
  writeFileSync(join(workspace, 'compose.yaml'), compose)
}, 180_000)
afterAll(async () => {
  await bed.close()
})

it('a stack that has the name of a compose project finds the volume, with its data', async () => {
  const { server } = bed
  // As `docker compose down` leaves it.
  const labels = ['--label', 'com.docker.compose.project=old', '--label', 'com.docker.compose.volume=db-data']
  await server.docker('volume', 'create', ...labels, 'old_db-data')
  const mountpoint = await server.docker('volume', 'inspect', '--format', '{{.Mountpoint}}', 'old_db-data')
  await server.exec(['sh', '-c', `echo years of work > ${mountpoint}/file`])

  const inputs = { host: server.host, 'ssh-key': bed.sshKey, 'ssh-known-hosts': bed.knownHosts, transfer: 'direct' }
  const result = await runAction({ with: { ...inputs, stack: 'old' }, env: bed.builderEnv, workspace })
  result.clean()
  expect(result.outputs['status'] === 'deployed' ? 'deployed' : result.log).toBe('deployed')
  const task = () => server.docker('ps', '--quiet', '--filter', 'name=_db')
  const id = await until('the task', 10_000, async () => (await task()) || undefined)
  expect(await server.docker('exec', id, '/bin/busybox', 'cat', '/data/file')).toBe('years of work')
}, 120_000)
