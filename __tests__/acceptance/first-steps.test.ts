import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushApp } from '../../testbed/images.ts'
import type { StepResult } from '../../testbed/runner.ts'
import { scratch } from '../scratch.ts'
import { withIn } from './workflow-files.ts'
import { Workshop } from './workshop.ts'

// The machine may be busy with other beds.
jest.setTimeout(180_000)

/** The README's way from a server that has nothing but Docker to the first green deploy: its own lines, run one after the other. */
const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const chapter = readme.slice(readme.indexOf('\n## From nothing'), readme.indexOf('\n## See it'))
const blocks = (language: string): string[] =>
  [...chapter.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '')

const password = 'the-password-of-the-database'
let bed: Bed
let shop: Workshop

beforeAll(async () => {
  // sshd as Debian has it: keys in the users' own folders, whose owners and modes count, and users without a password
  const sshdConfig = ['AuthorizedKeysFile .ssh/authorized_keys', 'StrictModes yes', 'UsePAM yes']
  bed = await openBed({ name: 'first-steps', servers: [{ sshdConfig }], swarm: false })
  const { server } = bed
  await server.exec(['userdel', '-r', 'deploy']).catch(() => undefined)
  await server.exec(
    ['sh', '-ec', 'mkdir -m 700 /root/.ssh; cat >/root/.ssh/authorized_keys'],
    readFileSync(join(bed.dir, 'key.pub'), 'utf8')
  )
  await server.exec(['tee', '/etc/ssh/ssh_host_ed25519_key.pub'], server.knownHosts.replace(/^\S+ /, ''))
  shop = new Workshop(bed)
}, 240_000)

afterAll(async () => {
  shop?.close()
  await bed?.close()
})

describe('the first steps of the README', () => {
  const folder = scratch('first-steps')
  const [server = '', key = ''] = blocks('sh')
  const [workflow = '', compose = ''] = blocks('yaml')
  const kept = (name: string): string => readFileSync(join(folder, name), 'utf8').trim()

  /** The user's own machine: its ssh reaches the server as root, its gh keeps what it is given in files. */
  const own = (lines: string): void => {
    writeFileSync(join(folder, 'root-key'), bed.sshKey, { mode: 0o600 })
    const ssh = `ssh() { command ssh -i root-key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"; }`
    const gh = `gh() { case "$1 $4" in 'variable --body') echo "$5" >"$3" ;; secret*) cat >"$3" ;; *) return 1 ;; esac; }`
    execFileSync('bash', ['-ec', `${ssh}\n${gh}\n${lines}`], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  }

  it('make a server ready, and a key', async () => {
    await bed.server.exec(['sh', '-ec', server])
    own(key.replaceAll('203.0.113.7', bed.server.address))
    expect(await bed.server.docker('node', 'ls', '--format', '{{.ManagerStatus}}')).toBe('Leader')
    expect(kept('SSH_KNOWN_HOSTS').split(' ').slice(0, 3).join(' ')).toBe(bed.server.knownHosts)
  })

  const run = async (knownHosts: string): Promise<StepResult> => {
    const secrets = { SSH_KEY: kept('SSH_KEY'), DB_PASSWORD: password }
    const inputs = withIn(workflow, 'README.md', {
      'secrets.SSH_KEY': secrets.SSH_KEY,
      'vars.SSH_KNOWN_HOSTS': knownHosts,
      'toJSON(secrets)': JSON.stringify(secrets)
    })
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [name, value.replace('203.0.113.7', bed.server.address)])
    )
    return shop.run(given, { env: { GITHUB_REPOSITORY: 'octocat/shop' }, secrets: Object.values(secrets) })
  }

  it('stop before the login where the host key is not kept; with it the app runs, and reads its secret', async () => {
    const { reference } = await pushApp(bed.registry, { name: 'base:1' })
    shop.write({ 'compose.yaml': compose, Dockerfile: `FROM ${reference}\nENV SECRET_FILE=/run/secrets/db_password\n` })
    const first = await run('')
    expect(first).toMatchObject({ status: 'failure', outputs: { status: 'failed' } })
    expect(first.log).toContain(await bed.server.fingerprint())
    const [, line = ''] = /^ +(\S+ ssh-ed25519 \S+)$/m.exec(first.log) ?? []
    expect(line).toBe(bed.server.knownHosts)

    const before = bed.server.handshakes()
    const second = await run(kept('SSH_KNOWN_HOSTS'))
    expect(`${second.log}\n${bed.server.sshdLog()}`).toContain('deployed: shop r1')
    expect(second).toMatchObject({ status: 'success', outputs: { status: 'deployed', stack: 'shop' } })
    expect(bed.server.handshakes() - before).toBe(1)
    const [id = ''] = (await bed.server.docker('ps', '-q', '--filter', 'name=shop_web')).split('\n')
    expect(await bed.server.docker('exec', id, 'cat', '/run/secrets/db_password')).toBe(password)
    expect(second.raw.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain(password)
  })
})
