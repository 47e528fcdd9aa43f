import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { runAction } from '../../testbed/runner.ts'
import { scratch } from '../scratch.ts'
import { Caller } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
beforeAll(async () => {
  bed = await openBed({ name: 'connect', registry: false, builder: false })
}, 120_000)
afterAll(async () => {
  await bed.close()
})

describe('connecting', () => {
  it('verifies the server by known_hosts, in one handshake that serves the engine, commands and ports', async () => {
    const caller = new Caller()
    const before = bed.server.handshakes()
    const folders: string[] = []
    {
      await using host = await caller.connect({ host: bed.server.host, key: bed.sshKey, knownHosts: bed.knownHosts })
      folders.push(...readdirSync(caller.records[0]?.keyFolder ?? ''))
      expect((await host.engine.info()).Swarm?.LocalNodeState).toBe('active')
      // the newest API version that both sides know, as connect-engine sees on every engine
      const engine = await bed.server.docker('version', '--format', '{{.Server.Version}}')
      expect(await host.engine.version()).toEqual({ api: expect.stringMatching(/^1\.\d\d$/), engine })
      const result = await host.run(['sh', '-c', 'cat; echo "$1" >&2; exit 3', 'x', "it's"], { stdin: 'in' })
      expect(result).toEqual({ code: 3, stdout: 'in', stderr: "it's\n" })
      expect((await host.forwardBack(1)).port).toBeGreaterThan(1023)
    }
    expect(bed.server.handshakes() - before).toBe(1)
    expect(folders).toEqual([])
    expect(caller.left()).toEqual([])
  })

  it('verifies the server by a fingerprint, in the same one handshake', async () => {
    const caller = new Caller()
    const before = bed.server.connections()
    const host = await caller.connect({
      host: bed.server.host,
      key: bed.sshKey,
      fingerprint: await bed.server.fingerprint()
    })
    expect((await host.engine.nodes()).length).toBe(1)
    await host[Symbol.asyncDispose]()
    expect(bed.server.connections() - before).toBe(1)
  })

  it('stops before the login where nothing vouches for the server, and prints the line to paste', async () => {
    const caller = new Caller()
    const before = bed.server.sshdLog().length
    const words = await caller.refused({ host: bed.server.host, key: bed.sshKey })
    expect(words).toContain(await bed.server.fingerprint())
    expect(words).toContain(`    ${bed.server.knownHosts}`)
    expect(bed.server.sshdLog().slice(before)).not.toMatch(/Accepted|publickey/)
    expect(caller.left()).toEqual([])
  })

  it('stays open for the later steps of a job that asks for it, and post ends it', async () => {
    const before = bed.server.handshakes()
    const result = await runAction({
      with: {
        command: 'status',
        host: bed.server.host,
        'ssh-key': bed.sshKey,
        'ssh-known-hosts': bed.knownHosts,
        'export-docker-host': 'true',
        stack: 'shop'
      },
      workspace: scratch('connect'),
      env: { PATH: bed.builderEnv['PATH'] ?? '' }
    })
    expect(result.status).toBe('success')
    expect(result.log).toMatch(/^ok +swarm +active, this node is a manager$/m)
    expect(result.summary).toMatch(/ok \| <code>engine<\/code> \| Docker Engine /)
    expect(result.exported['DOCKER_HOST']).toMatch(/^unix:\/\/.+\/docker\.sock$/)
    expect(existsSync(result.exported['DOCKER_HOST']?.replace('unix://', '') ?? '')).toBe(false)
    expect(result.leftovers).toEqual([])
    expect(readdirSync(result.runnerTemp).filter(name => name.startsWith('sr-'))).toEqual([])
    expect(bed.server.handshakes() - before).toBe(1)
    result.clean()
  })

  it('takes an engine of this machine without ssh, and runs programs here', async () => {
    const caller = new Caller()
    await using host = await caller.connect({ host: `unix://${bed.server.socket}` })
    expect((await host.engine.info()).Name).toBe(bed.server.name)
    expect((await host.run(['echo', 'here'])).stdout).toBe('here\n')
    expect(host.dockerHost).toBe(`unix://${bed.server.socket}`)
    expect(caller.records).toEqual([])
    expect(await caller.refused({ host: 'unix:///nonexistent.sock' })).toMatch(
      /does not answer at unix:\/\/\/nonexistent/
    )
  })

  it('takes the path of another socket on the server', async () => {
    const call = { key: bed.sshKey, knownHosts: bed.knownHosts }
    await using host = await new Caller().connect({ ...call, host: `root@${bed.server.address}${bed.server.socket}` })
    expect((await host.engine.info()).Name).toBe(bed.server.name)
    const missing = `root@${bed.server.address}/nonexistent/docker.sock`
    expect(await new Caller().refused({ ...call, host: missing })).toMatch(/no socket at \/nonexistent\/docker\.sock/)
  })

  it('goes over IPv6', async () => {
    // As ssh writes it, whatever the bed's number: without a group of zeros.
    const six = (last: number): string => `fd77:1${bed.prefix.replace(/\D/g, '')}::${last}`
    await bed.server.exec(['ip', '-6', 'addr', 'add', `${six(2)}/64`, 'dev', 'eth0', 'nodad'])
    execFileSync('ip', ['-6', 'addr', 'add', `${six(1)}/64`, 'dev', `${bed.prefix}r`, 'nodad'])
    const knownHosts = bed.server.knownHosts.replace(/^\S+/, six(2))
    await using host = await new Caller().connect({ host: `deploy@[${six(2)}]:22`, key: bed.sshKey, knownHosts })
    expect((await host.engine.info()).Name).toBe(bed.server.name)
    expect(await new Caller().refused({ host: `deploy@[${six(2)}]`, key: bed.sshKey })).toContain(`    ${knownHosts}`)
  })
})
