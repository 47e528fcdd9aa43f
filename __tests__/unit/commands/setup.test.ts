import { describe, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import {
  installArgv,
  joinGroupArgv,
  readSurvey,
  startArgv,
  surveyArgv,
  type Survey
} from '../../../src/commands/setup.js'
import { advice, setupProblems, withBlock } from '../../../src/errors/setup.js'

const fresh: Survey = readSurvey(`os=ubuntu
like=debian
pretty=Ubuntu 24.04.1 LTS
machine=x86_64
user=ubuntu
root=sudo
group=no
systemd=yes
address=203.0.113.7
address=10.0.0.2
source=203.0.113.7
route=10.0.0.0/16
firewall=ufw
`)

describe('what a server says about itself', () => {
  it('is read', () => {
    expect(fresh).toEqual({
      os: 'ubuntu',
      like: 'debian',
      pretty: 'Ubuntu 24.04.1 LTS',
      machine: 'x86_64',
      user: 'ubuntu',
      root: 'sudo',
      dockerGroup: 'no',
      cli: false,
      daemon: false,
      socket: false,
      access: false,
      systemd: true,
      addresses: ['203.0.113.7', '10.0.0.2'],
      source: '203.0.113.7',
      routes: ['10.0.0.0/16'],
      firewall: 'ufw'
    })
  })

  it('is asked in words that a plain shell knows', () => {
    const [program = '', ...args] = surveyArgv('/nonexistent.sock')
    const survey = readSurvey(execFileSync(program, args, { encoding: 'utf8' }))
    expect(survey.user).not.toBe('')
    expect(survey.machine).not.toBe('')
    expect(survey.socket).toBe(false)
  })
})

describe('what keeps a server from being set up', () => {
  const cases: readonly [string, Partial<Survey>, RegExp | undefined][] = [
    ['nothing, on a fresh one with sudo', {}, undefined],
    ['nothing, for root', { root: 'is', user: 'root' }, undefined],
    ['no root and no sudo', { root: 'no' }, /not root and may not use sudo.*NOPASSWD/s],
    ['nothing, where all is done', { root: 'no', daemon: true, socket: true, access: true }, undefined],
    ['another system', { os: 'alpine', like: '', pretty: 'Alpine Linux v3.20' }, /runs Alpine Linux v3\.20/],
    ['nothing, on another system that has Docker', { os: 'alpine', like: '', daemon: true }, undefined],
    ['nothing, on a relative of Debian', { os: 'raspbian', like: 'debian' }, undefined],
    ['a 32-bit x86', { machine: 'i686' }, /is a i686 machine/]
  ]
  it.each(cases)('%s', (_, change, words) => {
    const problems = setupProblems('deploy@192.0.2.7', { ...fresh, ...change })
    if (words === undefined) expect(problems).toEqual([])
    else expect(problems.map(({ message, remedy }) => `${message} ${remedy ?? ''}`).join('\n')).toMatch(words)
  })
})

describe('commands', () => {
  it('go through sudo where the user is not root', () => {
    expect(joinGroupArgv(fresh)).toEqual(['sudo', '-n', 'usermod', '-aG', 'docker', 'ubuntu'])
    expect(startArgv(fresh)).toEqual(['sudo', '-n', 'systemctl', 'enable', '--now', 'docker'])
    expect(startArgv({ ...fresh, root: 'is', systemd: false })).toEqual(['service', 'docker', 'start'])
    expect(installArgv(fresh).slice(0, 4)).toEqual(['sudo', '-n', 'sh', '-c'])
  })

  it('run the install script from a file, with nothing on its stdin, and give its exit code', () => {
    const [program = '', ...args] = installArgv({ ...fresh, root: 'is' })
    const input = '#!/bin/sh\ncat\necho "$APT_CONFIG"\necho after\n'
    expect(execFileSync(program, args, { input, encoding: 'utf8' })).toMatch(/^\/.*apt\.conf\nafter\n$/)
    expect(() => execFileSync(program, args, { input: 'exit 7\n' })).toThrow(expect.objectContaining({ status: 7 }))
  })
})

describe('what is told at the end', () => {
  it('is a block to paste, what the docker group means, and the ports', () => {
    expect(withBlock('deploy@192.0.2.7', ['192.0.2.7 ssh-ed25519 AAAA'])).toBe(`with:
  host: deploy@192.0.2.7
  ssh-key: \${{ secrets.SSH_KEY }}
  ssh-known-hosts: |
    192.0.2.7 ssh-ed25519 AAAA`)
    const words = advice('deploy@192.0.2.7', fresh, 2222, true).join('\n')
    expect(words).toMatch(/as good as root[\s\S]*2222\/tcp[\s\S]*2377\/tcp[\s\S]*ufw is active/)
    expect(advice('deploy@192.0.2.7', fresh, 22, false).join('\n')).not.toMatch(/2377/)
  })
})
