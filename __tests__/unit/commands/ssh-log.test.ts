import { describe, expect, it } from '@jest/globals'
import { readFailure, readSeen, type SshFailure } from '../../../src/commands/ssh-log.js'

const bastion = { user: 'jump', host: 'bastion.example.com', port: 2222 }
const server = { user: 'deploy', host: '192.0.2.7', port: 22 }
const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
const seen = readSeen(
  `[bastion.example.com]:2222 SHA256:a ssh-ed25519 ${key}\n192.0.2.7 SHA256:b ssh-ed25519 ${key}\n\nhalf a line\n`
)

const cases: readonly [string, string, SshFailure][] = [
  [
    'a refused login',
    'banner\ndeploy@192.0.2.7: Permission denied (publickey).',
    { kind: 'login-refused', hop: server }
  ],
  [
    'a refused login at the bastion',
    'jump@bastion.example.com: Permission denied (publickey,password).\nConnection closed by UNKNOWN port 65535',
    { kind: 'login-refused', hop: bastion }
  ],
  [
    'too many keys',
    'Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures',
    { kind: 'login-refused', hop: server }
  ],
  [
    'a closed port',
    'ssh: connect to host 192.0.2.7 port 22: Connection refused',
    { kind: 'unreachable', hop: server, reason: 'Connection refused' }
  ],
  [
    'a name that is none',
    'ssh: Could not resolve hostname bastion.example.com: Name or service not known\nConnection closed by UNKNOWN port 65535',
    {
      kind: 'unreachable',
      hop: bastion,
      reason: 'Could not resolve hostname bastion.example.com: Name or service not known'
    }
  ],
  ['silence', 'ssh: connect to host 192.0.2.7 port 22: Connection timed out', { kind: 'no-answer', hop: server }],
  ['silence after the banner', 'Connection timed out during banner exchange', { kind: 'no-answer', hop: server }],
  [
    'a drop before the login',
    'kex_exchange_identification: Connection closed by remote host\nConnection closed by 192.0.2.7 port 22',
    { kind: 'turned-away', hop: server }
  ],
  [
    'no algorithm in common',
    'Unable to negotiate with 192.0.2.7 port 22: no matching host key type found. Their offer: ssh-dss',
    {
      kind: 'no-common',
      hop: server,
      reason: 'Unable to negotiate with 192.0.2.7 port 22: no matching host key type found. Their offer: ssh-dss'
    }
  ],
  [
    'an old ssh',
    '/tmp/sr-1/config: line 10: Bad configuration option: knownhostscommand',
    { kind: 'old-ssh', reason: '/tmp/sr-1/config: line 10: Bad configuration option: knownhostscommand' }
  ],
  ['anything else', 'strange', { kind: 'other', reason: 'strange' }]
]

describe("ssh's own words", () => {
  it.each(cases)('%s', (_, log, failure) => {
    expect(readFailure(log, seen, [bastion, server], false)).toEqual(failure)
  })

  it('name the machine whose key is not vouched for', () => {
    const log =
      'No ED25519 host key is known for 192.0.2.7 and you have requested strict checking.\nHost key verification failed.'
    expect(readFailure(log, seen, [bastion, server], false)).toMatchObject({
      kind: 'host-key',
      changed: false,
      hop: server
    })
    expect(readFailure(log, seen.slice(0, 1), [bastion, server], false)).toMatchObject({
      kind: 'host-key',
      hop: bastion
    })
  })

  it('say nothing when we ended a connection that took too long', () => {
    expect(readFailure('', [], [server], true)).toEqual({ kind: 'no-answer', hop: server })
  })
})
