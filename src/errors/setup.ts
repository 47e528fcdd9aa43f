import type { Survey } from '../commands/setup.js'
import type { Problem } from '../errors.js'

/** Architectures that Docker has packages for on Debian and Ubuntu. */
const machines = ['x86_64', 'aarch64', 'armv7l', 'ppc64le', 's390x', 'riscv64']

/** What keeps a server from being set up; empty when nothing does. */
export function setupProblems(host: string, survey: Survey): readonly Problem[] {
  const problems: Problem[] = []
  const installs = !survey.daemon
  const works = survey.socket && survey.access
  if (installs && !machines.includes(survey.machine)) {
    problems.push({
      message: `${host} is a ${survey.machine} machine, which Docker has no packages for.`,
      remedy: 'Use a 64-bit x86 or ARM server.'
    })
  }
  if (installs && !isKnown(survey)) {
    problems.push({
      message: `${host} runs ${survey.pretty}; \`setup\` installs Docker on Debian and Ubuntu.`,
      remedy:
        'Install Docker Engine on it yourself (https://docs.docker.com/engine/install/) and run `setup` again: it goes on from there. Or give an `install-script` that knows this system.'
    })
  }
  if (survey.root === 'no' && !works) {
    problems.push({
      message: `User ${survey.user} on ${host} is not root and may not use sudo without a password, so Docker cannot be set up.`,
      remedy: `Log in as root for \`setup\`, or on the server: \`echo '${survey.user} ALL=(ALL) NOPASSWD:ALL' | sudo tee /etc/sudoers.d/${survey.user}\`. It can be taken away afterwards.`
    })
  }
  return problems
}

function isKnown(survey: Survey): boolean {
  return [survey.os, ...survey.like.split(' ')].some(id => id === 'debian' || id === 'ubuntu')
}

/** The survey itself failed. */
export function surveyFailed(host: string, words: string): Problem {
  return {
    message: `${host} did not say what it is: its shell does not run plain commands for this user.`,
    remedy: 'The user needs an ordinary login shell, and a key without a forced command.',
    details: words
  }
}

/** The install script could not be had. `source` is its URL or file. */
export function noInstallScript(source: string, reason: string): Problem {
  return {
    message: `The install script ${source} cannot be used: ${reason}.`,
    remedy: '`install-script` is a URL, or a file in the repository, of a shell script that installs Docker Engine.'
  }
}

/** The install script ended with an error. */
export function installFailed(host: string, code: number | null, lastLines: string): Problem {
  return {
    message: `The install script on ${host} ended with ${code === null ? 'a signal, or after its time was over' : `exit code ${code}`}.`,
    remedy: 'Its own last lines say why. Running `setup` again is safe.',
    details: lastLines
  }
}

/** A step that needs root did not work. */
export function stepFailed(host: string, step: string, words: string): Problem {
  return { message: `${host}: ${step} failed.`, remedy: 'Running `setup` again is safe.', details: words }
}

/** Several addresses, and nothing to choose by. */
export function whichAddress(host: string, addresses: readonly string[]): Problem {
  return {
    message: `${host} has several addresses (${addresses.join(', ')}), and its nodes must know which to use.`,
    remedy: `Set \`advertise-addr\` to the one that the other nodes reach it at, such as \`advertise-addr: ${addresses[0] ?? '10.0.0.2'}\`.`
  }
}

/** The network that stacks are to share exists, but as one of the node alone, such as compose and `docker network create` make. */
export function networkOfOneNode(host: string, name: string): Problem {
  return {
    message: `${host} has a network ${name} already, but it belongs to this node only; services need one of the swarm.`,
    remedy: `Choose another name for \`proxy-network\`; or, when nothing uses it any more, on the server: \`docker network rm ${name}\`.`
  }
}

/** The server belongs to a swarm that is not the first host's. */
export function otherSwarm(host: string, manager: string): Problem {
  return {
    message: `${host} is in another swarm than ${manager}.`,
    remedy:
      'If that swarm is not needed: `docker swarm leave` on it (with `--force` on a manager; its services are gone then), and run `setup` again.'
  }
}

/** The first host is a worker of some swarm: nothing can join through it. */
export function firstIsWorker(host: string): Problem {
  return {
    message: `${host} is a worker of a swarm, so it cannot be the manager that the others join.`,
    remedy: 'Name a manager of that swarm first in `host`.'
  }
}

/** What the user should know about the server once it is ready, one sentence or two each. */
export function advice(host: string, survey: Survey, sshPort: number, several: boolean): readonly string[] {
  const ports = [
    `${sshPort}/tcp for SSH`,
    '80/tcp and 443/tcp for your app',
    ...(several ? ['2377/tcp, 7946/tcp, 7946/udp and 4789/udp between the nodes only, never from anywhere'] : [])
  ]
  return [
    `${host}: user ${survey.user} may use Docker, and who may use Docker is as good as root on the server. Give this key to nobody else.`,
    `${host}: ports that must be open: ${ports.join('; ')}. ${firewallWords(survey)}`
  ]
}

function firewallWords(survey: Survey): string {
  switch (survey.firewall) {
    case 'ufw':
      return 'ufw is active here and was left as it is; note that ports which Docker publishes pass it by.'
    case 'firewalld':
      return 'firewalld is active here and was left as it is.'
    case 'none seen':
      return "No firewall was seen on the server itself; your provider's is set in its console."
  }
}

/** What to add to the workflow's step, ready to paste. */
export function withBlock(host: string, knownHosts: readonly string[]): string {
  return [
    'with:',
    `  host: ${host}`,
    '  ssh-key: ${{ secrets.SSH_KEY }}',
    '  ssh-known-hosts: |',
    ...knownHosts.map(line => `    ${line}`)
  ].join('\n')
}
