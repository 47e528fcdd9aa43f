import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed, type Server } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import type { StepResult } from '../../testbed/runner.ts'
import { scratch } from '../scratch.ts'
import { Workshop, web } from './workshop.ts'

// The machine may be busy with other beds.
jest.setTimeout(120_000)

/** What a user may get wrong at first, each as a whole run of the bundle: red, in words that help, and nothing left or changed. */
let bed: Bed
let worker: Server
let outside: Server
let base: string
const login = { username: 'ci', password: 'a-long-password' }

beforeAll(async () => {
  bed = await openBed({ name: 'bad-input', servers: [{}, {}, { joins: 'none' }], registry: { logins: [login] } })
  ;[, worker, outside] = bed.servers as [Server, Server, Server]
  base = (await pushApp(bed.registry, { name: 'base:1' }, login)).reference
}, 240_000)

afterAll(async () => {
  await bed?.close()
})

interface Case {
  /** Inputs over those of a step that is right. */
  readonly inputs?: () => Readonly<Record<string, string>>
  /** Files of the repository over those of one that is right; an empty text takes one away. */
  readonly files?: () => Readonly<Record<string, string>>
  /** What the log must say, in this order. */
  readonly says: () => readonly (string | RegExp)[]
  /** Where the annotation points. */
  readonly place?: Readonly<Record<string, unknown>>
  /** How far the run may come: nobody is connected to, nobody is logged in, nothing is built; all but changing the swarm. */
  readonly before: 'connecting' | 'login' | 'build' | 'deploy'
}

const built = { image: undefined, build: { context: '.', network: 'none' } }
const deployable = { compose: () => ({ services: { web: { ...web(''), ...built } } }) }
const pushing = () => ({
  registry: `${bed.registry}/shop`,
  'registry-username': login.username,
  'registry-password': login.password
})

/** The line and fingerprint of a key that is not the server's. */
function otherKey(): { readonly line: string; readonly fingerprint: string } {
  const file = join(scratch('bad-input'), 'host-key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'x', '-f', file])
  const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' }).split(' ')
  return { line: `${bed.server.address} ${readFileSync(`${file}.pub`, 'utf8').trim()}`, fingerprint }
}

const cases: Readonly<Record<string, Case>> = {
  'no host': {
    inputs: () => ({ host: '' }),
    says: () => ['No host', 'host: deploy@203.0.113.7'],
    before: 'connecting'
  },
  'several problems at once': {
    inputs: () => ({ host: '', timeout: 'soon', strict: 'perhaps' }),
    says: () => ['`strict`', '`timeout`', 'No host'],
    before: 'connecting'
  },
  'a malformed key': {
    inputs: () => ({ 'ssh-key': bed.sshKey.replace(/(KEY-----\n.*\n.*\n.{20}).{8}/, '$1AAAAAAAA') }),
    says: () => ['`ssh-key` is damaged'],
    before: 'connecting'
  },
  'a host key that nothing vouches for': {
    inputs: () => ({ 'ssh-known-hosts': '' }),
    says: () => ['Nothing vouches for the host key', 'SHA256:', 'ssh-known-hosts: |', bed.server.knownHosts],
    before: 'login'
  },
  'another host key than the known one': {
    inputs: () => ({ 'ssh-known-hosts': otherKey().line }),
    says: () => ['is not the one in `ssh-known-hosts`', 'Expected SHA256:', 'the server shows SHA256:'],
    before: 'login'
  },
  'a host that does not answer': {
    inputs: () => ({ host: `deploy@${bed.server.address.replace(/\d+$/, '99')}` }),
    says: () => [/\.99 (cannot be reached: No route to host|did not answer within 20 s)/, 'firewall'],
    before: 'connecting'
  },
  'a host that does not answer, and a login that is refused': {
    inputs: () => ({
      ...pushing(),
      host: `deploy@${bed.server.address.replace(/\d+$/, '99')}`,
      'registry-password': 'not-the-password'
    }),
    says: () => [/\.99 (cannot be reached|did not answer)/, `The registry ${bed.registry} refused the login of ci.`],
    before: 'connecting'
  },
  'no compose file': {
    files: () => ({ 'compose.yaml': '' }),
    says: () => ['There is no compose file', 'compose-file'],
    before: 'connecting'
  },
  'a compose file that is broken': {
    files: () => ({ 'compose.yaml': 'services:\n  web:\n    image: nginx\n   ports: []\n' }),
    says: () => ['The indentation does not fit', 'at compose.yaml, line 4'],
    place: { file: 'compose.yaml', line: 4 },
    before: 'connecting'
  },
  'a secret that nobody provides': {
    files: () => ({
      'compose.yaml': JSON.stringify(
        {
          services: { web: { ...web(''), ...built, secrets: ['db_password'] } },
          secrets: { db_password: { external: true } }
        },
        null,
        2
      )
    }),
    inputs: pushing,
    says: () => ['The swarm has no secret db_password', 'DB_PASSWORD=', 'at compose.yaml, line '],
    place: { file: 'compose.yaml' },
    before: 'build'
  },
  'a secret that the job should have': {
    files: () => ({
      'compose.yaml': JSON.stringify(
        {
          services: { web: { ...web(''), ...built, secrets: ['db_password'] } },
          secrets: { db_password: { environment: 'DB_PASSWORD' } }
        },
        null,
        2
      )
    }),
    inputs: pushing,
    says: () => ['Nobody gives the secret db_password, which web uses', 'DB_PASSWORD', 'at compose.yaml, line '],
    place: { file: 'compose.yaml' },
    before: 'connecting'
  },
  'builds of what is not there, and a secret that the job should have': {
    files: () => ({
      'compose.yaml': [
        'services:',
        '  web:',
        '    build:',
        '      context: ./nowhere',
        '    secrets: [db_password]',
        '  worker:',
        '    build: {context: ., dockerfile: Missing}',
        'secrets:',
        '  db_password: {environment: DB_PASSWORD}'
      ].join('\n')
    }),
    inputs: pushing,
    says: () => [
      'Nobody gives the secret db_password',
      'Service web: the folder nowhere of `build.context` does not exist.',
      'at compose.yaml, line 4',
      'Service worker: Missing, the Dockerfile of its build, does not exist.',
      'at compose.yaml, line 7'
    ],
    place: { file: 'compose.yaml', line: 4 },
    before: 'connecting'
  },
  'a build that fails': {
    files: () => ({ Dockerfile: `FROM ${base}\nRUN echo 'no such module' && exit 4\n` }),
    inputs: pushing,
    says: () => ['no such module', 'exit code: 4'],
    place: { file: 'Dockerfile', line: 2 },
    before: 'deploy'
  },
  'a push that is refused': {
    inputs: () => ({ registry: `${bed.registry}/shop` }),
    files: () => ({ Dockerfile: 'FROM scratch\nCOPY compose.yaml /x\n' }),
    says: () => ['The registry refused the push'],
    before: 'deploy'
  },
  'a server that is in no swarm': {
    inputs: () => ({ host: outside.host, ...pushing() }),
    says: () => ['swarm mode is not active', 'docker swarm init'],
    before: 'build'
  },
  'a server that is no manager': {
    inputs: () => ({ host: worker.host, ...pushing() }),
    says: () => ['is a worker', bed.server.address, `docker node promote ${worker.name}`],
    before: 'build'
  }
}

describe('a run with', () => {
  it.each(Object.entries(cases))('%s is red, says why, and leaves nothing', async (_, { inputs, files, ...then }) => {
    const shop = new Workshop(bed, { stack: 'shop' })
    shop.write({ Dockerfile: `FROM ${base}\n`, 'compose.yaml': JSON.stringify(deployable.compose(), null, 2) })
    const given = files?.() ?? {}
    shop.write(Object.fromEntries(Object.entries(given).filter(([, text]) => text !== '')))
    for (const [path, text] of Object.entries(given)) if (text === '') shop.remove(path)
    const sshd = bed.servers.map(server => server.sshdLog().length)
    const result = await shop.run(inputs?.() ?? {})

    expect({ status: result.status, exitCode: result.exitCode, word: result.outputs['status'] }).toEqual({
      status: 'failure',
      exitCode: 1,
      word: 'failed'
    })
    expectInOrder(result.log, then.says())
    expect(result.annotations).toContainEqual(expect.objectContaining({ level: 'error', ...then.place }))
    const log = bed.servers.map((server, index) => server.sshdLog().slice(sshd[index])).join('')
    if (then.before === 'connecting') expect(log).toBe('')
    if (then.before === 'login') expect(log).not.toMatch(/Accepted|publickey/)
    if (then.before !== 'deploy') expect(result.log).not.toMatch(/^#\d+ /m)
    expect(result.log.trimEnd()).toMatch(/\nfailed: \S+\. Nothing that runs was changed\.$/)
    expect(await bed.server.docker('service', 'ls', '-q')).toBe('')
    expect(await bed.server.docker('secret', 'ls', '-q')).toBe('')
    expect(leftovers(result)).toEqual([])
    shop.close()
  })
})

/** Each text or pattern after the one before. */
function expectInOrder(log: string, texts: readonly (string | RegExp)[]): void {
  let rest = log
  for (const text of texts) {
    const at = typeof text === 'string' ? rest.indexOf(text) : rest.search(text)
    expect({ text, at, log: at < 0 ? log : '' }).not.toMatchObject({ at: -1 })
    rest = rest.slice(at)
  }
}

/** Processes and files that outlived the job, post step included. */
function leftovers(result: StepResult): string[] {
  return [...result.leftovers, ...readdirSync(result.runnerTemp), ...readdirSync(result.home)]
}
