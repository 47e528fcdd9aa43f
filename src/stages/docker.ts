import { awaitSocketArgv, installArgv, joinGroupArgv, startArgv, type Survey } from '../commands/setup.js'
import { messageOf, UserError } from '../errors.js'
import { installFailed, noInstallScript, stepFailed } from '../errors/setup.js'
import type { Host, Ports } from '../ports.js'

export interface DockerOptions {
  /** URL, or a file relative to the workspace; Docker's own script when not given. */
  readonly installScript?: string
  readonly workspace: string
}

const dockersOwnScript = 'https://get.docker.com'

const installMs = 15 * 60_000

/** Docker installed and started on a server, its socket at `socket`. Says what it did, one sentence each. */
export async function ensureDocker(
  ports: Ports,
  host: Host,
  { survey, socket }: { readonly survey: Survey; readonly socket: string },
  options: DockerOptions
): Promise<readonly string[]> {
  if (survey.daemon && survey.socket) return []
  const done: string[] = []
  if (!survey.daemon) {
    await install(ports, host, survey, await installScript(ports, options))
    done.push(`${host.name}: Docker installed.`)
  }
  const started = await host.run(startArgv(survey), { timeoutMs: 120_000 })
  const running = await host.run(awaitSocketArgv(socket), { timeoutMs: 60_000 })
  if (running.code !== 0) {
    throw new UserError(stepFailed(host.name, 'starting Docker', started.stderr || started.stdout))
  }
  done.push(`${host.name}: Docker started.`)
  return done
}

async function install(ports: Ports, host: Host, survey: Survey, script: string): Promise<void> {
  await ports.log.group(`Install Docker on ${host.name}`, async () => {
    const result = await host.run(installArgv(survey), {
      stdin: script,
      onLine: line => ports.log.info(line),
      timeoutMs: installMs
    })
    if (result.code === 0) return
    const last = `${result.stdout}${result.stderr}`.trimEnd().split('\n').slice(-15).join('\n')
    throw new UserError(installFailed(host.name, result.code, last))
  })
}

async function installScript(ports: Ports, options: DockerOptions): Promise<string> {
  const source = options.installScript ?? dockersOwnScript
  const text = /^https?:\/\//.test(source)
    ? await download(ports, source)
    : await ports.files.text(`${options.workspace}/${source}`)
  if (text === null) throw new UserError(noInstallScript(source, 'there is no such file'))
  if (!text.startsWith('#!')) throw new UserError(noInstallScript(source, 'it does not begin like a script (`#!`)'))
  return text
}

async function download(ports: Ports, url: string): Promise<string> {
  try {
    const reply = await ports.http.request(url, { timeoutMs: 30_000, signal: ports.cancelled })
    if (reply.status === 200) return reply.body
    throw new Error(`it answers ${reply.status}`)
  } catch (error) {
    throw new UserError(noInstallScript(url, messageOf(error)), { cause: error })
  }
}

/** true when the user was added to the docker group, or was and has not logged in since: it counts from the next login on. */
export async function ensureGroup(host: Host, survey: Survey): Promise<boolean> {
  if (survey.root === 'is' || survey.access || survey.dockerGroup === 'now') return false
  if (survey.dockerGroup === 'next login') return true
  const added = await host.run(joinGroupArgv(survey))
  if (added.code !== 0) throw new UserError(stepFailed(host.name, 'adding the user to the docker group', added.stderr))
  return true
}
