import type { SocketProbe } from '../commands/socket-probe.js'
import type { Problem } from '../errors.js'

/** The oldest engine that we talk to: Docker 20.10 speaks 1.41. */
export const oldestApi = '1.41'

/** The connection stands, but the engine does not answer through its socket. `probe` is null when the server could not be asked. */
export function engineSilent(host: string, socket: string, probe: SocketProbe | null): Problem {
  if (probe === null) {
    return {
      message: `The Docker Engine on ${host} does not answer at ${socket}.`,
      remedy: 'Check on the server that `docker version` works for this user.'
    }
  }
  if (probe.socket === 'denied') {
    return {
      message: `User ${probe.user} on ${host} may not use the Docker Engine: no permission on ${socket}.`,
      remedy: `On the server: \`sudo usermod -aG docker ${probe.user}\` (who is in the docker group is as good as root there).`
    }
  }
  if (probe.socket === 'missing') return socketMissing(host, socket, probe)
  return {
    message: `The Docker Engine on ${host} does not answer: nothing listens at ${socket}.`,
    remedy: 'On the server: `sudo systemctl start docker`, and `journalctl -u docker` for why it stopped.',
    ...(probe.words === undefined ? {} : { details: probe.words })
  }
}

function socketMissing(host: string, socket: string, probe: SocketProbe): Problem {
  if (probe.rootless !== undefined) {
    return {
      message: `There is no Docker socket at ${socket} on ${host}, but ${probe.user} has a rootless engine.`,
      remedy: `Name its socket in \`host\`: \`…${probe.rootless}\` after the address. Swarm mode needs a root engine for overlay networks.`
    }
  }
  return probe.cli
    ? {
        message: `The Docker Engine on ${host} does not run: there is no socket at ${socket}.`,
        remedy: 'On the server: `sudo systemctl enable --now docker`.'
      }
    : {
        message: `Docker is not installed on ${host}: there is no socket at ${socket}.`,
        remedy: 'Run this action once with `command: setup`, or install Docker Engine on the server yourself.'
      }
}

/** The socket is there and may be used, but does not answer through the connection, and there is no docker CLI to try with. */
export function noWayToEngine(host: string): Problem {
  return {
    message: `The Docker Engine on ${host} does not answer through the connection: it is stopped, or sshd does not forward sockets.`,
    remedy:
      'Start the engine; or set `AllowStreamLocalForwarding yes` in /etc/ssh/sshd_config and reload sshd, or install the docker CLI there.'
  }
}

/** A local socket that is not there or refuses. */
export function localSocketSilent(socket: string, reason: string): Problem {
  return {
    message: `The Docker Engine does not answer at unix://${socket}.`,
    remedy: 'Is the engine running on this runner, and may the job use its socket (docker group)?',
    details: reason
  }
}

/** A call that the engine refused, or did not answer (status 0), where the run cannot go on without it. */
export function engineFailed(error: { readonly status: number; readonly message: string }): Problem {
  if (/does not have a leader/.test(error.message)) {
    return {
      message: 'The swarm has no leader: fewer than half of its managers reach each other, so it takes no changes.',
      remedy:
        'What runs goes on running. Bring the managers back; if they are lost for good, `docker swarm init --force-new-cluster` on one that is left.',
      details: error.message
    }
  }
  if (error.status === 0) {
    return {
      message: error.message,
      remedy:
        'What runs goes on running, and the swarm carries on with what it was told before. When the server answers again, run the job again.'
    }
  }
  return { message: `The Docker Engine refused: ${error.message}` }
}
