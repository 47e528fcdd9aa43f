import { describe, expect, it } from '@jest/globals'
import {
  heldLogins,
  parseDockerConfig,
  registryAuth,
  shortLived,
  storedLogin,
  withEnvironment,
  withLogin,
  type DockerConfig
} from '../../../src/images/docker-config.js'
import { builderEnvironment } from '../../../src/images/environment.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const login = { username: 'me', password: 'p:w' }

describe('withLogin', () => {
  it('adds a login, keeps the others, and finds the plugins where they were', () => {
    const own: DockerConfig = { auths: { 'quay.io': { auth: 'x' } }, proxies: { a: 1 }, currentContext: 'rootless' }
    expect(withLogin(own, '/h/.docker', 'ghcr.io', login)).toEqual({
      auths: { 'quay.io': { auth: 'x' }, 'ghcr.io': { auth: base64('me:p:w') } },
      proxies: { a: 1 },
      credHelpers: { 'ghcr.io': '' },
      cliPluginsExtraDirs: ['/h/.docker/cli-plugins']
    })
  })

  it('leaves a registry alone that a program serves, but for the one that we log in to', () => {
    const own: DockerConfig = { credsStore: 'pass', credHelpers: { 'a.io': 'ecr-login' }, cliPluginsExtraDirs: ['/p'] }
    const config = withLogin(own, '/d', 'docker.io', login)
    expect(config).toMatchObject({
      credsStore: 'pass',
      credHelpers: { 'a.io': 'ecr-login', 'https://index.docker.io/v1/': '' },
      cliPluginsExtraDirs: ['/p', '/d/cli-plugins']
    })
    expect(storedLogin(config, 'docker.io')).toEqual({ kind: 'login', login })
    expect(storedLogin(config, 'a.io')).toEqual({
      kind: 'program',
      program: 'docker-credential-ecr-login',
      server: 'a.io'
    })
    expect(storedLogin(config, 'b.io')).toEqual({ kind: 'program', program: 'docker-credential-pass', server: 'b.io' })
  })

  it('puts nothing empty over a login that is there', () => {
    const own: DockerConfig = { auths: { 'ghcr.io': { auth: base64('you:good') } } }
    expect(storedLogin(withLogin(own, '/d', 'ghcr.io', undefined), 'ghcr.io')).toMatchObject({
      login: { password: 'good' }
    })
  })
})

describe('withEnvironment', () => {
  const given = (server: string) => JSON.stringify({ auths: { [server]: { auth: base64('env:e') } } })
  const env = { kind: 'login', login: { username: 'env', password: 'e' } }
  const file = { auths: { 'ghcr.io': { auth: base64('file:f') } } }

  it.each<[string, DockerConfig, string | undefined, string, object]>([
    ['a registry that the file does not know', {}, given('ghcr.io'), 'ghcr.io', env],
    ['one that it knows: the environment goes before', file, given('ghcr.io'), 'ghcr.io', env],
    ['also in another spelling', file, given('https://ghcr.io/v2/'), 'ghcr.io', env],
    [
      'one that a program serves',
      { credsStore: 'pass', credHelpers: { 'ghcr.io': 'x' } },
      given('ghcr.io'),
      'ghcr.io',
      env
    ],
    ['Docker Hub by its address', {}, given('https://index.docker.io/v1/'), 'docker.io', env],
    ['Docker Hub by its name', {}, given('docker.io'), 'docker.io', env],
    ['another registry: the file’s own stays', file, given('quay.io'), 'ghcr.io', { login: { username: 'file' } }],
    ['no variable', file, undefined, 'ghcr.io', { login: { username: 'file' } }],
    ['what is no JSON', file, 'soon', 'ghcr.io', { login: { username: 'file' } }],
    ['what is no login', file, '{"auths":{"ghcr.io":{"auth":""},"a":1}}', 'ghcr.io', { login: { username: 'file' } }]
  ])('%s', (_, config, text, domain, expected) => {
    expect(storedLogin(withEnvironment(config, text), domain)).toMatchObject(expected)
  })

  it('stays below the login of the inputs', () => {
    const config = withLogin(withEnvironment(file, given('ghcr.io')), '/d', 'ghcr.io', login)
    expect(storedLogin(config, 'ghcr.io')).toEqual({ kind: 'login', login })
  })

  it('is masked by what it holds', () => {
    expect(heldLogins(withEnvironment({}, given('ghcr.io')))).toEqual([{ username: 'env', password: 'e' }])
    expect(heldLogins({})).toEqual([])
  })
})

describe('storedLogin', () => {
  it.each<[string, DockerConfig, string, object]>([
    ['nothing', {}, 'ghcr.io', { kind: 'none' }],
    [
      'an old spelling',
      { auths: { 'https://ghcr.io': { auth: base64('a:b') } } },
      'ghcr.io',
      { kind: 'login', login: { username: 'a', password: 'b' } }
    ],
    [
      'Docker Hub',
      { auths: { 'https://index.docker.io/v1/': { auth: base64('a:b') } } },
      'docker.io',
      { kind: 'login', login: { username: 'a', password: 'b' } }
    ],
    ['empty credentials', { auths: { 'ghcr.io': {} } }, 'ghcr.io', { kind: 'none' }],
    ['an empty password', { auths: { 'ghcr.io': { auth: base64('a:') } } }, 'ghcr.io', { kind: 'none' }],
    [
      'a token',
      { auths: { 'ghcr.io': { auth: base64('a:'), identitytoken: 't' } } },
      'ghcr.io',
      { kind: 'login', login: { username: 'a', password: '' }, identityToken: 't' }
    ]
  ])('%s', (_, config, domain, expected) => {
    expect(storedLogin(config, domain)).toEqual(expected)
  })
})

it('reads no configuration out of what is none', () => {
  for (const text of [null, '', 'x', '[]', '3']) expect(parseDockerConfig(text)).toEqual({})
})

it('writes the header as the engine reads it', () => {
  expect(registryAuth('a.io', { username: 'u', password: '??>>~~' })).toMatch(/^[A-Za-z0-9_-]+=*$/)
  expect(registryAuth('a.io', { username: 'u', password: '1' }).length % 4).toBe(0)
  expect(JSON.parse(Buffer.from(registryAuth('docker.io', login), 'base64url').toString())).toEqual({
    username: 'me',
    password: 'p:w',
    serveraddress: 'https://index.docker.io/v1/'
  })
  expect(JSON.parse(Buffer.from(registryAuth('ghcr.io', login, 't'), 'base64url').toString())).toEqual({
    identitytoken: 't',
    serveraddress: 'ghcr.io'
  })
})

it.each([
  ['me', 'ghp_x', undefined],
  ['me', 'ghs_x', 'the token of this job'],
  ['me', 'job-token', 'the token of this job'],
  ['AWS', 'x', 'a token of Amazon ECR, which lives 12 hours'],
  ['oauth2accesstoken', 'x', 'an access token of Google, which lives an hour']
])('%s with %s', (username, password, why) => {
  expect(shortLived({ username, password }, 'job-token')).toBe(why)
})

it('shows Docker commands only what they have a use for', () => {
  const env = {
    PATH: '/bin',
    HOME: '/h',
    DOCKER_HOST: 'unix:///x',
    DOCKER_CONTEXT: 'c',
    BUILDX_BUILDER: 'b',
    https_proxy: 'p',
    AWS_SECRET_ACCESS_KEY: 's',
    GITHUB_TOKEN: 't',
    ACTIONS_RUNTIME_TOKEN: 'r',
    INPUT_SECRETS: 'i',
    DATABASE_URL: 'd'
  }
  const common = { dockerConfig: '/c', buildxConfig: '/h/.docker/buildx' }
  const plain = {
    PATH: '/bin',
    HOME: '/h',
    DOCKER_HOST: 'unix:///x',
    BUILDX_BUILDER: 'b',
    https_proxy: 'p',
    DOCKER_CONFIG: '/c',
    BUILDX_CONFIG: '/h/.docker/buildx'
  }
  expect(builderEnvironment(env, { ...common, programs: false })).toEqual(plain)
  expect(builderEnvironment(env, { ...common, programs: true })).toEqual({ ...plain, AWS_SECRET_ACCESS_KEY: 's' })
  expect(
    builderEnvironment({ ...env, BUILDX_CONFIG: '/b' }, { ...common, programs: false, dockerHost: 'unix:///y' })
  ).toEqual({
    ...plain,
    BUILDX_CONFIG: '/b',
    DOCKER_HOST: 'unix:///y'
  })
})
