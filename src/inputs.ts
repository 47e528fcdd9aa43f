import { UserError, type Problem } from './errors.js'
import type { CacheKind } from './images/cache.js'
import type { Login } from './images/docker-config.js'
import { addresses } from './inputs/addresses.js'
import { fingerprint, login, stackName, urls } from './inputs/checks.js'
import type { Parsed } from './inputs/parse.js'
import { Reader } from './inputs/reader.js'
import { namedValues } from './inputs/values.js'
import type { HostAddress } from './ports.js'
import { checkPreviewUrl } from './preview/url.js'

export const commands = ['deploy', 'check', 'plan', 'rollback', 'remove', 'prune', 'setup', 'status'] as const
export type Command = (typeof commands)[number]

/** What the user asked for, once parsed: every default filled in, every value checked. Durations are milliseconds. */
export interface Inputs {
  readonly command: Command
  readonly hosts: readonly HostAddress[]
  readonly sshKey: string | undefined
  readonly sshKeyPassphrase: string | undefined
  readonly sshKnownHosts: string | undefined
  readonly sshFingerprint: string | undefined
  readonly sshJump: readonly HostAddress[]
  readonly stack: string | undefined
  readonly composeFiles: readonly string[]
  readonly envFiles: readonly string[]
  readonly profiles: readonly string[]
  readonly secrets: ReadonlyMap<string, string>
  readonly build: 'auto' | 'always' | 'false'
  readonly registry: string | undefined
  readonly registryLogin: Login | undefined
  readonly pullLogin: Login | undefined
  readonly transfer: 'auto' | 'registry' | 'direct'
  readonly tags: readonly string[]
  readonly platforms: readonly string[] | 'auto'
  readonly cache: CacheKind
  readonly policy: 'auto' | 'none'
  readonly strict: boolean
  readonly timeoutMs: number
  readonly stableForMs: number
  readonly onFailure: 'rollback' | 'leave'
  readonly verifyUrls: readonly string[]
  readonly release: string
  readonly keepReleases: number
  readonly preview: boolean
  readonly previewUrl: string | undefined
  readonly previewTtlMs: number
  /** 0 is no limit. */
  readonly previewLimit: number
  readonly previewReplicas: number | 'keep'
  readonly previewPorts: 'drop' | 'random' | 'refuse'
  readonly lockTimeoutMs: number
  /** undefined: the command's own default, false for `remove` and true for a preview. */
  readonly removeVolumes: boolean | undefined
  readonly githubToken: string | undefined
  readonly environment: string | undefined
  readonly comment: boolean
  readonly exportDockerHost: boolean
  readonly installScript: string | undefined
  readonly advertiseAddr: string | undefined
  readonly proxyNetwork: string | undefined
}

/** `check` reads files only; every other command talks to a swarm. */
const offline: readonly Command[] = ['check']

/**
 * The action's inputs, from the raw values as the workflow gave them (input name to text; missing means empty).
 * @throws UserError with every problem at once.
 */
export function readInputs(raw: Readonly<Record<string, string | undefined>>): Inputs {
  const reader = new Reader(raw)
  const inputs: Inputs = {
    command: reader.oneOf('command', commands, 'deploy'),
    ...connectionInputs(reader),
    ...stackInputs(reader),
    ...imageInputs(reader),
    ...rolloutInputs(reader),
    ...previewInputs(reader),
    ...githubInputs(reader),
    installScript: reader.text('install-script'),
    advertiseAddr: reader.text('advertise-addr'),
    proxyNetwork: reader.text('proxy-network')
  }
  const isWrong = (name: string): boolean => reader.problems.some(({ message }) => message.startsWith(`\`${name}\``))
  const problems = [...reader.problems, ...contradictions(inputs, isWrong)]
  if (problems.length > 0) throw new UserError(problems)
  return inputs
}

function connectionInputs(reader: Reader) {
  // Keys and known_hosts lines are taken untrimmed: the connection repairs what pasting does to them.
  const whole = (name: string): string | undefined => (reader.text(name) === undefined ? undefined : reader.raw[name])
  return {
    hosts: reader.use(addresses('host', reader.raw['host'])),
    sshKey: whole('ssh-key'),
    sshKeyPassphrase: whole('ssh-key-passphrase'),
    sshKnownHosts: whole('ssh-known-hosts'),
    sshFingerprint: reader.use(fingerprint(reader.text('ssh-fingerprint'))),
    sshJump: reader.use(addresses('ssh-jump', reader.raw['ssh-jump'])),
    exportDockerHost: reader.boolean('export-docker-host', false)
  }
}

function stackInputs(reader: Reader) {
  return {
    stack: reader.use(stackName(reader.text('stack'))),
    composeFiles: reader.list('compose-file'),
    envFiles: reader.list('env-file'),
    profiles: reader.words('profiles'),
    secrets: reader.use(namedValues('secrets', reader.raw['secrets'])),
    policy: reader.oneOf('policy', ['auto', 'none'], 'auto'),
    strict: reader.boolean('strict', false)
  }
}

function imageInputs(reader: Reader) {
  const platforms = reader.words('platforms')
  return {
    build: reader.oneOf('build', ['auto', 'always', 'false'], 'auto'),
    registry: reader
      .text('registry')
      ?.replace(/^https?:\/\//, '')
      .replace(/\/+$/, ''),
    registryLogin: reader.use(login('registry', reader.text('registry-username'), reader.text('registry-password'))),
    pullLogin: reader.use(login('pull', reader.text('pull-username'), reader.text('pull-password'))),
    transfer: reader.oneOf('transfer', ['auto', 'registry', 'direct'], 'auto'),
    tags: reader.words('tags'),
    platforms: platforms.length === 0 || platforms.includes('auto') ? ('auto' as const) : platforms,
    cache: reader.oneOf('cache', ['auto', 'gha', 'local', 'registry', 'none'], 'auto')
  }
}

function rolloutInputs(reader: Reader) {
  return {
    timeoutMs: reader.duration('timeout', '10m'),
    stableForMs: reader.duration('stable-for', '10s'),
    onFailure: reader.oneOf('on-failure', ['rollback', 'leave'], 'rollback'),
    verifyUrls: reader.use(urls('verify-url', reader.list('verify-url'))),
    release: reader.text('release') ?? 'previous',
    keepReleases: reader.count('keep-releases', 5, 1),
    lockTimeoutMs: reader.duration('lock-timeout', '10m'),
    removeVolumes: reader.text('remove-volumes') === undefined ? undefined : reader.boolean('remove-volumes', false)
  }
}

function previewInputs(reader: Reader) {
  const replicas = reader.text('preview-replicas') ?? 'keep'
  return {
    preview: reader.boolean('preview', false),
    previewUrl: reader.use(previewUrl(reader.text('preview-url'))),
    previewTtlMs: reader.duration('preview-ttl', '7d'),
    previewLimit: reader.count('preview-limit', 0, 0),
    previewReplicas: replicas === 'keep' ? ('keep' as const) : reader.count('preview-replicas', 1, 0),
    previewPorts: reader.oneOf('preview-ports', ['drop', 'random', 'refuse'], 'random')
  }
}

function previewUrl(template: string | undefined): Parsed<string | undefined> {
  return { value: template, problems: template === undefined ? [] : checkPreviewUrl(template) }
}

function githubInputs(reader: Reader) {
  return {
    githubToken: reader.text('github-token'),
    environment: reader.text('environment'),
    comment: reader.boolean('comment', true)
  }
}

/** What is wrong about the inputs together, though each is right alone. `isWrong`: that one is not, and one mistake is one problem. */
function contradictions(inputs: Inputs, isWrong: (name: string) => boolean): Problem[] {
  const problems: Problem[] = []
  if (inputs.hosts.length === 0 && !isWrong('host') && !offline.includes(inputs.command)) {
    problems.push({
      message: `No host: \`${inputs.command}\` needs a server to talk to.`,
      remedy: 'Add `host: user@server` to the step, for example `host: deploy@203.0.113.7`.'
    })
  }
  if (inputs.stableForMs >= inputs.timeoutMs && !isWrong('timeout') && !isWrong('stable-for')) {
    problems.push({
      message: '`stable-for` is not shorter than `timeout`, so no rollout could ever count as deployed.',
      remedy: 'Raise `timeout` or lower `stable-for`.'
    })
  }
  if (inputs.registryLogin !== undefined && inputs.registry === undefined && inputs.build !== 'false') {
    problems.push({
      message: '`registry-username` and `registry-password` are given, but no `registry` to log in to.',
      remedy: 'Add `registry: ghcr.io/owner`, or whichever registry the login is for.'
    })
  }
  return problems
}
