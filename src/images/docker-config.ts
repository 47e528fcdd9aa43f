import { objectOf } from '../json.js'
import { dockerHub, serverAddress } from './reference.js'

export interface Login {
  readonly username: string
  readonly password: string
}

/** What we read of Docker's config.json; the rest is copied as it is. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>
  readonly credsStore?: string
  readonly credHelpers?: Readonly<Record<string, string>>
  readonly cliPluginsExtraDirs?: readonly string[]
  readonly currentContext?: string
  readonly [key: string]: unknown
}

/** The job's own config.json; a text that is none counts as empty, as the Docker CLI would only warn too. */
export function parseDockerConfig(text: string | null): DockerConfig {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as DockerConfig) : {}
  } catch {
    return {}
  }
}

/**
 * The job's config.json with the logins of its DOCKER_AUTH_CONFIG, which go before all others, as for the Docker CLI since 28.3
 * (https://github.com/docker/cli/pull/6008). An older CLI does not know that variable: what is in the file counts for any.
 */
export function withEnvironment(config: DockerConfig, text: string | undefined): DockerConfig {
  const given = Object.entries(objectOf(parseDockerConfig(text ?? null).auths)).flatMap(([server, entry]) => {
    const { auth } = objectOf(entry)
    return typeof auth === 'string' && auth !== '' ? [[addressOf(server), { auth }] as const] : []
  })
  if (given.length === 0) return config
  return {
    ...config,
    auths: { ...config.auths, ...Object.fromEntries(given) },
    credHelpers: { ...config.credHelpers, ...Object.fromEntries(given.map(([address]) => [address, ''])) }
  }
}

/** The logins that a configuration holds itself. */
export function heldLogins(config: DockerConfig): readonly Login[] {
  return Object.keys(config.auths ?? {}).flatMap(server => {
    const found = fromFile(config, server)
    return found?.kind === 'login' ? [found.login] : []
  })
}

/** The one key by which a registry is looked up first: whoever wrote it may have given a scheme or a path. */
function addressOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return serverAddress(hubHosts.includes(host) ? dockerHub : host)
}

/** Names of Docker Hub in config.json, besides its address. */
const hubHosts = ['index.docker.io', 'docker.io', 'registry-1.docker.io']

/**
 * The job's config.json with one more login, for a folder of ours. Its plugins are found where they were; its current
 * context is not copied, as contexts live in the folder it came from. A `credHelpers` entry that is empty makes the CLI
 * read the login from this file where all others are in a store (docker/cli, cli/config/configfile/file.go,
 * getConfiguredCredentialStore); so nothing of ours ends in the runner's keyring.
 */
export function withLogin(config: DockerConfig, from: string, domain: string, login: Login | undefined): DockerConfig {
  const rest = Object.fromEntries(Object.entries(config).filter(([name]) => name !== 'currentContext'))
  const plugins = { cliPluginsExtraDirs: [...(config.cliPluginsExtraDirs ?? []), `${from}/cli-plugins`] }
  if (login === undefined) return { ...rest, ...plugins }
  const address = serverAddress(domain)
  return {
    ...rest,
    ...plugins,
    auths: {
      ...config.auths,
      [address]: { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') }
    },
    credHelpers: { ...config.credHelpers, [address]: '' }
  }
}

/** Where the login of a registry is: in the file, with a program that is asked for it, or nowhere. */
export type StoredLogin =
  | { readonly kind: 'login'; readonly login: Login; readonly identityToken?: string }
  | { readonly kind: 'program'; readonly program: string; readonly server: string }
  | { readonly kind: 'none' }

/** Finds a registry's login as the Docker CLI would. An entry with empty credentials is none. */
export function storedLogin(config: DockerConfig, domain: string): StoredLogin {
  for (const server of spellings(domain)) {
    const program = config.credHelpers?.[server]
    if (program !== undefined && program !== '')
      return { kind: 'program', program: `docker-credential-${program}`, server }
    const found = fromFile(config, server)
    if (found !== undefined && (program === '' || config.credsStore === undefined)) return found
  }
  if (config.credsStore !== undefined && config.credsStore !== '')
    return { kind: 'program', program: `docker-credential-${config.credsStore}`, server: serverAddress(domain) }
  return { kind: 'none' }
}

function fromFile(config: DockerConfig, server: string): StoredLogin | undefined {
  const entry = config.auths?.[server]
  const text = Buffer.from(entry?.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const login = { username: text.slice(0, colon), password: text.slice(colon + 1) }
  const token = entry?.identitytoken
  if (login.password === '' && (token === undefined || token === '')) return undefined
  return { kind: 'login', login, ...(token === undefined || token === '' ? {} : { identityToken: token }) }
}

/** The keys that one registry goes by in config.json: with and without a scheme, and Docker Hub's old one. */
function spellings(domain: string): readonly string[] {
  const hub = domain === dockerHub ? hubHosts : []
  const all = [serverAddress(domain), ...hub]
  return [
    ...all,
    ...all
      .filter(name => !name.includes('://'))
      .flatMap(name => [`https://${name}`, `https://${name}/v2/`, `https://${name}/v1/`])
  ]
}

/** The X-Registry-Auth header: the login as base64url JSON (https://docs.docker.com/reference/api/engine/, Authentication). */
export function registryAuth(domain: string, login: Login, identityToken?: string): string {
  const auth = {
    ...(identityToken === undefined
      ? { username: login.username, password: login.password }
      : { identitytoken: identityToken }),
    serveraddress: serverAddress(domain)
  }
  // With padding, which the engine insists on: without it, it takes the header for none.
  return Buffer.from(JSON.stringify(auth)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/**
 * Why a login will soon be worth nothing, in words; undefined when it looks lasting. GitHub's job tokens begin with
 * `ghs_` and end with the job; ECR's user is AWS and its password lives 12 hours; Google's oauth2accesstoken one hour.
 */
export function shortLived(login: Login, githubToken: string | undefined): string | undefined {
  if (login.password === githubToken || login.password.startsWith('ghs_')) return 'the token of this job'
  if (login.username === 'AWS') return 'a token of Amazon ECR, which lives 12 hours'
  if (login.username === 'oauth2accesstoken') return 'an access token of Google, which lives an hour'
  if (login.username === '00000000-0000-0000-0000-000000000000') return 'an access token of Azure, which lives 3 hours'
  return undefined
}
