import { describe, expect, it } from '@jest/globals'
import { UserError } from '../../../src/errors.js'
import type { Ports } from '../../../src/ports.js'
import { openRegistrySession, type SessionRequest } from '../../../src/stages/login.js'

const login = { username: 'me', password: 'secret' }
const ports = {
  env: { HOME: '/home/me' },
  files: { text: () => Promise.resolve(null), writeTemp: () => Promise.resolve('/tmp/x/config.json') },
  log: { mask: () => undefined, warning: () => undefined }
} as unknown as Ports
const session = (of: Partial<SessionRequest>) => openRegistrySession(ports, { verify: false, ...of })

describe('a login without `registry`', () => {
  it.each<[string, readonly string[], string]>([
    ['the one registry that the images name', ['ghcr.io/me/web', 'ghcr.io/me/api:1'], 'ghcr.io'],
    ['the one beside official images', ['redis', 'ghcr.io/me/web', 'docker.io/library/postgres:18'], 'ghcr.io'],
    ['Docker Hub where there is no other', ['redis', 'me/web'], 'docker.io'],
    ['Docker Hub where there is no image', [], 'docker.io']
  ])('is for %s', async (_, images, domain) => {
    for (const given of [{ pull: login }, { push: login }]) {
      const opened = await session({ ...given, images })
      expect(opened.nodes).toMatchObject({ domain, login })
      expect(['redis', 'me/x', 'ghcr.io/x'].filter(each => opened.covers(each))).toEqual(
        domain === 'docker.io' ? ['redis', 'me/x'] : ['ghcr.io/x']
      )
    }
  })

  it('is for the one that what is built goes to, whatever else there is', async () => {
    const images = ['grafana/grafana', 'ghcr.io/me/web', 'quay.io/other/x']
    expect((await session({ push: login, images, built: ['ghcr.io/me/web'] })).nodes).toMatchObject({
      domain: 'ghcr.io'
    })
    expect((await session({ pull: login, images, built: ['me/web'] })).nodes).toMatchObject({ domain: 'docker.io' })
  })

  it("is shown to no other registry where it may be Docker Hub's", async () => {
    const error: unknown = await session({ pull: login, images: ['me/web', 'ghcr.io/other/x'] }).catch(
      (thrown: unknown) => thrown
    )
    expect(error).toMatchObject({ message: expect.stringContaining('docker.io and ghcr.io') })
  })

  it.each([{ pull: login }, { push: login }])('is for nobody where several may be meant', async given => {
    const images = ['quay.io/other/x', 'redis', 'ghcr.io/me/web']
    const error: unknown = await session({ ...given, images }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UserError)
    expect((error as UserError).problems).toEqual([
      {
        message: 'There is a login, but not for which registry: the images come from ghcr.io and quay.io.',
        remedy: expect.stringContaining('with `registry`')
      }
    ])
  })

  it('is asked of nobody where `registry` says it, or none is given', async () => {
    const images = ['quay.io/other/x', 'ghcr.io/me/web']
    const opened = await session({ pull: login, registry: 'ghcr.io/me', images })
    expect(images.map(image => opened.covers(image))).toEqual([false, true])
    const bare = await session({ images })
    expect(images.map(image => bare.covers(image))).toEqual([false, false])
  })
})
