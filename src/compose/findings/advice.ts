import type { RuleText } from './rule.js'

/** What the file could do better: nothing is lost, but something is at risk. */
export const adviceRules = {
  'platform-without-node': {
    level: 'warning',
    title: 'An image for a platform that no node has',
    why: 'Once the connection stands, a deploy and a plan compare what is built with what the nodes of the swarm are. An image for another architecture takes time and is used by nobody; where a service has no other, its tasks stay pending or end with `exec format error`.',
    remedy: 'Remove it from `platforms`, or leave `platforms` on `auto`.'
  },
  'node-without-platform': {
    level: 'warning',
    title: 'A node that the images are not built for',
    why: 'A swarm of mixed nodes may put a task on any of them. One whose architecture the image lacks cannot run it.',
    remedy: 'Add it to `platforms`, or leave `platforms` on `auto`.'
  },
  'old-engine': {
    level: 'error',
    title: 'A key that a node is too old for',
    why: 'An engine leaves out what it does not know, and nobody says so: before Docker Engine 26, `subpath` of a volume mounts the whole volume; before 25, `start_interval` of a healthcheck does nothing (a warning). Before 23 a cluster volume is refused, when a part of the stack may be deployed already. Once the connection stands, a deploy and a plan compare what the services say with the engines of the nodes. Where only workers are too old it is a warning: placement may keep the tasks off them.',
    remedy: 'Update Docker on that node, or leave the key out.'
  },
  'no-healthcheck': {
    level: 'warning',
    title: 'No healthcheck',
    why: 'Without a healthcheck the swarm takes a task for ready the moment its process starts: traffic arrives before the application listens, and a version that starts but does not work counts as deployed. With one, the old task serves until the new one is healthy, and a version that never gets healthy is rolled back. A `HEALTHCHECK` in the Dockerfile of a service that is built counts.',
    remedy:
      'Add `healthcheck: {test: [CMD, …], interval: 10s, timeout: 3s, retries: 3, start_period: 20s}` with a command that is in the image and fails until the service can serve.'
  },
  'no-rollback': {
    level: 'warning',
    title: 'A failed update is not rolled back',
    why: 'With any `failure_action` but `rollback` the swarm stops in the middle of a failed update (`pause`) or carries on with it (`continue`). This action can still bring the release before back, but only after the fact.',
    remedy: 'Write `deploy.update_config.failure_action: rollback`, or leave it to `policy: auto`.'
  },
  'rollback-loop': {
    level: 'warning',
    title: 'A rollback that may end as a success',
    why: 'With `rollback_config.failure_action: rollback` a rollback that fails starts again, and ends as `completed` although no task runs.',
    remedy: 'Write `deploy.rollback_config.failure_action: pause`, or leave it out.'
  },
  'short-monitor': {
    level: 'warning',
    title: 'The monitor window is shorter than the healthcheck needs to fail',
    why: 'A task that turns unhealthy after the `monitor` window no longer fails the update: it is restarted again and again while the update counts as completed. A healthcheck needs `start_period` plus `retries` times `interval` to fail; the default window is five seconds.',
    remedy: 'Make `deploy.update_config.monitor` longer, or leave it to `policy: auto`.'
  },
  'start-first-hazard': {
    level: 'warning',
    title: 'start-first where two tasks cannot run at once',
    why: '`order: start-first` starts the new task beside the old one. With a host-mode port or `max_replicas_per_node` the new task waits for ever, and the update with it; with a volume that one task writes to, two write.',
    remedy: 'Write `order: stop-first` for this service, or take away what stands in the way.'
  },
  'stop-first': {
    level: 'warning',
    title: 'Downtime at every update',
    why: 'With one replica and `order: stop-first`, which is the default of Swarm, the old task ends before the new one starts: nobody serves in between.',
    remedy: 'Write `order: start-first`, or have two replicas.'
  },
  'literal-secret': {
    level: 'warning',
    title: 'A secret in plain sight in the repository',
    why: 'Everybody who reads the repository, its forks or `docker service inspect` reads the value, and changing it leaves it in the history.',
    remedy: 'Move it into a Swarm secret and change the value.'
  },
  'plain-secret': {
    level: 'notice',
    title: 'A secret in an environment variable',
    why: 'The value is not in the repository, but it becomes part of the service definition: everybody with access to the swarm reads it by `docker service inspect`, and every process in the container inherits it.',
    remedy: 'Move it into a Swarm secret.'
  },
  'url-password': {
    level: 'warning',
    title: 'A password in a URL',
    why: 'The URL ends up in the service definition, in logs and in error reports, and its password with it.',
    remedy: 'Give the application the password on its own, from a secret, and let it build the URL.'
  },
  'image-invalid': {
    level: 'error',
    title: 'An image reference that is none',
    why: 'Most often a variable in it is not set, so that `repo:${TAG}` became `repo:`.',
    remedy:
      'Set the variable in the step or in `env-file`, or give it a default: `${TAG:-latest}`; `${TAG:?}` makes compose itself insist.',
    silence: false
  },
  'image-unpinned': {
    level: 'warning',
    title: 'An image without a version',
    why: '`latest`, or no tag at all, is whatever was pushed last. Each deploy pins what it finds, so that nodes agree and a rollback brings the very same image back; but a deploy may bring a major version that nobody asked for.',
    remedy: 'Write the version as the tag, such as `postgres:17`.'
  },
  'unset-variable': {
    level: 'warning',
    title: 'A variable that is not set',
    why: 'Compose takes a variable that it finds nowhere for empty.',
    remedy:
      'Set it in the `env` of the step (what `secrets` holds fills no variables), in `.env` or in `env-file`; or say what it is without: `${NAME:-default}`, or `${NAME-}` for empty.'
  },
  'host-port': {
    level: 'notice',
    title: 'A port of the node',
    why: 'A port in host mode bypasses the routing mesh: only nodes with a task answer, one task per node fits, and an update has to stop the old task first.',
    remedy: 'Leave `mode: host` out unless the service needs the address of its clients or raw speed.'
  },
  'port-conflict': {
    level: 'error',
    title: 'Two services publish the same port',
    why: 'A published port belongs to one service of the whole swarm, once; the engine refuses the second. Two ports in host mode only keep their services off the same node, which is a warning.',
    remedy: 'Publish one of them under another number.'
  },
  'crowded-network': {
    level: 'warning',
    title: 'A network with too few addresses',
    why: 'Swarm gives a network 253 addresses (a /24). Each task takes one, each service one more unless it has `endpoint_mode: dnsrr`, and each node one; with `order: start-first` the old and the new tasks have theirs at the same time. A task that gets none waits, and the swarm does not say for what.',
    remedy:
      'Give it a larger subnet (`ipam: {config: [{subnet: 10.50.0.0/20}]}`), or spread the services over several networks.'
  },
  'proxy-labels': {
    level: 'warning',
    title: 'Proxy labels on the container',
    why: 'In Swarm mode Traefik, and other proxies like it, read the labels of the service, under `deploy.labels`. Those under `labels` are on the container, where the proxy does not look: the service is not routed.',
    remedy:
      'Move the labels to `deploy.labels`. Traefik also needs `traefik.http.services.<name>.loadbalancer.server.port` in Swarm mode.'
  },
  'node-volume': {
    level: 'notice',
    title: 'A volume stays on its node',
    why: 'A named volume of the local driver is on one node. On a swarm of several nodes a task that is scheduled elsewhere finds an empty one.',
    remedy:
      'On one server there is nothing to do. On several, pin the service: `deploy.placement.constraints: [node.hostname == …]`, or use a volume driver that the nodes share.'
  },
  'fixed-name': {
    level: 'notice',
    title: 'A fixed name is shared',
    why: 'A network or volume with a `name:` of its own is the same one for every stack from this file, previews included: a preview would work on the data of production.',
    remedy: 'Leave `name` out, or put the stack into it: `name: ${COMPOSE_PROJECT_NAME}_data`.'
  },
  job: {
    level: 'notice',
    title: 'A service becomes a job',
    why: 'Another service waits for it with `condition: service_completed_successfully`, so it is meant to run once and end. It becomes a `replicated-job`: it runs once when its definition or image changed, before the services that wait for it are updated. If it fails, they are not touched.',
    remedy: 'Nothing to do. `restart: on-failure:N` says how often it may be tried again.'
  },
  'unknown-rule': {
    level: 'warning',
    title: 'A rule or key that does not exist',
    why: 'What is silenced by a misspelt name is not silenced.',
    remedy: 'Use the ids of this page.'
  }
} as const satisfies Readonly<Record<string, RuleText>>
