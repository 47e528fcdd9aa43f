import { describe, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import {
  dialArgv,
  forwardBackArgv,
  masterArgv,
  remoteCommand,
  sessionArgv,
  shellQuote,
  sshConfig,
  type SshPaths
} from '../../../src/commands/ssh.js'

const paths: SshPaths = {
  config: '/tmp/sr-1/config',
  control: '/tmp/sr-1/c',
  knownHosts: '/tmp/sr-1/known_hosts',
  verifier: '/tmp/sr-1/verify.sh',
  key: '/runner/sr-key-1/key',
  socket: '/tmp/sr-1/docker.sock'
}

describe('the ssh configuration', () => {
  it('reads like this for a server behind a bastion', () => {
    const hops = [
      { user: 'jump', host: 'bastion.example.com', port: 2222 },
      { user: 'deploy', host: 'fe80::1%eth0', port: 22 }
    ]
    expect(sshConfig({ paths, hops, identity: 'file', timeoutSeconds: 20 })).toBe(`Host bastion1
  HostName "bastion.example.com"
  Port 2222
  User "jump"
Host server
  HostName "fe80::1%%eth0"
  Port 22
  User "deploy"
  ProxyJump bastion1
Host *
  BatchMode yes
  StrictHostKeyChecking yes
  UserKnownHostsFile "/tmp/sr-1/known_hosts"
  GlobalKnownHostsFile /dev/null
  KnownHostsCommand /bin/sh "/tmp/sr-1/verify.sh" %I %H %f %t %K
  UpdateHostKeys no
  VerifyHostKeyDNS no
  CheckHostIP no
  CanonicalizeHostname no
  PreferredAuthentications publickey
  PasswordAuthentication no
  KbdInteractiveAuthentication no
  IdentityFile "/runner/sr-key-1/key"
  IdentitiesOnly yes
  IdentityAgent none
  ConnectTimeout 20
  ConnectionAttempts 1
  ServerAliveInterval 15
  ServerAliveCountMax 3
  TCPKeepAlive yes
  ForwardAgent no
  ForwardX11 no
  Tunnel no
  PermitLocalCommand no
  RequestTTY no
  EscapeChar none
  LogLevel INFO
`)
  })

  it("uses the agent and no file where there is no key, and never the runner's own files", () => {
    const hops = [{ user: 'root', host: 'a', port: 22 }]
    const text = sshConfig({ paths, hops, identity: 'agent', timeoutSeconds: 20, hostKeyAlgorithms: 'ssh-ed25519' })
    expect(text).toMatch(/^ {2}IdentityAgent SSH_AUTH_SOCK$/m)
    expect(text).toMatch(/^ {2}IdentityFile none$/m)
    expect(text).toMatch(/^ {2}HostKeyAlgorithms ssh-ed25519$/m)
    expect(text).not.toMatch(/~|\.ssh/)
  })
})

describe('argv', () => {
  it('of the process that holds the connection', () => {
    expect(masterArgv(paths, '/run/user/1000/a:b.sock')).toEqual([
      ...['ssh', '-F', '/tmp/sr-1/config', '-M', '-S', '/tmp/sr-1/c', '-nNT', '-o', 'ExitOnForwardFailure=yes'],
      ...['-o', 'StreamLocalBindUnlink=yes', '-L', '/tmp/sr-1/docker.sock:/run/user/1000/a\\:b.sock', 'server']
    ])
    expect(masterArgv(paths, null)).not.toContain('-L')
  })

  it('of what goes over it, which cannot connect by itself', () => {
    const client = [
      'ssh',
      '-F',
      '/tmp/sr-1/config',
      '-S',
      '/tmp/sr-1/c',
      '-o',
      'ControlMaster=no',
      '-o',
      'ProxyCommand=false'
    ]
    expect(sessionArgv(paths, 'true')).toEqual([...client, '-T', '-o', 'LogLevel=ERROR', 'server', 'true'])
    expect(forwardBackArgv(paths, 5000, 0)).toEqual([
      ...client,
      '-O',
      'forward',
      '-R',
      '127.0.0.1:0:127.0.0.1:5000',
      'server'
    ])
    expect(dialArgv('/var/run/docker.sock')).toEqual([
      'docker',
      '-H',
      'unix:///var/run/docker.sock',
      'system',
      'dial-stdio'
    ])
  })
})

describe('a command for the login shell', () => {
  it.each(['plain', '', "it's", 'a b', '$HOME', '`id`', '"', '\\', 'a\nb', '!x', '*', '-n', '%s'])(
    'passes %j on as it is',
    word => {
      expect(execFileSync('sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' })).toBe(word)
      const output = execFileSync('sh', ['-c', `${remoteCommand(['printf', '%s|', word, 'end'], 'mark')} 2>/dev/null`])
      expect(output.toString()).toBe(`mark\n${word}|end|`)
    }
  )
})
