import type { ConnectRequest, Host } from '../../ports.js'
import type { Run } from '../run/run.js'

/** How long one host may take to answer, before the next is tried or the run stops. */
const answerMs = 20_000

/** How the inputs say that the server is reached. */
export function connectRequest({ inputs, ports }: Run): ConnectRequest {
  return {
    hosts: inputs.hosts,
    jumps: inputs.sshJump,
    ...(inputs.sshKey !== undefined && { key: inputs.sshKey }),
    ...(inputs.sshKeyPassphrase !== undefined && { passphrase: inputs.sshKeyPassphrase }),
    ...(inputs.sshKnownHosts !== undefined && { knownHosts: inputs.sshKnownHosts }),
    ...(inputs.sshFingerprint !== undefined && { fingerprint: inputs.sshFingerprint }),
    timeoutMs: answerMs,
    signal: ports.cancelled
  }
}

/** The run's one connection to the swarm. With `export-docker-host` it stays open for the job's later steps. */
export async function openHost(run: Run, onUp?: ConnectRequest['onUp']): Promise<Host> {
  const { inputs, ports } = run
  const host = await ports.connect({ ...connectRequest(run), ...(onUp && { onUp }) })
  if (inputs.exportDockerHost) {
    await keep(host)
    ports.outputs.exportVariable('DOCKER_HOST', host.dockerHost)
  }
  return host
}

/** A connection that cannot outlive this run is closed before that is said. */
async function keep(host: Host): Promise<void> {
  try {
    host.keep()
  } catch (error) {
    await host[Symbol.asyncDispose]()
    throw error
  }
}
