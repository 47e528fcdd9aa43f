import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { localFiles } from '../../src/adapters/files.js'
import { fetchHttp } from '../../src/adapters/http.js'
import { setUp, type SetupOptions, type SetupReport } from '../../src/pipelines/setup.js'
import type { Ports } from '../../src/ports.js'
import { openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { runAction } from '../../testbed/runner.ts'
import { ensureToolchain } from '../../testbed/toolchain.ts'
import { scratch } from '../scratch.ts'
import { Caller, type Call } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
let servers: readonly Server[]
let workspace: string
beforeAll(async () => {
  bed = await openBed({
    name: 'setup',
    servers: [{ engine: 'none' }, { engine: 'none' }, { engine: 'none' }, {}],
    swarm: false,
    registry: false,
    builder: false
  })
  servers = bed.servers
  workspace = scratch('setup')
  const { enginePath } = await ensureToolchain('28')
  const links = enginePath.split(':').map(folder => `ln -sf ${folder}/* /usr/local/bin/`)
  const script = ['#!/bin/sh', 'set -e', 'echo "# installing"', 'groupadd -f docker', ...links, 'cat >/dev/null']
  writeFileSync(join(workspace, 'install.sh'), `${script.join('\n')}\n`)
  writeFileSync(join(workspace, 'broken.sh'), '#!/bin/sh\necho E: no such package\nexit 100\n')
  writeFileSync(join(workspace, 'not-a-script.txt'), 'hello\n')
}, 180_000)
afterAll(async () => {
  await bed.close()
})

const at = (index: number): Server => servers[index] as Server
const as = (user: string, ...which: Server[]): Call => ({
  host: which.map(server => `${user}@${server.address}`).join('\n'),
  key: bed.sshKey,
  knownHosts: bed.knownHosts
})

const run = async (
  call: Call,
  options: Partial<SetupOptions> = {}
): Promise<{ report: SetupReport; caller: Caller }> => {
  const caller = new Caller()
  const ports = {
    connect: caller.port(),
    log: caller.log,
    files: localFiles(scratch('setup'), () => undefined),
    http: fetchHttp,
    cancelled: new AbortController().signal
  } as unknown as Ports
  const report = await setUp(ports, caller.request(call), { workspace, installScript: 'install.sh', ...options })
  expect(caller.left()).toEqual([])
  return { report, caller }
}

const refused = async (call: Call, options: Partial<SetupOptions> = {}): Promise<string> => {
  const thrown = (await run(call, options).catch((error: unknown) => error)) as {
    problems: readonly { message: string; remedy?: string; details?: string }[]
  }
  return thrown.problems.map(each => [each.message, each.remedy, each.details].join('\n')).join('\n')
}

/** Debian's own sudo, for the user without a password. */
const giveSudo = async (server: Server, user: string): Promise<void> => {
  const folder = scratch('setup')
  execFileSync('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', 'sudo'], { cwd: folder, stdio: 'ignore' })
  const [deb = ''] = readdirSync(folder)
  execFileSync('cp', [join(folder, deb), join(server.dir, 'sudo.deb')])
  const script = `dpkg -x ${join(server.dir, 'sudo.deb')} /tmp/sudo; cp -a /tmp/sudo/usr/. /usr/; cp -a /tmp/sudo/etc/. /etc/
    echo '${user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/test; chmod 440 /etc/sudoers.d/test`
  await server.exec(['sh', '-ec', script])
}

describe('setup', () => {
  it('says what keeps it from its work, of all servers at once, before it changes any', async () => {
    const words = await refused(as('stranger', at(0), at(1)))
    expect(words.match(/is not root and may not use sudo/g)).toHaveLength(2)
    expect(await at(0).exec(['sh', '-c', 'command -v dockerd || echo none'])).toContain('none')
    const both = await refused({ ...as('root', at(0)), host: `root@${at(0).address}\nroot@${at(0).address}:23` })
    expect(both).toMatch(/Connection refused/)
  })

  it('shows why an install script failed, and which cannot be used', async () => {
    expect(await refused(as('root', at(0)), { installScript: 'broken.sh' })).toMatch(
      /exit code 100[\s\S]*no such package/
    )
    expect(await refused(as('root', at(0)), { installScript: 'missing.sh' })).toMatch(/there is no such file/)
    expect(await refused(as('root', at(0)), { installScript: 'not-a-script.txt' })).toMatch(
      /does not begin like a script/
    )
    expect(await refused(as('root', at(0)), { installScript: 'http://127.0.0.1:9/x' })).toMatch(/cannot be used/)
  })

  it('makes a fresh server ready, and a second run changes nothing', async () => {
    const call = as('root', at(0))
    const before = at(0).handshakes()
    const { report, caller } = await run(call, { proxyNetwork: 'proxy' })
    expect(report.done).toEqual([
      expect.stringMatching(/Docker installed/),
      expect.stringMatching(/Docker started/),
      `root@${at(0).address}: swarm started, at ${at(0).address}.`,
      expect.stringMatching(/network proxy made/)
    ])
    expect(caller.lines).toContain('# installing')
    expect(report.knownHosts).toEqual([at(0).knownHosts])
    expect(report.notes.join('\n')).toMatch(/as good as root[\s\S]*22\/tcp for SSH/)
    expect(at(0).handshakes() - before).toBe(1)
    // The bed's own network is in 10.0.0.0/8, so the swarm's is elsewhere.
    const swarm = (await at(0).api('GET', '/swarm')) as { DefaultAddrPool: string[] }
    expect(swarm.DefaultAddrPool).toEqual(['10.200.0.0/16'])
    const again = await run(call, { proxyNetwork: 'proxy' })
    expect(again.report.done).toEqual([])
  }, 120_000)

  it('with a user who has sudo: adds them to the docker group and joins the server to the first', async () => {
    await giveSudo(at(1), 'stranger')
    const hosts = `root@${at(0).address}\nstranger@${at(1).address}`
    const { report, caller } = await run({ ...as('root', at(0)), host: hosts })
    expect(report.done.join('\n')).toMatch(
      /Docker installed[\s\S]*may use Docker now[\s\S]*joined the swarm as a worker/
    )
    expect(caller.lines.join('\n')).not.toMatch(/SWMTKN-/)
    expect(await at(0).docker('node', 'ls', '--format', '{{.Hostname}} {{.Status}}')).toContain(`${at(1).name} Ready`)
    const again = await run({ ...as('root', at(0)), host: hosts })
    expect(again.report.done).toEqual([])
    expect(at(1).handshakes()).toBe(4)
  }, 120_000)

  it('leaves a server of another swarm alone', async () => {
    await at(3).docker('swarm', 'init')
    const words = await refused({ ...as('root', at(0)), host: `root@${at(0).address}\ndeploy@${at(3).address}` })
    expect(words).toMatch(/is in another swarm/)
    expect(await refused({ ...as('root', at(1)), host: `root@${at(1).address}` })).toMatch(/is a worker of a swarm/)
  })

  it('as a step of a workflow: from a server with only sshd to the lines to paste', async () => {
    const server = at(2)
    const result = await runAction({
      with: {
        command: 'setup',
        host: `root@${server.address}`,
        'ssh-key': bed.sshKey,
        'ssh-fingerprint': await server.fingerprint(),
        'install-script': 'install.sh',
        'proxy-network': 'proxy'
      },
      workspace
    })
    expect(result.log).toMatch(/swarm started/)
    expect(result.status).toBe('success')
    expect(result.outputs['status']).toBe('ready')
    // each on a line of its own, or nobody could paste them
    expect(result.log).toContain(`Ready. To deploy to it:\nwith:\n  host: root@${server.address}\n  ssh-key: `)
    expect(result.log).toContain(`    ${server.knownHosts}`)
    expect(result.leftovers).toEqual([])
    result.clean()
  }, 60_000)
})
