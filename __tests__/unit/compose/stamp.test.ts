import { describe, expect, it } from '@jest/globals'
import { nameObjects, pinImages } from '../../../src/compose/pin.js'
import { renderStack } from '../../../src/compose/render.js'
import { contentHash, stampRelease } from '../../../src/compose/stamp.js'
import { onlyServices } from '../../../src/compose/subset.js'
import { label, type Stack } from '../../../src/model.js'

const stack: Stack = {
  services: {
    web: {
      image: 'nginx:1',
      networks: { front: null },
      volumes: [{ type: 'volume', source: 'data', target: '/d' }],
      secrets: [{ source: 's', target: '/run/secrets/s' }],
      configs: [{ source: 'c', target: '/c' }],
      deploy: { labels: { mine: 'x' }, replicas: 2 }
    },
    db: { image: 'postgres:17', networks: { back: null } }
  },
  networks: { front: {}, back: { internal: true } },
  volumes: { data: {}, other: {} },
  secrets: { s: { external: true, name: 's-1' } },
  configs: { c: { external: true, name: 'c-1' }, d: { external: true, name: 'd-1' } }
}

const labels = (of: Stack, service: string): unknown => of.services[service]?.deploy?.['labels']

describe('stampRelease', () => {
  it('labels every service and keeps the labels of the file', () => {
    expect(labels(stampRelease(stack, { release: 'r2' }), 'web')).toEqual({
      mine: 'x',
      [label.content]: contentHash(stack, 'web'),
      [label.release]: 'r2'
    })
  })

  it('keeps the release of a service that does not change', () => {
    const stamped = stampRelease(stack, { release: 'r2', keep: { db: 'r1' } })
    expect(labels(stamped, 'db')).toMatchObject({ [label.release]: 'r1' })
    expect(labels(stamped, 'web')).toMatchObject({ [label.release]: 'r2' })
  })

  it('doubles the dollar signs of further labels', () => {
    expect(labels(stampRelease(stack, { release: 'r1', labels: { [label.preview]: 'a/$b#1' } }), 'db')).toMatchObject({
      [label.preview]: 'a/$$b#1'
    })
  })
})

describe('contentHash', () => {
  const changed = (change: (web: Record<string, unknown>) => object): Stack => ({
    ...stack,
    services: { ...stack.services, web: { ...stack.services['web'], ...change({ ...stack.services['web'] }) } as never }
  })
  const hash = contentHash(stack, 'web')

  it.each<[string, Stack]>([
    ['our own labels', stampRelease(stack, { release: 'r9', labels: { [label.preview]: 'a/b#1' } })],
    ['the order of keys', changed(web => Object.fromEntries(Object.entries(web).reverse()))],
    ['other services', { ...stack, services: { ...stack.services, db: { image: 'x:1' } } }],
    ['objects of others', { ...stack, configs: { ...stack.configs, d: { external: true, name: 'd-2' } } }]
  ])('does not depend on %s', (_, other) => {
    expect(contentHash(other, 'web')).toBe(hash)
  })

  it.each<[string, Stack]>([
    ['the image', changed(() => ({ image: 'nginx:2' }))],
    ['labels of the file', changed(() => ({ deploy: { labels: { mine: 'y' }, replicas: 2 } }))],
    ['replicas', changed(() => ({ deploy: { labels: { mine: 'x' }, replicas: 3 } }))],
    ['the name of a secret', { ...stack, secrets: { s: { external: true, name: 's-2' } } }],
    ['the name of a config', nameObjects(stack, { 'config:c': 'c-2' })],
    ['a network', { ...stack, networks: { front: { internal: true } } }],
    ['a volume', { ...stack, volumes: { data: { driver: 'nfs' } } }]
  ])('depends on %s', (_, other) => {
    expect(contentHash(other, 'web')).not.toBe(hash)
  })
})

describe('pinImages', () => {
  it('sets what is named and leaves the rest', () => {
    const pinned = pinImages(stack, { web: 'nginx:1@sha256:abc', gone: 'x' })
    expect(Object.entries(pinned.services).map(([key, { image }]) => [key, image])).toEqual([
      ['web', 'nginx:1@sha256:abc'],
      ['db', 'postgres:17']
    ])
  })
})

describe('nameObjects', () => {
  it('names secrets and configs, and leaves the mounts alone', () => {
    const named = nameObjects(stack, { 'secret:s': 's-9', 'config:c': 'c-9' })
    expect(named.secrets).toEqual({ s: { external: true, name: 's-9' } })
    expect(named.configs).toEqual({ c: { external: true, name: 'c-9' }, d: { external: true, name: 'd-1' } })
    expect(named.services).toEqual(stack.services)
  })
})

describe('onlyServices', () => {
  it('keeps what they use', () => {
    expect(onlyServices(stack, ['web'])).toEqual({
      services: { web: stack.services['web'] },
      networks: { front: {} },
      volumes: { data: {} },
      secrets: stack.secrets,
      configs: { c: { external: true, name: 'c-1' } }
    })
  })
})

describe('renderStack', () => {
  it('is JSON with sorted keys and no empty sections', () => {
    const text = renderStack({ services: { web: { image: 'a', cap_add: ['Z', 'A'] } }, networks: {} })
    expect(text).toBe(
      '{\n  "services": {\n    "web": {\n      "cap_add": [\n        "Z",\n        "A"\n      ],\n      "image": "a"\n    }\n  }\n}\n'
    )
  })
})
