import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cleanUpConnection } from '../../src/adapters/ssh-folder.js'
import { openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { Caller, type Call } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
let second: Server
beforeAll(async () => {
  bed = await openBed({ name: 'lost', servers: [{}, { joins: 'manager' }], registry: false, builder: false })
  ;[, second] = bed.servers as [Server, Server]
}, 120_000)
afterAll(async () => {
  await bed.close()
})

const call = (...servers: Server[]): Call => ({
  host: servers.map(server => server.host).join('\n'),
  key: bed.sshKey,
  knownHosts: bed.knownHosts
})

const pidOf = (caller: Caller): number => Number(readFileSync(join(caller.records[0]?.folder ?? '', 'pid'), 'utf8'))

/** As if the process that holds the connection had crashed; it may be gone already. */
const endConnection = (caller: Caller): void => {
  try {
    process.kill(pidOf(caller), 'SIGKILL')
  } catch {
    // gone
  }
}

const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

const docker = (dockerHost: string): Promise<{ stdout: string }> =>
  promisify(execFile)('docker', ['info', '-f', '{{.Name}}'], { env: { ...bed.builderEnv, DOCKER_HOST: dockerHost } })

const until = async (asked: () => Promise<boolean>): Promise<void> => {
  while (!(await asked())) await new Promise(done => setTimeout(done, 100))
}

describe('a connection that is lost', () => {
  it('because its process died: is made anew, under the same socket, with its forwarded port', async () => {
    const caller = new Caller()
    const before = bed.server.handshakes()
    await using host = await caller.connect(call(bed.server))
    const back = await host.forwardBack(1)
    const ear = (async () => {
      for await (const event of host.engine.events({ types: ['service'] }, new AbortController().signal)) void event
      return 'ended'
    })()
    await host.engine.info()
    endConnection(caller)
    expect(await ear).toBe('ended')
    // Nobody asks the engine: a docker CLI that comes later finds its socket all the same.
    await until(() =>
      docker(host.dockerHost).then(
        found => found.stdout !== '',
        () => false
      )
    )
    expect((await host.engine.nodes()).length).toBe(2)
    expect(await host.engine.createObject('config', 'made_once', Buffer.from('x'), {})).not.toBe('')
    expect((await docker(host.dockerHost)).stdout.trim()).toBe(bed.server.name)
    expect((await host.run(['echo', 'here'])).stdout).toBe('here\n')
    const listening = await bed.server.exec(['sh', '-c', 'cat /proc/net/tcp'])
    expect(listening).toContain(`0100007F:${back.port.toString(16).toUpperCase().padStart(4, '0')}`)
    expect(bed.server.handshakes() - before).toBe(2)
    expect(caller.lines.join('\n')).toMatch(/was lost: connecting again\.[\s\S]*Connected to .* again/)
  })

  it('from the other end, in the middle of a command: says so', async () => {
    const caller = new Caller()
    await using host = await caller.connect(call(bed.server))
    const running = host.run(['sleep', '30'])
    await bed.server.exec([
      'sh',
      '-c',
      'sleep 0.5; for p in /proc/[0-9]*; do case "$(tr "\\0" " " <$p/cmdline)" in "sshd: deploy"*) kill ${p#/proc/};; esac; done'
    ])
    const result = await running
    expect(result.code).not.toBe(0)
    expect(result.stderr).toMatch(/connection/i)
    expect((await host.engine.info()).Name).toBe(bed.server.name)
  })

  // The longer ones take minutes: OUTAGE_SECONDS=30,120 asks for them.
  it.each((process.env['OUTAGE_SECONDS'] ?? '5').split(',').map(Number))(
    'for %d seconds: is waited for',
    async seconds => {
      const caller = new Caller()
      const before = bed.server.handshakes()
      await using host = await caller.connect(call(bed.server))
      await host.engine.info()
      await bed.server.unplug()
      const began = Date.now()
      const answer = host.engine.info()
      await new Promise(done => setTimeout(done, seconds * 1000))
      await bed.server.plug()
      expect((await answer).Name).toBe(bed.server.name)
      console.info(`unplugged for ${seconds} s, answered after ${Math.round((Date.now() - began) / 1000)} s`)
      expect(bed.server.handshakes() - before).toBeLessThanOrEqual(seconds < 10 ? 1 : 2)
    },
    300_000
  )

  it('while the engine starts again: reads wait for it', async () => {
    await using host = await new Caller().connect(call(bed.server))
    await bed.server.stopEngine()
    const answer = host.engine.version().then(() => host.engine.info())
    await bed.server.startEngine()
    expect((await answer).Name).toBe(bed.server.name)
  }, 60_000)

  it('for good: goes on over the next host', async () => {
    const caller = new Caller()
    await using host = await caller.connect({ ...call(second, bed.server), timeoutMs: 3_000 })
    expect((await host.engine.info()).Name).toBe(second.name)
    await second.powerOff()
    endConnection(caller)
    expect((await host.engine.info()).Name).toBe(bed.server.name)
    expect(host.name).toBe(bed.server.host)
    await second.powerOn()
  }, 90_000)

  it('in silence, as a manager does whose cable was pulled: goes on over the next host', async () => {
    const caller = new Caller()
    await using host = await caller.connect(call(second, bed.server))
    expect((await host.engine.info()).Name).toBe(second.name)
    await second.unplug()
    expect((await host.engine.info()).Name).toBe(bed.server.name)
    expect((await docker(host.dockerHost)).stdout.trim()).toBe(bed.server.name)
    await second.plug()
    expect(caller.lines.join('\n')).toMatch(/leaves calls unanswered .* trying the next host/)
  }, 120_000)

  it('and shows another host key afterwards: is not made again', async () => {
    const caller = new Caller()
    await using host = await caller.connect(call(second))
    const hostKey = join(second.dir, 'ssh_host_ed25519_key')
    const before = readFileSync(hostKey)
    const other = join(bed.server.dir, 'ssh_host_ed25519_key')
    writeFileSync(hostKey, readFileSync(other))
    await second.exec(['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'])
    endConnection(caller)
    await expect(host.engine.info()).rejects.toThrow(/another host key than before/)
    writeFileSync(hostKey, before)
    await second.exec(['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'])
  })
})

describe('a connection that is kept', () => {
  it('serves later steps, and post ends it', async () => {
    const caller = new Caller()
    const host = await caller.connect(call(bed.server))
    host.keep()
    await host[Symbol.asyncDispose]()
    const pid = pidOf(caller)
    expect((await docker(host.dockerHost)).stdout.trim()).toBe(bed.server.name)
    const [record] = caller.records
    if (record === undefined) throw new Error('nothing was remembered')
    await cleanUpConnection([record])
    expect(alive(pid)).toBe(false)
    expect(caller.left()).toEqual([])
    await cleanUpConnection([record])
  })

  it('is undone by post also when main was killed; a process that is not ours is left alone', async () => {
    const caller = new Caller()
    await caller.connect(call(bed.server))
    const [record] = caller.records
    if (record === undefined) throw new Error('nothing was remembered')
    const pid = pidOf(caller)
    const other = spawn('sleep', ['60'])
    writeFileSync(join(record.folder, 'pid'), String(other.pid))
    writeFileSync(join(record.keyFolder, 'key'), 'left behind')
    await cleanUpConnection([record])
    expect(alive(other.pid ?? 0)).toBe(true)
    expect(caller.left()).toEqual([])
    other.kill()
    process.kill(pid)
  })
})
