import { describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { entriesFor, fingerprintOf, knownHostsName, readKnownHosts } from '../../../src/ssh/known-hosts.js'

const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'
const hashed = (name: string): string => {
  const salt = Buffer.from('12345678901234567890')
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

describe('known_hosts', () => {
  it.each([
    [`example.com ssh-ed25519 ${key}`, 'Example.com', 22, true],
    [`example.com ssh-ed25519 ${key}`, 'example.org', 22, false],
    [`a,example.com,192.0.2.1 ssh-ed25519 ${key} comment`, '192.0.2.1', 22, true],
    [`*.example.com ssh-ed25519 ${key}`, 'db.example.com', 22, true],
    [`*.example.com,!db.example.com ssh-ed25519 ${key}`, 'db.example.com', 22, false],
    [`[example.com]:2222 ssh-ed25519 ${key}`, 'example.com', 2222, true],
    [`[example.com]:2222 ssh-ed25519 ${key}`, 'example.com', 22, false],
    [`example.com ssh-ed25519 ${key}`, 'example.com', 2222, true],
    [`${hashed('example.com')} ssh-ed25519 ${key}`, 'example.com', 22, true],
    [`${hashed('[example.com]:2222')} ssh-ed25519 ${key}`, 'example.com', 2222, true],
    [`${hashed('example.org')} ssh-ed25519 ${key}`, 'example.com', 22, false],
    [`2001:db8::1 ssh-ed25519 ${key}`, '2001:DB8::1', 22, true],
    [`2001:db8:0::1 ssh-ed25519 ${key}`, '2001:db8::1', 22, true],
    [`[2001:db8:0::1]:2222 ssh-ed25519 ${key}`, '2001:db8::1', 2222, true]
  ])('%s speaks of %s port %d: %s', (line, host, port, speaks) => {
    expect(entriesFor(readKnownHosts(line).entries, host, port)).toHaveLength(speaks ? 1 : 0)
  })

  it('keeps what ssh reads, whatever pasting did to it, and names the lines that are wrong', () => {
    const source = [
      '# example.com:22 SSH-2.0-OpenSSH_9.2',
      '',
      `example.com ssh-ed25519 ${key}`,
      `@cert-authority *.example.com ssh-ed25519 ${key}`,
      `ssh-ed25519 ${key}`,
      'nonsense'
    ]
    for (const text of [source.join('\n'), source.join('\r\n'), source.join('\\n')]) {
      const read = readKnownHosts(text)
      expect(read.text).toBe(`example.com ssh-ed25519 ${key}\n@cert-authority *.example.com ssh-ed25519 ${key}\n`)
      expect(read.entries.map(entry => entry.marker)).toEqual([undefined, '@cert-authority'])
      expect(read.bad).toEqual([{ line: 5, key: `ssh-ed25519 ${key}` }, { line: 6 }])
    }
  })

  it('names hosts and prints fingerprints as ssh does', () => {
    expect(knownHostsName('Example.com', 22)).toBe('example.com')
    expect(knownHostsName('2001:db8::1', 2222)).toBe('[2001:db8::1]:2222')
    // GitHub's published ed25519 key.
    expect(fingerprintOf(key)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU')
  })
})
