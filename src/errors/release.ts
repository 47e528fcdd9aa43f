import { UserError } from '../errors.js'

/** What these messages tell of a release. */
interface Named {
  readonly id: string
  readonly verdict: string
  readonly commit: string
  readonly at: string
  readonly unreadable?: string
}

export function lockTimeout(stack: string, holder: string, waitedMs: number): UserError {
  return new UserError({
    message: `Stack ${stack} is locked by ${holder}; waited ${Math.round(waitedMs / 1000)} s for it.`,
    remedy:
      'Wait for that run to end, or raise `lock-timeout`. A run that was killed loses its lock by itself, 90 s after its end.'
  })
}

export function cancelledWaiting(stack: string): UserError {
  return new UserError({ message: `Cancelled while waiting for the lock of stack ${stack}. Nothing was changed.` })
}

export function lockLost(stack: string, holder: string | null): UserError {
  return new UserError({
    message:
      holder === null
        ? `The lock of stack ${stack} was removed while this run held it.`
        : `The lock of stack ${stack} was taken over by ${holder}.`,
    remedy: 'This run stops here, so that two runs do not change one stack. See what the other one did.'
  })
}

export function askedToStop(stack: string, why: string): UserError {
  return new UserError({ message: `This run of stack ${stack} was asked to stop: ${why.replace(/\.$/, '')}.` })
}

export function noReleases(): UserError {
  return new UserError({
    message: 'The swarm keeps no release of this stack that was deployed, so there is nothing to go back to.',
    remedy: 'Only what this action deployed can be rolled back by it. Is `stack` the right one?'
  })
}

export function releaseNotFound(wanted: string, targets: readonly Named[]): UserError {
  return new UserError({
    message:
      wanted === 'previous'
        ? 'There is no release before the present one.'
        : `There is no release ${JSON.stringify(wanted)} of this stack.`,
    remedy: choices(targets)
  })
}

export function releaseNotLive(entry: Named, targets: readonly Named[]): UserError {
  return new UserError({
    message: `Release ${entry.id} never went live (${entry.verdict}), so there is nothing to go back to.`,
    remedy: choices(targets)
  })
}

export function ambiguousRelease(wanted: string, found: readonly Named[]): UserError {
  return new UserError({
    message: `More than one commit begins with ${wanted}: ${found.map(entry => `${entry.id} (${entry.commit})`).join(', ')}.`,
    remedy: 'Give the release id or more of the commit.'
  })
}

export function releaseUnreadable(entry: Named): UserError {
  return new UserError({
    message: `The record of release ${entry.id} cannot be read: ${entry.unreadable ?? 'unknown reason'}.`,
    remedy: 'Deploy its commit again, or use the version of this action that wrote it.'
  })
}

export function releaseTooLarge(id: string, bytes: number): UserError {
  return new UserError({
    message: `The record of release ${id} has ${bytes} bytes; the swarm takes at most 1,023,999.`,
    remedy: 'Move large values of `environment` into configs.'
  })
}

export function releaseGone(id: string, missing: readonly string[]): UserError {
  return new UserError({
    message: `Release ${id} cannot be restored, as it needs what is gone: ${missing.join(', ')}. Nothing was changed.`,
    remedy: 'Deploy its commit again, which makes them anew. Raise `keep-releases` to keep more.'
  })
}

/** The Docker CLI did not take the stack. `words` is what it said. */
export function applyFailed(stack: string, code: number | null, words: string): UserError {
  const known = reasons.find(({ when }) => when.test(words))
  return new UserError({
    message:
      code === 127
        ? 'There is no `docker` on the runner.'
        : `\`docker stack deploy\` refused stack ${stack}${known === undefined ? (code === null ? ': it was stopped' : ` (exit code ${code})`) : `: ${known.what(words)}`}.`,
    ...remedy(code === 127 ? 'Install the Docker CLI on the runner, or use a hosted one.' : known?.remedy),
    details: words.trim().split('\n').slice(-20).join('\n')
  })
}

export function stillRunning(stack: string, what: readonly string[], waitedMs: number): UserError {
  return new UserError({
    message: `Stack ${stack} is not gone after ${Math.round(waitedMs / 1000)} s. Left: ${what.join(', ')}.`,
    remedy:
      'Run it again: it goes on where it stopped. A task on a node that is down stays until the node is back or removed.'
  })
}

/** What the Docker CLI says when it lost the engine; it gives up at once where we would connect again. */
export const connectionBroke =
  /Cannot connect to the Docker daemon|error during connect|connection refused|broken pipe|EOF/i

const reasons: readonly { readonly when: RegExp; readonly what: (words: string) => string; readonly remedy: string }[] =
  [
    {
      when: /port '?(\d+)'? is already in use by service '?([\w.-]+)'?/i,
      what: words => {
        const [, port = '', service = ''] =
          /port '?(\d+)'? is already in use by service '?([\w.-]+)'?/i.exec(words) ?? []
        return `port ${port} is already published by service ${service}`
      },
      remedy: 'Publish another port, or put both services behind one proxy.'
    },
    {
      when: /(secret|config) not found: (\S+)/i,
      what: words => `${/(secret|config) not found: (\S+)/i.exec(words)?.slice(1, 3).join(' ') ?? 'an object'} is gone`,
      remedy: 'Run the deploy again, which makes it anew.'
    },
    {
      when: /network "([^"]+)" is declared as external, but (could not be found|it is not in the right scope)/i,
      what: words =>
        `network ${/network "([^"]+)"/.exec(words)?.[1] ?? ''} is external, and the swarm does not have it`,
      remedy: 'Make it on a manager: `docker network create --driver overlay --attachable NAME`.'
    },
    {
      when: /update out of sequence/i,
      what: () => 'somebody else changed its services each time that it was to be updated',
      remedy: 'See who deploys to this stack besides, and run the job again.'
    },
    {
      when: /no leader|context deadline exceeded|DeadlineExceeded|too few managers/i,
      what: () => 'the swarm has no leader at present',
      remedy: 'See `docker node ls`: more than half of the managers must be reachable.'
    },
    {
      when: /client version [\d.]+ is too new|Minimum supported API version|maximum supported API version/i,
      what: () => 'the Docker CLI of the runner and the engine of the server are too far apart in version',
      remedy: 'Upgrade Docker on the server.'
    },
    {
      when: /not a swarm manager/i,
      what: () => 'the server is no manager of a swarm',
      remedy: 'Name a manager in `host`, or run `command: setup` once.'
    },
    {
      when: connectionBroke,
      what: () => 'the connection to the engine broke',
      remedy: 'Run the job again.'
    }
  ]

function remedy(text: string | undefined): { remedy?: string } {
  return text === undefined ? {} : { remedy: text }
}

function choices(targets: readonly Named[]): string {
  if (targets.length === 0) return 'No earlier release is kept.'
  const list = targets
    .slice(0, 10)
    .map(
      ({ id, commit, at }) =>
        `${id}${commit === '' ? '' : ` (${commit.slice(0, 7)}, ${at.slice(0, 16).replace('T', ' ')} UTC)`}`
    )
  return `One can go back to ${list.join(', ')}.`
}
