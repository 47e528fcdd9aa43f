import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch, run, until } from './processes.ts'
import { systemPath, type Toolchain } from './toolchain.ts'

/** A login of the bed's registry. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** The registry of a bed, on the runner's address of the bed's own network. */
export interface Registry {
  /** `10.77.0.1:5000`: goes in front of image names. */
  readonly address: string
  readonly logins: readonly Login[]
  /** What the registry logged: one line per request, among others. */
  log(): string
}

/** Starts a registry; with logins it answers 401 to everybody else. */
export async function startRegistry(
  dir: string,
  address: string,
  toolchain: Toolchain,
  logins: readonly Login[]
): Promise<Registry> {
  mkdirSync(join(dir, 'data'), { recursive: true })
  const auth = logins.length === 0 ? '' : `auth:\n  htpasswd:\n    realm: testbed\n    path: ${join(dir, 'htpasswd')}\n`
  const entries = await Promise.all(logins.map(async login => `${login.username}:${await bcrypt(login.password)}\n`))
  writeFileSync(join(dir, 'htpasswd'), entries.join(''), { mode: 0o600 })
  writeFileSync(
    join(dir, 'config.yml'),
    `version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: ${join(dir, 'data')}
  delete:
    enabled: true
http:
  addr: ${address}
${auth}`
  )
  const log = join(dir, 'registry.log')
  await launch(join(dir, 'pid'), log, [toolchain.registry, 'serve', join(dir, 'config.yml')], { PATH: systemPath })
  await until(`the registry at ${address}`, 20_000, async () => (await fetch(`http://${address}/v2/`)).status)
  return { address, logins, log: () => readFileSync(log, 'utf8') }
}

/** The only kind of password hash the registry takes; made by the C library through perl, which every Debian has. */
async function bcrypt(password: string): Promise<string> {
  // a fixed salt: these are passwords of a test
  return run(['perl', '-e', 'my $p = <STDIN>; print crypt($p, q($2b$04$abcdefghijklmnopqrstuu))'], { input: password })
}
