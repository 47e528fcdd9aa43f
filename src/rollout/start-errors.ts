import { oneLine } from '../text.js'

export interface Cause {
  /** A sentence without its subject, the task: `exited with code 7`. */
  readonly what: string
  readonly remedy?: string
}

type Rule = readonly [pattern: RegExp, say: (match: RegExpExecArray, platform: string | null) => Cause]

/**
 * Texts of a task whose container could not be made or started, as engines 20.10 to 28.5 write them; where the image could not be pulled they
 * only say that it is not there (moby, daemon/cluster/executor/container/controller.go, Prepare), later ones say why.
 */
const beforeStart: readonly Rule[] = [
  [
    /^No such image: (\S+)/i,
    (match): Cause => ({
      what: `could not start: its node has no image ${match[1] ?? ''} and could not pull it`,
      remedy:
        'Check that the reference is right and the image was pushed, that the nodes reach the registry, and that they may pull from it (`pull-username`, `pull-password`).'
    })
  ],
  [
    /(manifest (?:for \S+ |unknown)|not found: manifest|manifest unknown)/i,
    () => ({
      what: 'could not start: the registry has no such image',
      remedy: 'Check the reference, and that the image was pushed.'
    })
  ],
  [
    /no matching manifest for (\S+)/i,
    match => ({
      what: `could not start: its image is not made for ${match[1] ?? ''}`,
      remedy: 'Build it for the platform of the nodes (`platforms`).'
    })
  ],
  [
    /pull access denied|unauthorized|authentication required|no basic auth credentials|denied: /i,
    () => ({
      what: 'could not start: the registry refuses to give out its image',
      remedy: 'Give the nodes a login that may pull it (`pull-username`, `pull-password`), and one that lives on.'
    })
  ],
  [
    /(?:dial tcp|Get "?https?:).*(connection refused|no such host|i\/o timeout|TLS handshake timeout|certificate.*)/i,
    match => ({
      what: `could not start: its node does not reach the registry (${oneLine(match[1] ?? '', 80)})`,
      remedy: "Check the registry's address and the network of the node."
    })
  ],
  [
    /bind source path does not exist: (.+)$|bind mount source, source path not found: (.+)$/i,
    match => ({
      what: `could not start: ${match[1] ?? match[2] ?? 'its bind source'} does not exist on its node`,
      remedy: 'Create the folder on every node that may run the service, or use a volume, a config or a secret.'
    })
  ],
  [
    /exec: "([^"]+)": (?:executable file not found in \$PATH|stat \S+: no such file or directory)/i,
    match => ({
      what: `could not start: there is no command ${match[1] ?? ''} ${match[1] === 'docker-init' ? 'on its node, which `init: true` needs' : 'in its image'}`,
      remedy: 'Check `command` and `entrypoint`, and that the file is in the image and its interpreter too.'
    })
  ],
  [
    /exec: "([^"]+)": (permission denied|is a directory)/i,
    match => ({
      what: `could not start: ${match[1] ?? ''} cannot be executed (${match[2] ?? ''})`,
      remedy: 'Set the execute bit in the image (`chmod +x`), and check `command` and `entrypoint`.'
    })
  ],
  [/exec format error/i, (_, platform) => wrongFormat(platform)],
  [
    /unable to find (user|group) ([^:]+): no matching entries/i,
    match => ({
      what: `could not start: there is no ${match[1] ?? 'user'} ${match[2] ?? ''} in its image`,
      remedy: 'Check `user`.'
    })
  ],
  [
    /(?:failed to bind host port for|Bind for) (\S+?)(?::\d+\.\d+\.\d+\.\d+:\d+\/\w+)?:? (?:failed: port is already allocated|address already in use)/i,
    match => ({
      what: `could not start: port ${(match[1] ?? '').replace(/^.*:/, '')} of its node is taken`,
      remedy: 'Stop what listens there, or publish another port.'
    })
  ],
  [
    /listen \w+ \S*:(\d+): bind: address already in use/i,
    match => ({
      what: `could not start: port ${match[1] ?? ''} of its node is taken`,
      remedy: 'Stop what listens there, or publish another port.'
    })
  ],
  [
    /Cannot mkdir: (.+) is not a directory/i,
    match => ({
      what: `could not start: its working directory ${match[1] ?? ''} is not a directory`,
      remedy: 'Check `working_dir`.'
    })
  ],
  [
    /network (\S+) not found|could not find (?:a )?network/i,
    match => ({
      what: `could not start: its network ${match[1] ?? ''} is not there`.replace('  ', ' '),
      remedy: 'Run the deploy again; an external network must exist before.'
    })
  ],
  [
    /ip addresses may be exhausted|could not find an available (?:IP|address)/i,
    () => ({ what: 'could not start: its network has no address left', remedy: 'Give the network a larger subnet.' })
  ],
  [
    /Pool overlaps with other one/i,
    () => ({
      what: 'could not start: on its node, another network has the addresses of its own',
      remedy:
        'Run the deploy again if a network was only just removed. A node may also not let go of one (its engine logs "should be removed, but still has active attachments"): start that engine anew. Else give the network in the compose file another `ipam` subnet.'
    })
  ],
  [
    /no space left on device/i,
    () => ({
      what: 'could not start: the disk of its node is full',
      remedy: 'Free space on the node: old images and containers first.'
    })
  ],
  [
    /unable to get (secret|config) from/i,
    match => ({
      what: `could not start: its node did not get a ${match[1] ?? 'secret'}`,
      remedy: 'Run the deploy again.'
    })
  ]
]

/** The cause in an engine's text about a container that could not be made or started; null when it is none of the known ones. */
export function startError(text: string, platform: string | null): Cause | null {
  for (const [pattern, say] of beforeStart) {
    const match = pattern.exec(text)
    if (match) return say(match, platform)
  }
  return null
}

/** A program for another machine than its node. `platform` is the node's, such as `linux/amd64`. */
export function wrongFormat(platform: string | null): Cause {
  return {
    what: `could not start: its program is not made for its node${platform === null ? '' : `, which is ${platform}`} (exec format error)`,
    remedy: 'Build the image for the platform of the nodes (`platforms`). A script needs a `#!` line.'
  }
}
