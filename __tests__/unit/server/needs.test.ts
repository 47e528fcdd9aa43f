import { describe, expect, it } from '@jest/globals'
import { checkDisk, checkRegistry } from '../../../src/server/needs.js'

describe('the disk', () => {
  it.each([
    [52_428_800, 20_971_520, 'ok'],
    [52_428_800, 900_000, 'warning'],
    [52_428_800, 100_000, 'problem']
  ])('of %d KiB, %d free is %s', (size, free, state) => {
    const df = `Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 ${size} 1 ${free} 1% /var\n`
    expect(checkDisk(df, '/var/lib/docker')?.state).toBe(state)
  })

  it('makes nothing of a df that it does not know', () => {
    expect(checkDisk('no such file', '/var/lib/docker')).toBe(null)
  })
})

describe('a registry', () => {
  // What Docker Engine 28.5 says: in the first rows it was the network or the certificate, in the last the registry spoke.
  it.each([
    [
      'Get "https://r.test/v2/": dial tcp 192.0.2.1:443: connect: connection refused',
      'problem',
      /name server, firewall/
    ],
    ['Get "https://r.test/v2/": dial tcp: lookup r.test on 192.0.2.53:53: no such host', 'problem', /firewall/],
    ['Get "https://r.test/v2/": http: server gave HTTP response to HTTPS client', 'problem', /insecure-registries/],
    ['Get "https://r.test/v2/": tls: failed to verify certificate: x509: unknown authority', 'problem', /certificate/],
    ['i/o timeout: no answer in 15 s', 'problem', /firewall/],
    ['received unexpected HTTP status: 502 Bad Gateway', 'warning', /Check the name/]
  ])('a registry of which the manager says %s is a %s', (failure, state, remedy) => {
    const check = checkRegistry('r.test', failure)
    expect(check.state).toBe(state)
    expect(check.remedy).toMatch(remedy)
  })

  it('a registry that answers is fine', () => {
    expect(checkRegistry('r.test', null)).toEqual({
      name: 'registry',
      state: 'ok',
      detail: 'r.test answers the manager'
    })
  })
})
