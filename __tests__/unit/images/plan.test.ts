import { describe, expect, it } from '@jest/globals'
import { standing } from '../../../src/images/layers.js'
import type { Naming } from '../../../src/images/naming.js'
import { builtElsewhere, planBuilds } from '../../../src/images/plan.js'
import type { Build } from '../../../src/model.js'

const naming: Naming = {
  stack: 'shop',
  registry: 'ghcr.io/owner',
  transfer: 'registry',
  tags: [],
  source: { commit: '0123456789abcdef', ref: 'refs/heads/main', refName: 'main' }
}
const build = (service: string, more: Partial<Build> = {}): Build => ({
  service,
  build: { context: '/w', dockerfile: 'Dockerfile' },
  ...more
})

describe('planBuilds', () => {
  it('names what has no name after the registry, the stack and the service', () => {
    const { targets, problems } = planBuilds([build('web')], naming)
    expect(problems).toEqual([])
    expect(targets).toMatchObject([
      {
        name: 'web',
        services: ['web'],
        references: ['ghcr.io/owner/shop-web:sha-0123456789ab', 'ghcr.io/owner/shop-web:main'],
        deploys: { web: { repository: 'ghcr.io/owner/shop-web', tag: 'sha-0123456789ab' } }
      }
    ])
  })

  it('builds one definition once, and names it for each service', () => {
    const { targets, named } = planBuilds(
      [
        build('web', { image: 'ghcr.io/o/a:1' }),
        build('worker', { image: 'ghcr.io/o/b' }),
        build('api', { build: { context: '/other' } })
      ],
      naming
    )
    expect(targets.map(target => target.services)).toEqual([['web', 'worker'], ['api']])
    expect(targets[0]?.references).toEqual([
      'ghcr.io/o/a:sha-0123456789ab',
      'ghcr.io/o/a:main',
      'ghcr.io/o/a:1',
      'ghcr.io/o/b:sha-0123456789ab',
      'ghcr.io/o/b:main'
    ])
    expect(named).toEqual({ 'ghcr.io/o/a:1': 'web', 'ghcr.io/o/b': 'worker' })
  })

  it.each<[string, Partial<Build>]>([
    ['arguments', { build: { context: '/w', dockerfile: 'Dockerfile', args: { A: '1' } } }],
    ['target', { build: { context: '/w', dockerfile: 'Dockerfile', target: 'x' } }],
    ['platform', { platform: 'linux/arm64' }]
  ])('builds twice what differs in its %s', (_, other) => {
    expect(planBuilds([build('web'), build('worker', other)], naming).targets).toHaveLength(2)
  })

  it('takes no notice of the order of keys, nor of tags', () => {
    const other = { build: { tags: ['x/y:z'], dockerfile: 'Dockerfile', context: '/w' } }
    expect(planBuilds([build('web'), build('worker', other)], naming).targets).toHaveLength(1)
  })

  it.each([
    ['web', 'ghcr.io/owner/web'],
    ['web:dev', 'ghcr.io/owner/web'],
    ['me/web', 'me/web'],
    ['quay.io/me/web:1', 'quay.io/me/web'],
    [undefined, 'ghcr.io/owner/shop-a-b']
  ])('image %s goes to %s', (image, repository) => {
    const { targets } = planBuilds([build('a_b', image === undefined ? {} : { image })], naming)
    expect(targets[0]?.deploys['a_b']).toMatchObject({ repository, tag: 'sha-0123456789ab' })
  })

  it("leaves a branch's and the compose file's own tags alone on a pull request", () => {
    const source = { ...naming.source, pullRequest: 7 }
    const { targets } = planBuilds(
      [build('web', { image: 'me/web:latest', build: { context: '/w', tags: ['me/web:x'] } })],
      {
        ...naming,
        source
      }
    )
    expect(targets[0]?.references).toEqual(['me/web:sha-0123456789ab', 'me/web:pr-7'])
  })

  it('takes the tags that the user wrote, and only those', () => {
    const { targets } = planBuilds([build('web', { image: 'me/web:latest' })], { ...naming, tags: ['1.2', '1'] })
    expect(targets[0]?.references).toEqual(['me/web:1.2', 'me/web:1'])
    expect(targets[0]?.deploys['web']?.tag).toBe('1.2')
  })

  it("names everything after the server's loopback for a direct transfer", () => {
    const direct: Naming = { ...naming, transfer: 'direct', registry: '127.0.0.1:61234' }
    const { targets } = planBuilds(
      [build('web'), build('api', { image: 'ghcr.io/me/api:2', build: { context: '/x' } })],
      direct
    )
    expect(targets.map(target => Object.values(target.deploys)[0]?.repository)).toEqual([
      '127.0.0.1:61234/shop-web',
      '127.0.0.1:61234/me/api'
    ])
  })

  it('finds every problem at once', () => {
    const { registry: _, ...nowhere } = naming
    const { problems } = planBuilds(
      [
        build('web'),
        build('api', { image: 'repo:', build: { context: '/x' } }),
        build('bare', { image: 'app', build: { context: '/y' } })
      ],
      { ...nowhere, tags: ['no tag'] }
    )
    expect(problems.map(problem => problem.message)).toEqual([
      '`tags` has a line that is not an image tag: "no tag".',
      'Service web is built, but there is nowhere to push its image to: it has `build` but no `image`, and no `registry` is given.',
      'Service api: "repo:" is not an image name.',
      'Service bare is built, but there is nowhere to push its image to: `image: app` names no registry, and no `registry` is given.'
    ])
  })

  it('refuses a tag that says what an image was made of', () => {
    const own = `content-${'a'.repeat(24)}`
    const messages = (naming: Naming, more: Partial<Build> = {}) =>
      planBuilds([build('web', more)], naming).problems.map(({ message }) => message)
    const refused = [
      `\`content-…\` and \`buildcache\` are tags that this action keeps for itself: ghcr.io/owner/web:${own}.`
    ]
    expect(messages({ ...naming, tags: [own] }, { image: 'web' })).toEqual(refused)
    expect(messages(naming, { image: `web:${own}` })).toEqual(refused)
    expect(messages(naming, { image: 'web:content-1' })).toEqual([])
  })

  it('names what somebody else built as it would name it itself', () => {
    const images = ['web:1', 'web', 'me/web:2', 'ghcr.io/me/web', `redis@sha256:${'a'.repeat(64)}`]
    expect(images.map(image => builtElsewhere(image, 'ghcr.io/owner'))).toEqual([
      'ghcr.io/owner/web:1',
      'ghcr.io/owner/web',
      'me/web:2',
      'ghcr.io/me/web',
      `ghcr.io/owner/redis@sha256:${'a'.repeat(64)}`
    ])
    expect(images.map(image => builtElsewhere(image, undefined))).toEqual(images)
    expect(builtElsewhere('no image', 'ghcr.io/owner')).toBe('no image')
  })

  it('lets stand only what nothing that is to be built is made from', () => {
    const from = (service: string): Partial<Build> => ({ build: { additional_contexts: { it: `service:${service}` } } })
    const { targets } = planBuilds(
      [
        build('base'),
        build('lib', from('base')),
        build('web', from('lib')),
        build('api', { build: { context: '/x' } })
      ],
      naming
    )
    const all = { base: 'b', lib: 'l', web: 'w', api: 'a' }
    const without = (...names: string[]) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)))
    expect(standing(targets, all)).toEqual(all)
    expect(standing(targets, without('web'))).toEqual({ api: 'a' })
    expect(standing(targets, without('lib'))).toEqual({ web: 'w', api: 'a' })
    expect(standing(targets, without('base'))).toEqual(without('base'))
  })

  it('refuses two builds under one name', () => {
    const { problems } = planBuilds(
      [build('web', { image: 'me/app' }), build('api', { image: 'me/app', build: { context: '/x' } })],
      naming
    )
    expect(problems).toMatchObject([
      { message: 'Services web and api are built differently, but their image has one name: me/app.' }
    ])
  })

  it('names targets so that nothing renames them', () => {
    const { targets } = planBuilds(
      ['a.b', 'a_b', 'default'].map((service, index) => build(service, { build: { context: `/${index}` } })),
      naming
    )
    expect(targets.map(target => target.name)).toEqual(['a_b', 'a_b-2', 'default-2'])
  })
})
