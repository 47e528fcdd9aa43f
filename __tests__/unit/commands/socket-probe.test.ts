import { describe, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readSocketProbe, socketProbeArgv } from '../../../src/commands/socket-probe.js'
import { engineSilent } from '../../../src/errors/engine.js'

describe('what the server says about the socket', () => {
  it.each([
    ['socket=denied\nuser=deploy\ncli=yes\nanswers=no\nwords=permission denied', /usermod -aG docker deploy/],
    ['socket=missing\nuser=deploy\ncli=no', /not installed[\s\S]*command: setup/],
    ['socket=missing\nuser=deploy\ncli=yes\nanswers=no', /does not run[\s\S]*systemctl enable --now docker/],
    ['socket=missing\nuser=deploy\nrootless=/run/user/1000/docker.sock\ncli=yes', /…\/run\/user\/1000\/docker\.sock/],
    [
      'socket=ok\nuser=deploy\ncli=yes\nanswers=no\nwords=a = b',
      /nothing listens[\s\S]*systemctl start docker[\s\S]*a = b/
    ]
  ])('%j', (output, words) => {
    const problem = engineSilent('deploy@192.0.2.7', '/var/run/docker.sock', readSocketProbe(output))
    expect([problem.message, problem.remedy, problem.details].join('\n')).toMatch(words)
  })

  it('is asked in words that a plain shell knows', () => {
    const [program = '', ...args] = socketProbeArgv('/nonexistent/it is.sock')
    const probe = readSocketProbe(execFileSync(program, args, { encoding: 'utf8' }))
    expect(probe.socket).toBe('missing')
    expect(probe.user).not.toBe('')
  })
})
