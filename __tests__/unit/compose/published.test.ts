import { describe, expect, it } from '@jest/globals'
import { rules, translated, web } from './project.js'

const one = { target: 80, published: '8080', protocol: 'tcp', mode: 'ingress' }

describe('ports', () => {
  it.each([
    ['text becomes a number', one, { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' }],
    [
      'a range gives its first',
      { ...one, published: '8000-8010' },
      { target: 80, published: 8000, protocol: 'tcp', mode: 'ingress' }
    ],
    ['none lets Swarm pick', { target: 80 }, { target: 80, protocol: 'tcp', mode: 'ingress' }],
    ['zero lets Swarm pick', { ...one, published: '0' }, { target: 80, protocol: 'tcp', mode: 'ingress' }],
    [
      'host mode and udp stay',
      { ...one, mode: 'host', protocol: 'udp' },
      { target: 80, published: 8080, protocol: 'udp', mode: 'host' }
    ],
    [
      'names and protocols of the application go',
      { ...one, name: 'http', app_protocol: 'h2' },
      { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' }
    ],
    [
      'an address goes',
      { ...one, host_ip: '127.0.0.1' },
      { target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' }
    ]
  ])('%s', (_, port, expected) => {
    expect(web({ ports: [port] })['ports']).toEqual([expected])
  })

  it.each([
    ['both in host mode', 'host', 'host', 'warning'],
    ['one in host mode', 'host', 'ingress', 'error'],
    ['none in host mode', 'ingress', 'ingress', 'error']
  ])('two services want one port, %s', (_, first, second, level) => {
    const service = (mode: string) => ({ image: 'a:1', ports: [{ ...one, mode }] })
    const { findings } = translated({ a: service(first), b: service(second) })
    expect(findings.filter(({ rule }) => rule === 'port-conflict').map(finding => finding.level)).toEqual([level])
  })

  it('one number of two protocols is no conflict', () => {
    const ports = [one, { ...one, protocol: 'udp' }]
    expect(rules(translated({ web: { image: 'a:1', ports } }))).not.toContain('port-conflict')
  })

  it('without a virtual address a port must be one of the node', () => {
    const found = (mode: string, options: object = {}) =>
      rules(
        translated({ web: { image: 'a:1', deploy: { endpoint_mode: 'dnsrr' }, ports: [{ ...one, mode }] } }, options)
      )
    expect(found('ingress')).toContain('dnsrr-port')
    expect(found('host')).not.toContain('dnsrr-port')
    expect(found('ingress', { preview: { ports: 'drop', replicas: 1 } })).not.toContain('dnsrr-port')
  })

  it('has none where there are none', () => {
    expect(web({})['ports']).toBeUndefined()
  })

  it.each([
    ['drop', undefined, 'notice'],
    ['random', [{ target: 80, protocol: 'tcp', mode: 'ingress' }], 'notice'],
    ['refuse', [{ target: 80, published: 8080, protocol: 'tcp', mode: 'ingress' }], 'error']
  ] as const)('previews: %s', (ports, expected, level) => {
    const { stack, findings } = translated(
      { web: { image: 'a:1', ports: [one] } },
      { preview: { ports, replicas: 'keep' } }
    )
    expect(stack.services['web']?.['ports']).toEqual(expected)
    expect(findings.find(({ rule }) => rule === 'preview-port')?.level).toBe(level)
  })

  it('a preview keeps ports that Swarm picks', () => {
    const result = translated(
      { web: { image: 'a:1', ports: [{ target: 80 }] } },
      { preview: { ports: 'drop', replicas: 1 } }
    )
    expect(result.stack.services['web']?.['ports']).toEqual([{ target: 80, protocol: 'tcp', mode: 'ingress' }])
    expect(rules(result)).not.toContain('preview-port')
  })
})
