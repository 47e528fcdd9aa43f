import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import type { Host } from '../../src/ports.js'
import { scratch } from '../scratch.ts'
import { Caller, type Call } from './ssh-caller.ts'
import { Workshop, web } from './workshop.ts'

// The machine may be busy with other beds.
jest.setTimeout(60_000)

let bed: Bed
let port2222: Server
let noForwarding: Server
let oneSession: Server
let bastion: Server
beforeAll(async () => {
  bed = await openBed({
    name: 'servers',
    servers: [
      {},
      { sshPort: 2222, sshdConfig: ['AddressFamily any', 'MaxSessions 1', 'MaxStartups 2', 'Banner /etc/hostname'] },
      { sshdConfig: ['AllowStreamLocalForwarding no'] },
      { sshdConfig: ['DisableForwarding yes', 'MaxSessions 1'] },
      { engine: 'none' }
    ],
    swarm: false,
    registry: false,
    builder: false
  })
  ;[, port2222, noForwarding, oneSession, bastion] = bed.servers as [Server, Server, Server, Server, Server]
}, 180_000)
afterAll(async () => {
  await bed.close()
})

const callTo = (server: Server): Call => ({ host: server.host, key: bed.sshKey, knownHosts: bed.knownHosts })

/** What a server's engine calls itself, asked past the connection: `28.5.2+dfsg4`. */
const engineOf = (server: Server): Promise<string> => server.docker('version', '--format', '{{.Server.Version}}')

/** The connection leads to this server: engine, several calls at once, a command and the docker CLI. */
const works = async (host: Host, server: Server): Promise<void> => {
  const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => host.engine.info()))
  const own = { Name: server.name, ServerVersion: await engineOf(server) }
  for (const info of answers) expect(info).toMatchObject(own)
  expect(await host.run(['id', '-un'])).toEqual({ code: 0, stdout: 'deploy\n', stderr: '' })
  const env = { ...bed.builderEnv, DOCKER_HOST: host.dockerHost }
  const listed = await promisify(execFile)('docker', ['ps', '-q'], { env })
  expect(listed.stdout).toBe('')
}

/** Gives the user a bash whose profile prints, on both streams and without a last newline. */
const printingProfile = async (server: Server): Promise<void> => {
  const script = `sed 's|/home/deploy:/bin/sh|/home/deploy:/bin/bash|' /etc/passwd >/tmp/p; cat /tmp/p >/etc/passwd
    echo 'echo welcome; echo careful >&2; printf unfinished' >/home/deploy/.bashrc`
  await server.exec(['sh', '-c', script])
}

/** The text of every plain file in these folders. */
const filesBelow = (...folders: string[]): string =>
  folders
    .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
    .map(path => (statSync(path).isFile() ? readFileSync(path, 'latin1') : ''))
    .join('\n')

describe('keys', () => {
  it.each([
    ['ed25519', ['-t', 'ed25519'], ''],
    ['RSA in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], ''],
    ['RSA in PEM with a passphrase', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], 'a b$c"'],
    ['ECDSA in PKCS8 with a passphrase', ['-t', 'ecdsa', '-m', 'PKCS8'], 'passphrase'],
    ['ed25519 with a passphrase', ['-t', 'ed25519'], "it's long"]
  ])('%s', async (_, options, passphrase) => {
    const file = join(scratch('ssh-servers'), 'id')
    execFileSync('ssh-keygen', ['-q', '-N', passphrase, '-f', file, ...options])
    appendFileSync(join(bed.server.dir, 'authorized', 'deploy'), readFileSync(`${file}.pub`))
    const key = readFileSync(file, 'utf8')
    const caller = new Caller()
    for (const pasted of [
      key,
      key.replaceAll('\n', '\r\n'),
      key.trim().replaceAll('\n', '\\n'),
      key.trim().replaceAll('\n', ' ')
    ]) {
      await using host = await caller.connect({ ...callTo(bed.server), key: pasted, passphrase })
      expect((await host.engine.version()).engine).toBe(await engineOf(bed.server))
      const record = caller.records.at(-1)
      expect(filesBelow(record?.folder ?? '', record?.keyFolder ?? '')).not.toMatch(/PRIVATE KEY/)
    }
    expect(caller.left()).toEqual([])
  })

  it("the job's ssh-agent, where no key is given", async () => {
    const folder = scratch('ssh-servers')
    const started = execFileSync('ssh-agent', ['-a', join(folder, 's')], { encoding: 'utf8' })
    const pid = Number(/AGENT_PID=(\d+)/.exec(started)?.[1])
    try {
      const env = { SSH_AUTH_SOCK: join(folder, 's') }
      execFileSync('ssh-add', ['-q', '-'], { env: { ...process.env, ...env }, input: bed.sshKey })
      await using host = await new Caller().connect({ host: bed.server.host, knownHosts: bed.knownHosts, env })
      await works(host, bed.server)
    } finally {
      process.kill(pid)
    }
  })
})

describe('servers', () => {
  it('on another port, with MaxSessions 1, MaxStartups 2, a banner, and a profile that prints', async () => {
    await printingProfile(port2222)
    await using host = await new Caller().connect(callTo(port2222))
    await works(host, port2222)
    const both = await Promise.all([host.run(['echo', 'a']), host.run(['sleep', '1']), host.run(['echo', 'b'])])
    expect(both.map(each => each.stdout)).toEqual(['a\n', '', 'b\n'])
    expect(port2222.handshakes()).toBe(1)
  })

  it('known by a hashed line', async () => {
    const file = join(scratch('ssh-servers'), 'known_hosts')
    writeFileSync(file, `${bed.server.knownHosts}\n${port2222.knownHosts}\n`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
    const knownHosts = readFileSync(file, 'utf8')
    expect(knownHosts).not.toContain(bed.server.address)
    for (const server of [bed.server, port2222]) {
      await using host = await new Caller().connect({ ...callTo(server), knownHosts })
      expect((await host.engine.version()).engine).toBe(await engineOf(server))
    }
  })

  it('known by the fingerprint of another key than the one that ssh prefers', async () => {
    const rsa = join(noForwarding.dir, 'rsa')
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', rsa])
    appendFileSync(join(noForwarding.dir, 'sshd_config'), `HostKey ${rsa}\n`)
    await noForwarding.exec(['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'])
    const fingerprint = execFileSync('ssh-keygen', ['-lf', rsa], { encoding: 'utf8' }).split(' ')[1] ?? ''
    const before = noForwarding.handshakes()
    await using host = await new Caller().connect({ ...callTo(noForwarding), knownHosts: '', fingerprint })
    expect((await host.engine.version()).engine).toBe(await engineOf(noForwarding))
    expect(noForwarding.handshakes() - before).toBe(1)
  })

  it('known by the authority that signed its key', async () => {
    const authority = join(scratch('ssh-servers'), 'ca')
    const [hostKey, config] = [join(port2222.dir, 'ssh_host_ed25519_key'), join(port2222.dir, 'sshd_config')]
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', authority])
    const sign = ['-q', '-s', authority, '-h', '-I', 'test', '-n', port2222.address, `${hostKey}.pub`]
    execFileSync('ssh-keygen', sign)
    appendFileSync(config, `HostCertificate ${hostKey}-cert.pub\n`)
    await port2222.exec(['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'])
    const line = (pattern: string): string => `@cert-authority ${pattern} ${readFileSync(`${authority}.pub`, 'utf8')}`
    const call = { ...callTo(port2222), knownHosts: line(`[${port2222.address}]:2222`) }
    await using host = await new Caller().connect(call)
    expect((await host.engine.version()).engine).toBe(await engineOf(port2222))
    expect(await new Caller().refused({ ...call, knownHosts: line('example.com') })).toMatch(/Nothing vouches/)
  })

  it('whose logins are all taken for a moment', async () => {
    const takers = [1, 2].map(() => connect(2222, port2222.address))
    await Promise.all(takers.map(taker => new Promise(done => taker.once('data', done))))
    setTimeout(() => takers.forEach(taker => taker.destroy()), 1_500)
    await using host = await new Caller().connect(callTo(port2222))
    expect((await host.engine.version()).engine).toBe(await engineOf(port2222))
    expect(port2222.sshdLog()).toMatch(/MaxStartups/)
  }, 30_000)

  it('that does not forward sockets: through sessions, still in one handshake', async () => {
    await printingProfile(noForwarding)
    const caller = new Caller()
    const before = noForwarding.handshakes()
    await using host = await caller.connect(callTo(noForwarding))
    await works(host, noForwarding)
    expect(noForwarding.handshakes() - before).toBe(1)
    expect(caller.lines.join('\n')).toMatch(/does not forward sockets/)
    expect(() => host.keep()).toThrow(/export-docker-host/)
  })

  it('that forwards nothing and allows one session at a time', async () => {
    await using host = await new Caller().connect(callTo(oneSession))
    await works(host, oneSession)
    await expect(host.forwardBack(80)).rejects.toThrow(/does not let a port be forwarded/)
    expect(oneSession.handshakes()).toBe(1)
  })

  it('that opens no session: nothing can be run there, and a deploy needs nothing of it', async () => {
    const sshdConfig = ['MaxSessions 0']
    await using closed = await openBed({ name: 'no-session', servers: [{ sshdConfig }], builder: false })
    const { server, sshKey: key, knownHosts } = closed
    await using host = await new Caller().connect({ host: server.host, key, knownHosts })
    expect(await host.engine.info()).toMatchObject({ Name: server.name })
    const runs = await Promise.all([host.run(['id']), host.run(['id'])])
    expect(runs.map(({ code }) => code)).toEqual([255, 255])
    for (const { stderr } of runs) expect(stderr).toMatch(/refused/)
    const image = (await pushApp(closed.registry, { name: 'app:1' })).reference
    const workshop = new Workshop(closed, { stack: 'shop', 'stable-for': '1s' })
    const result = await workshop.compose({ web: web(image) }).run()
    workshop.close()
    expect(result).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
  })

  it('that opens no session and forwards nothing: said, and not waited for', async () => {
    appendFileSync(join(oneSession.dir, 'sshd_config'), 'Match all\n  MaxSessions 0\n')
    await oneSession.exec(['sh', '-c', 'kill -HUP "$(cat /run/sshd.pid)"; sleep 0.5'])
    expect(await new Caller().refused(callTo(oneSession))).toMatch(/The Docker Engine on .* does not answer at/)
  })

  it('that forces a command on our key', async () => {
    const authorized = join(noForwarding.dir, 'authorized', 'deploy')
    const before = readFileSync(authorized, 'utf8')
    writeFileSync(authorized, `command="docker system dial-stdio",restrict ${before}`)
    try {
      await using host = await new Caller().connect(callTo(noForwarding))
      expect((await host.engine.info()).ServerVersion).toBe(await engineOf(noForwarding))
    } finally {
      writeFileSync(authorized, before)
    }
  })

  it('behind a bastion, each verified by the same lines', async () => {
    const jump = bastion.host
    const before = [bastion.handshakes(), bed.server.handshakes()]
    await using host = await new Caller().connect({ ...callTo(bed.server), jump })
    await works(host, bed.server)
    expect([bastion.handshakes(), bed.server.handshakes()]).toEqual(before.map(count => count + 1))
    const words = await new Caller().refused({ ...callTo(bed.server), jump, knownHosts: bed.server.knownHosts })
    expect(words).toContain(`Nothing vouches for the host key of ${bastion.host}`)
    expect(words).toContain(bastion.knownHosts)
    const second = await new Caller().refused({ ...callTo(bed.server), jump, knownHosts: bastion.knownHosts })
    expect(second).toContain(`Nothing vouches for the host key of ${bed.server.host}`)
    expect(second).toContain(bed.server.knownHosts)
    const alone = await new Caller().refused({
      ...callTo(bed.server),
      jump,
      knownHosts: '',
      fingerprint: await bastion.fingerprint()
    })
    expect(alone).toContain(`Nothing vouches for the host key of ${bastion.host}`)
  })

  it('several: the first that answers is taken, and why the others were not is said', async () => {
    const caller = new Caller()
    const hosts = [`deploy@${bed.server.address}:23`, bastion.host, port2222.host].join('\n')
    await using host = await caller.connect({ ...callTo(bed.server), host: hosts })
    expect(host.name).toBe(port2222.host)
    expect(caller.lines.join('\n')).toMatch(/Connection refused[\s\S]*Docker is not installed/)
  })

  it('reaches a port of the runner that is forwarded back', async () => {
    const web = createServer((_, response) => response.end('from the runner'))
    await new Promise<void>(done => web.listen(0, '127.0.0.1', done))
    const { port } = web.address() as { port: number }
    await using host = await new Caller().connect(callTo(bed.server))
    const back = await host.forwardBack(port)
    // with what every server has: bash
    const ask = 'exec 3<>"/dev/tcp/127.0.0.1/$1"; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
    const got = await host.run(['bash', '-c', ask, 'ask', String(back.port)])
    web.close()
    expect(got.stdout.split('\r\n\r\n')[1]).toBe('from the runner')
  })
})
