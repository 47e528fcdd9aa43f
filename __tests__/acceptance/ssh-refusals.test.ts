import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { scratch } from '../scratch.ts'
import { Caller } from './ssh-caller.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
beforeAll(async () => {
  bed = await openBed({
    name: 'refusals',
    servers: [{}, { engine: 'none' }],
    swarm: false,
    registry: false,
    builder: false
  })
}, 120_000)
afterAll(async () => {
  await bed.close()
})

const makeKey = (...options: string[]): { file: string; key: string; publicKey: string } => {
  const file = join(scratch('ssh-refusals'), 'id')
  execFileSync('ssh-keygen', ['-q', '-N', '', '-C', 'test', '-f', file, ...options])
  return { file, key: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() }
}

/** Where sshd's log tells of logins since the test began. */
const since = (): (() => string) => {
  const before = bed.server.sshdLog().length
  return () => bed.server.sshdLog().slice(before)
}

describe('a connection that must not come about', () => {
  it('has no key and no agent', async () => {
    const log = since()
    const words = await new Caller().refused({ host: bed.server.host, knownHosts: bed.knownHosts })
    expect(words).toMatch(/No `ssh-key`, and no ssh-agent/)
    expect(log()).toBe('')
  })

  it.each([
    ['cut off', (key: string) => key.slice(0, key.length / 2), /cut off/],
    ['damaged', (key: string) => key.replace(/b3Bl/, 'xxxx'), /damaged/],
    ['damaged further in', (key: string) => key.replace(/(KEY-----\n.*\n.*\n.{20}).{8}/, '$1AAAAAAAA'), /damaged/],
    ['a password', () => 'hunter2', /not a private key/]
  ])('has a key that is %s: said before the server is talked to', async (_, damage, message) => {
    const log = since()
    const caller = new Caller()
    const key = damage(bed.sshKey)
    const words = await caller.refused({ host: bed.server.host, key, knownHosts: bed.knownHosts })
    expect(words).toMatch(message)
    expect(words).not.toContain(key.slice(40, 80) || key)
    expect(log()).toBe('')
    expect(caller.left()).toEqual([])
  })

  it('has the public key, its file name, or a PuTTY key', async () => {
    const { publicKey } = makeKey('-t', 'ed25519')
    const call = { host: bed.server.host, knownHosts: bed.knownHosts }
    expect(await new Caller().refused({ ...call, key: publicKey })).toMatch(/is a public key/)
    expect(await new Caller().refused({ ...call, key: '~/.ssh/id_ed25519' })).toMatch(/path of a file/)
    expect(await new Caller().refused({ ...call, key: 'PuTTY-User-Key-File-3: ssh-ed25519\n' })).toMatch(/PuTTY/)
  })

  it('has a key with a passphrase, and none or a wrong one', async () => {
    const { file } = makeKey('-t', 'ed25519')
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'right', '-f', file])
    const call = { host: bed.server.host, knownHosts: bed.knownHosts, key: readFileSync(file, 'utf8') }
    expect(await new Caller().refused(call)).toMatch(/protected by a passphrase/)
    const caller = new Caller()
    expect(await caller.refused({ ...call, passphrase: 'wrong' })).toMatch(/does not open/)
    expect(caller.left()).toEqual([])
  })

  it('names every problem of its inputs at once', async () => {
    const words = await new Caller().refused({
      host: bed.server.host,
      key: 'hunter2',
      knownHosts: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAA\nnonsense'
    })
    expect(words).toMatch(/not a private key/)
    expect(words).toMatch(/line 1 is a key without its host/)
    expect(words).toContain(`${bed.server.address} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAA`)
    expect(words).toMatch(/line 2 is not a known_hosts line/)
  })

  it('meets another host key than the known one: both fingerprints, and no login', async () => {
    const log = since()
    const other = makeKey('-t', 'ed25519').publicKey
    const fingerprint = execFileSync('ssh-keygen', ['-lf', '-'], { input: other, encoding: 'utf8' }).split(' ')[1] ?? ''
    const knownHosts = `${bed.server.address} ${other}`
    const words = await new Caller().refused({ host: bed.server.host, key: bed.sshKey, knownHosts })
    expect(words).toMatch(/is not the one in `ssh-known-hosts`/)
    expect(words).toContain(fingerprint)
    expect(words).toContain(await bed.server.fingerprint())
    const again = await new Caller().refused({ host: bed.server.host, key: bed.sshKey, fingerprint })
    expect(again).toMatch(/is not the one in `ssh-fingerprint`/)
    expect(again).toContain(fingerprint)
    expect(again).toContain(await bed.server.fingerprint())
    expect(log()).not.toMatch(/Accepted|publickey/)
  })

  it('has known_hosts lines of other hosts only: says of which', async () => {
    const knownHosts = bed.server.knownHosts.replace(/^\S+/, 'example.com')
    const words = await new Caller().refused({ host: bed.server.host, key: bed.sshKey, knownHosts })
    expect(words).toContain('speaks of example.com')
    expect(words).toContain(bed.server.knownHosts)
  })

  it('is refused the login: shows the line for authorized_keys', async () => {
    const { key, publicKey } = makeKey('-t', 'ed25519')
    const words = await new Caller().refused({ host: bed.server.host, key, knownHosts: bed.knownHosts })
    expect(words).toMatch(/refused the login/)
    expect(words).toContain(publicKey)
    const root = await new Caller().refused({ host: bed.server.address, key, knownHosts: bed.knownHosts })
    expect(root).toMatch(/user root \(the default/)
  })

  it('meets a closed port, an unknown name, and an address where nobody is', async () => {
    const call = { key: bed.sshKey, knownHosts: bed.knownHosts, timeoutMs: 2_000 }
    expect(await new Caller().refused({ ...call, host: `deploy@${bed.server.address}:23` })).toMatch(
      /cannot be reached: Connection refused/
    )
    expect(await new Caller().refused({ ...call, host: 'deploy@nowhere.invalid', timeoutMs: 10_000 })).toMatch(
      /nowhere\.invalid cannot be reached: Could not resolve/
    )
    const silent = bed.server.address.replace(/\d+$/, '99')
    expect(await new Caller().refused({ ...call, host: `deploy@${silent}` })).toMatch(
      /did not answer within 2 s|No route/
    )
  })

  it('meets a server that accepts and says nothing: ends within its time', async () => {
    const mute: TcpServer = createServer(() => undefined)
    await new Promise<void>(done => mute.listen(0, '127.0.0.1', done))
    const { port } = mute.address() as { port: number }
    const words = await new Caller().refused({
      host: `deploy@127.0.0.1:${port}`,
      key: bed.sshKey,
      knownHosts: bed.knownHosts,
      timeoutMs: 1_500
    })
    mute.close()
    expect(words).toMatch(/did not answer within 2 s/)
  })

  it('is cancelled while it waits: nothing is left', async () => {
    const caller = new Caller()
    const silent = bed.server.address.replace(/\d+$/, '99')
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('cancelled')), 300)
    const call = { host: `deploy@${silent}`, key: bed.sshKey, knownHosts: bed.knownHosts, signal: controller.signal }
    await expect(caller.connect(call)).rejects.toThrow('cancelled')
    expect(caller.left()).toEqual([])
  })

  it('meets a user who may not use the engine', async () => {
    const call = { host: `stranger@${bed.server.address}`, key: bed.sshKey, knownHosts: bed.knownHosts }
    expect(await new Caller().refused(call)).toMatch(
      /stranger .* may not use the Docker Engine[\s\S]*usermod -aG docker stranger/
    )
  })

  it('meets a server without Docker, and one whose engine is stopped', async () => {
    const call = { key: bed.sshKey, knownHosts: bed.knownHosts }
    expect(await new Caller().refused({ ...call, host: bed.servers[1]?.host ?? '' })).toMatch(
      /Docker is not installed[\s\S]*command: setup/
    )
    await bed.server.stopEngine()
    try {
      expect(await new Caller().refused({ ...call, host: bed.server.host })).toMatch(
        /systemctl (enable --now|start) docker/
      )
    } finally {
      await bed.server.startEngine()
    }
  })

  it('finds no ssh on the runner', async () => {
    const call = { host: bed.server.host, key: bed.sshKey, knownHosts: bed.knownHosts }
    expect(await new Caller().refused({ ...call, env: { PATH: '/nonexistent' } })).toMatch(/no `ssh`/)
  })
})
