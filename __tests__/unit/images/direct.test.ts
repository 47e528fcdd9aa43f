import { describe, expect, it } from '@jest/globals'
import type { Node } from '../../../src/engine-types.js'
import { directPorts, isCarried, otherNodes, transferFor } from '../../../src/images/direct.js'
import { blobPath, layoutDigest, mediaType, rangeStart, readRequest } from '../../../src/images/registry-api.js'
import type { Build, StackService } from '../../../src/model.js'

const digest = `sha256:${'a'.repeat(64)}`
const build = (image?: string): Build => ({ service: 'web', build: {}, ...(image === undefined ? {} : { image }) })

describe('transferFor', () => {
  it.each([
    ['auto', 'ghcr.io/o', [build()], 'registry'],
    ['auto', undefined, [build()], 'direct'],
    ['auto', undefined, [build('web:1')], 'direct'],
    ['auto', undefined, [build('me/web:1')], 'registry'],
    ['auto', undefined, [build('ghcr.io/me/web')], 'registry'],
    ['auto', undefined, [build('me/web'), build()], 'direct'],
    ['auto', undefined, [], 'registry'],
    ['direct', 'ghcr.io/o', [build()], 'direct'],
    ['registry', undefined, [build()], 'registry']
  ] as const)('%s, registry %s', (wanted, registry, builds, transfer) => {
    expect(transferFor(wanted, registry, builds)).toBe(transfer)
  })
})

describe('isCarried', () => {
  it.each([
    [`127.0.0.1:${directPorts('shop')[0]}/shop-web:x`, true],
    ['127.0.0.1:5000/shop-web:x', false],
    ['10.0.0.1:61234/shop-web:x', false],
    ['ghcr.io/acme/shop', false],
    ['redis', false]
  ])('%s: %s', (image, carried) => expect(isCarried(image)).toBe(carried))
})

describe('directPorts', () => {
  it('is always the same for a stack, and above the ports that Linux gives away', () => {
    expect(directPorts('shop')).toEqual(directPorts('shop'))
    expect(directPorts('shop')).not.toEqual(directPorts('shop-pr-7'))
    expect(new Set(directPorts('shop')).size).toBe(4)
    for (const port of directPorts('x'.repeat(40))) expect(port > 60_999 && port < 65_001).toBe(true)
  })

  it('stays with the one that the running services are named after', () => {
    const [first, second] = directPorts('shop')
    expect(directPorts('shop', [`127.0.0.1:${second}/shop-web:x@${digest}`])[0]).toBe(second)
    expect(directPorts('shop', ['127.0.0.1:5000/shop-web:x', 'redis:7'])[0]).toBe(first)
  })
})

describe('otherNodes', () => {
  const node = (ID: string, Role: string, Availability = 'active', Labels = {}): Node =>
    ({ ID, Spec: { Role, Availability, Labels }, Description: { Hostname: `host-${ID}` } }) as unknown as Node
  const nodes = [node('1', 'manager'), node('2', 'worker', 'active', { disk: 'ssd' }), node('3', 'worker', 'drain')]
  const service = (...constraints: string[]): StackService => ({ image: '', deploy: { placement: { constraints } } })

  it.each<[StackService | undefined, string[]]>([
    [undefined, ['host-2']],
    [service(), ['host-2']],
    [service('node.role == manager'), []],
    [service('node.role==worker'), ['host-2']],
    [service('node.hostname != host-2'), []],
    [service('node.id == 1'), []],
    [service('node.labels.disk == ssd'), ['host-2']],
    [service('node.labels.disk != ssd'), []],
    [service('node.labels.gpu == yes'), []],
    [service('engine.labels.x == y'), ['host-2']],
    [service('node.role == worker', 'node.hostname == HOST-2'), ['host-2']]
  ])('%j', (each, others) => {
    expect(otherNodes(nodes, '1', each)).toEqual(others)
  })
})

describe('the read-only registry', () => {
  it.each([
    ['GET', '/v2/', { for: 'ping' }],
    ['HEAD', `/v2/shop-web/manifests/${digest}`, { for: 'manifest', name: 'shop-web', digest }],
    ['GET', `/v2/me/web/blobs/${digest}`, { for: 'blob', name: 'me/web', digest }],
    ['GET', '/v2/me/web/manifests/latest', { for: 'nothing', status: 404, code: 'NAME_UNKNOWN' }],
    ['GET', `/v2/me/web/blobs/sha256:../../../etc/passwd`, { for: 'nothing', status: 404, code: 'NAME_UNKNOWN' }],
    ['GET', '/', { for: 'nothing', status: 404, code: 'NAME_UNKNOWN' }],
    ['PUT', `/v2/me/web/manifests/${digest}`, { for: 'nothing', status: 405, code: 'UNSUPPORTED' }],
    ['DELETE', `/v2/me/web/blobs/${digest}`, { for: 'nothing', status: 405, code: 'UNSUPPORTED' }]
  ])('%s %s', (method, path, asked) => {
    expect(readRequest(method, path)).toEqual(asked)
  })

  it('knows where a blob is, and what a manifest calls itself', () => {
    expect(blobPath('/l', digest)).toBe(`/l/blobs/sha256/${'a'.repeat(64)}`)
    expect(mediaType('{"mediaType":"x/y"}')).toBe('x/y')
    expect(mediaType('{"manifests":[]}')).toBe('application/vnd.oci.image.index.v1+json')
    expect(mediaType('{}')).toBe('application/vnd.oci.image.manifest.v1+json')
    expect(mediaType('<')).toBe('application/octet-stream')
  })

  it.each([
    ['bytes=5-', 10, 5],
    ['bytes=10-', 10, undefined],
    ['bytes=0-4', 10, undefined],
    [undefined, 10, undefined]
  ])('range %s of %d begins at %s', (header, size, start) => {
    expect(rangeStart(header, size)).toBe(start)
  })

  it.each([
    [JSON.stringify({ manifests: [{ digest }] }), digest],
    [JSON.stringify({ manifests: [{ digest }, { digest }] }), undefined],
    [JSON.stringify({ manifests: [{ digest: 'x' }] }), undefined],
    ['{}', undefined],
    [null, undefined]
  ])('the layout %s holds %s', (index, held) => {
    expect(layoutDigest(index)).toBe(held)
  })
})
