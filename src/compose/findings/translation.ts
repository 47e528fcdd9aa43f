import type { RuleText } from './rule.js'

/** What a stack cannot say, or says differently. */
export const translationRules = {
  'added-policy': {
    level: 'notice',
    title: 'A safe update policy was added',
    why: 'Swarm on its own pauses a failed update half-way and watches each new task for five seconds only. With `policy: auto` a service without `update_config` gets: one task at a time, `failure_action: rollback`, a `monitor` window as long as its healthcheck needs to fail, and `order: start-first` unless the service uses a host-mode port, the host network, a volume that one task writes to, or `max_replicas_per_node`. What the file says always wins.',
    remedy: 'Nothing to do. To decide yourself, write `deploy.update_config`.'
  },
  'bind-as-config': {
    level: 'notice',
    title: 'A file of the repository becomes a Swarm config',
    why: 'The repository is not on the servers, so a bind such as `./nginx.conf:/etc/nginx/nginx.conf` cannot work there. Each file travels as a Swarm config named after its content: a changed file updates the services that mount it, and a rollback brings the old file back. The permission bits are kept, the mount is read only, owned by root, and a directory adds its files to what the image has there.',
    remedy: 'Nothing to do where the service only reads the file. For data that it writes, use a named volume.'
  },
  'bind-empty': {
    level: 'error',
    title: 'An empty file cannot be mounted',
    why: 'The engine refuses a config without content.',
    remedy: 'Put something into the file, a comment or a newline, or take the bind out.',
    silence: false
  },
  'bind-missing': {
    level: 'error',
    title: 'A bind of something that is not in the repository',
    why: '`docker compose` creates a missing bind source on the machine it runs on. In a swarm that machine is one of the servers, and the path of the CI runner means nothing there.',
    remedy:
      'For data, use a named volume (`data:/path`); for a folder of the server, write its absolute path; for configuration, commit the file.',
    silence: false
  },
  'bind-too-large': {
    level: 'error',
    title: 'A bind of the repository that is too large for configs',
    why: 'A Swarm config holds less than 1,024,000 bytes, and every manager keeps each of them. More than 64 files or 4 MiB in one bind is source code or data.',
    remedy:
      'Copy the files into the image (`COPY` in its Dockerfile) and keep the bind for development in a compose.override.yaml, which is not deployed.',
    silence: false
  },
  'absolute-bind': {
    level: 'notice',
    title: 'A bind of a folder of the server',
    why: 'An absolute path is left as it is. Swarm does not create it: the task is rejected on a node where it does not exist, and on several nodes each has its own.',
    remedy:
      'Make sure that the path exists on every node that may run the service, or pin the service with `deploy.placement.constraints`.'
  },
  'docker-socket': {
    level: 'warning',
    title: 'The Docker socket in a container',
    why: 'Who can talk to the socket is root on the node, and on a manager owns the whole swarm.',
    remedy:
      'Put a proxy for the socket between them that allows only the calls that are needed, and pin the service to a manager where it needs the Swarm API.'
  },
  'one-letter-volume': {
    level: 'notice',
    title: 'A volume with a name of one letter',
    why: 'Docker reads `v:/data` as the Windows path `V:/data` in several places. This action writes the long form, which works; other tools may not.',
    remedy: 'Give the volume a longer name.'
  },
  'unsupported-mount': {
    level: 'error',
    title: 'A mount that a stack does not have',
    why: 'A stack file knows bind, volume, tmpfs, npipe and cluster mounts.',
    remedy: 'Put the files into the image itself, or into a named volume.'
  },
  'lost-mount-option': {
    level: 'notice',
    title: 'A mount option is lost',
    why: 'The stack file has no place for it, and `docker stack deploy` ignores it without a word.',
    remedy: 'Set what you need at the start of the container, or silence this finding.'
  },
  'host-ip': {
    level: 'error',
    title: 'A port published on one address would be open to all',
    why: '`127.0.0.1:5432:5432` keeps a port on the machine itself under compose. A swarm has no such thing: the routing mesh listens on every address of every node, so a private port would be open to the internet.',
    remedy:
      'Remove the port: services of the stack reach each other without it. Silence this rule to publish it on all addresses.'
  },
  'dnsrr-port': {
    level: 'error',
    title: 'A port of the routing mesh without a virtual address',
    why: 'With `endpoint_mode: dnsrr` a service has no virtual address, and the routing mesh cannot reach it: the engine refuses the service.',
    remedy: 'Write `mode: host` for the port, or remove `endpoint_mode`.',
    silence: false
  },
  'port-range': {
    level: 'notice',
    title: 'A range of published ports',
    why: 'Compose takes any free port of a range such as `8000-8010:80`. The stack file takes one number.',
    remedy: 'Write the one port you mean, or no published port at all to let Swarm pick.'
  },
  'preview-port': {
    level: 'notice',
    title: 'A fixed published port in a preview',
    why: 'A published port belongs to one service of the whole swarm. Previews beside each other cannot share it.',
    remedy: 'Reach previews through a reverse proxy on a shared network, by host name.'
  },
  'node-network': {
    level: 'warning',
    title: 'The network of the node',
    why: 'A service with `network_mode: host` uses the network of the node it runs on: it has no name on the networks of the stack, and its ports are open on that node. A swarm has no `network_mode: none`; the service gets an internal network of its own instead, which nobody else is on.',
    remedy: 'Use a network of the stack and publish the ports you need, `mode: host` where the client address matters.'
  },
  'shared-network': {
    level: 'error',
    title: "Another container's network",
    why: '`network_mode: service:…` and `container:…` join the network namespace of another container. Tasks of a swarm may run on different nodes and share nothing.',
    remedy:
      'Put both on one network and let them talk by service name. Silence this rule to deploy the service on the default network.'
  },
  'network-refused': {
    level: 'error',
    title: 'A network that a swarm refuses',
    why: 'Services of a swarm use networks of the whole swarm: the drivers macvlan, ipvlan, host and none make networks of one node. The name of a network is letters, digits, `-` and `_`, 63 characters at most.',
    remedy: 'Give it another `name`, without dots and not longer than 63 characters, or leave `name` out.',
    silence: false
  },
  'lost-network-option': {
    level: 'notice',
    title: 'A network option is lost',
    why: 'The networks of a stack are overlays. Static addresses, priorities, options of the bridge driver and everything in `ipam` beyond the subnet do not exist for them.',
    remedy: 'Address services by name. Silence this finding once you have checked that nothing depends on it.'
  },
  'fixed-subnet': {
    level: 'warning',
    title: 'A fixed subnet',
    why: 'Two networks of a swarm cannot have the same subnet: a second stack from the same file, such as a preview, fails.',
    remedy: 'Leave `ipam` out and let Swarm choose.'
  },
  'restart-default': {
    level: 'notice',
    title: 'No restart policy',
    why: 'Compose leaves a service without `restart` down when it ends; Swarm starts it again, whatever its exit code. That is right for a server and wrong for a script that is meant to end.',
    remedy:
      'Write `restart: unless-stopped` for a server. A script that ends is a job: let the services that need it wait with `condition: service_completed_successfully`, or write `deploy.mode: replicated-job`.'
  },
  'restart-no': {
    level: 'warning',
    title: 'A service that is never restarted',
    why: 'With `restart: "no"` a task that ends, for any reason, leaves the service at zero replicas.',
    remedy: 'Write `restart: unless-stopped`. For a script that ends, see restart-default.'
  },
  'global-replicas': {
    level: 'notice',
    title: 'Replicas of a global service',
    why: 'A global service runs one task on every node. The engine refuses a number of replicas for it.',
    remedy: 'Remove `replicas`, or remove `mode: global`.'
  },
  'depends-on': {
    level: 'notice',
    title: 'The order of starts holds for a deploy only',
    why: 'A deploy waits, phase by phase, where `depends_on` asks for `service_healthy` or `service_completed_successfully`. Swarm itself knows no order: after a crash or a reboot of a node, services start as they come.',
    remedy: 'Let the service retry its connections at start.'
  },
  devices: {
    level: 'error',
    title: 'Devices of the host',
    why: 'Swarm services cannot be given devices (moby/swarmkit#1244).',
    remedy:
      'Run this container with plain `docker run` on the node, outside of the stack. Silence this rule to deploy without.'
  },
  'lost-devices': {
    level: 'warning',
    title: 'A GPU or a runtime is lost',
    why: 'A stack file has no `gpus`, `runtime` or reserved `devices`.',
    remedy:
      'Configure the GPUs as generic resources of the node (`node-generic-resources` in daemon.json) and reserve them with `deploy.resources.reservations.generic_resources`.'
  },
  'volumes-from': {
    level: 'error',
    title: 'Volumes of another container',
    why: 'Tasks of a swarm may run on different nodes, so that there is no other container to take volumes from.',
    remedy: 'Declare the volumes at top level and mount them in both services. Silence this rule to deploy without.'
  },
  privileged: {
    level: 'error',
    title: 'A privileged container',
    why: 'Swarm services cannot be privileged (moby/moby#24862).',
    remedy: 'Add the capabilities that the service needs with `cap_add`. Silence this rule to deploy without.'
  },
  'lost-isolation': {
    level: 'warning',
    title: 'An isolation option is lost',
    why: '`security_opt`, `pid`, `ipc`, `userns_mode`, `group_add` and their like have no place in a stack file, and the CLI drops some of them without a word.',
    remedy: 'Check that the service works and is safe enough without it, then silence this finding.'
  },
  'lost-tuning': {
    level: 'notice',
    title: 'An option is lost',
    why: 'The stack file has no place for this option; the service runs with the default of the engine.',
    remedy:
      'For CPU and memory, use `deploy.resources`. Otherwise check that nothing depends on it, and silence this finding.'
  },
  'lost-link': {
    level: 'warning',
    title: 'A link to a container outside of the stack',
    why: 'Services of a swarm find each other by name on a network they share.',
    remedy: 'Attach both to one external network.'
  },
  'lost-hook': {
    level: 'warning',
    title: 'A lifecycle hook is lost',
    why: 'Swarm runs no `post_start` or `pre_stop` hooks.',
    remedy:
      "Do it in the image's entrypoint, or in a job that the service waits for with `condition: service_completed_successfully`."
  },
  'lost-provider': {
    level: 'warning',
    title: 'Something that only compose itself provides',
    why: '`provider`, `models` and `use_api_socket` are carried out by `docker compose up` on the machine it runs on.',
    remedy: 'Run what they provide as a service of its own.'
  },
  'cleared-command': {
    level: 'warning',
    title: 'A command or entrypoint set to nothing',
    why: 'An empty list means "none" to compose and "as the image says" to a stack.',
    remedy: 'Write the whole command line that is to run as `entrypoint`.'
  },
  'object-driver': {
    level: 'error',
    title: 'A secret or config with a driver',
    why: 'This action creates secrets and configs from values it knows, under versioned names. A driver would fetch or expand the value on the node.',
    remedy: 'Create the object by hand and declare it `external: true`.',
    silence: false
  },
  'no-services': {
    level: 'error',
    title: 'There is nothing to deploy',
    why: 'No service is left: the files have none, or each has a profile that is not asked for.',
    remedy: 'Add a service, or name the profiles to deploy with `profiles`.',
    silence: false
  },
  'renamed-service': {
    level: 'notice',
    title: 'A name that the swarm refuses',
    why: 'The name of a service or network is a DNS label: letters, digits, `-` and `_`, 63 characters with the name of the stack, and upper case makes no difference. A dot, a longer name, or a second one such as `Web` beside `web` is replaced; the old name of a service stays an alias on its networks.',
    remedy: 'Rename the service in the compose file, or choose a shorter stack name.'
  }
} as const satisfies Readonly<Record<string, RuleText>>
