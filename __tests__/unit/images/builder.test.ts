import { describe, expect, it } from '@jest/globals'
import { parseBuilder } from '../../../src/images/builder.js'
import { canBuild, nodePlatforms, platformsFor } from '../../../src/images/platforms.js'
import type { Node } from '../../../src/engine-types.js'

const inspect = (driver: string, features: string): string => `Name:   default
Driver: ${driver}

Nodes:
Name:             default
Endpoint:         default
Status:           running
BuildKit version: v0.0.0+unknown
Platforms:        linux/amd64, linux/amd64/v2, linux/arm64*
${features}GC Policy rule#0:
 All:            false
`
const features = (able: boolean): string => `Features:
 Automatically load images to the Docker Engine image store: true
 Cache export:                                               ${able}
 Direct push:                                                ${able}
 Docker exporter:                                            ${able}
 Multi-platform build:                                       ${able}
 OCI exporter:                                               ${able}
`
const all = { cacheExport: true, multiPlatform: true, ociExport: true }
const none = { cacheExport: false, multiPlatform: false, ociExport: false }

describe('parseBuilder', () => {
  it.each([
    ['docker', features(false), none],
    ['docker', features(true), all],
    ['docker', '', none],
    ['docker-container', '', all],
    ['remote', features(true), all]
  ])('driver %s', (driver, text, able) => {
    expect(parseBuilder(inspect(driver, text))).toEqual({
      name: 'default',
      driver,
      platforms: ['linux/amd64', 'linux/amd64/v2', 'linux/arm64'],
      ...able
    })
  })

  it('counts on no more than every node of a builder can do', () => {
    expect(parseBuilder(inspect('kubernetes', features(true) + features(false)))).toMatchObject(none)
  })

  it('takes no other text for an answer', () => {
    expect(parseBuilder('ERROR: no builder "x" found')).toBeUndefined()
  })
})

const node = (Architecture: string, Availability = 'active'): Node =>
  ({ ID: 'n', Spec: { Availability }, Description: { Platform: { Architecture, OS: 'linux' } } }) as unknown as Node

describe('platforms', () => {
  it.each([
    [['x86_64'], ['linux/amd64']],
    [
      ['aarch64', 'x86_64', 'aarch64'],
      ['linux/amd64', 'linux/arm64']
    ],
    [['armv7l'], ['linux/arm/v7']],
    [['riscv64'], ['linux/riscv64']],
    [[''], []]
  ])('nodes %j are %j', (architectures, platforms) => {
    expect(nodePlatforms(architectures.map(each => node(each)))).toEqual(platforms)
  })

  it('asks no drained node', () => {
    expect(nodePlatforms([node('x86_64'), node('aarch64', 'drain')])).toEqual(['linux/amd64'])
  })

  it('takes what the user wrote, in the names that images have', () => {
    expect(platformsFor([node('x86_64')], ['linux/aarch64', 'linux/arm64/v8'])).toEqual(['linux/arm64'])
    expect(platformsFor([node('x86_64')], 'auto')).toEqual(['linux/amd64'])
  })

  it('knows what a builder can do', () => {
    expect(canBuild(['linux/amd64', 'linux/arm64'], 'linux/aarch64')).toBe(true)
    expect(canBuild(['linux/amd64'], 'linux/arm64')).toBe(false)
    expect(canBuild([], 'linux/arm64')).toBe(true)
  })
})
