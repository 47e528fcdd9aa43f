import { UserError, type Place, type Problem } from '../errors.js'

export function notAnImage(service: string, image: string): Problem {
  return {
    message: `Service ${service}: ${JSON.stringify(image)} is not an image name.`,
    remedy:
      'A name is lower case: `ghcr.io/owner/web:1.2`. If it holds a variable, see that the variable is set: an empty one leaves `repo:`.'
  }
}

export function noRegistry(service: string, image: string | undefined): Problem {
  const what = image === undefined ? 'it has `build` but no `image`' : `\`image: ${image}\` names no registry`
  return {
    message: `Service ${service} is built, but there is nowhere to push its image to: ${what}, and no \`registry\` is given.`,
    remedy:
      'Add `registry: ghcr.io/owner` to the step, or `transfer: direct` to carry images over the SSH connection with no registry.'
  }
}

export function conflictingNames(repository: string, services: readonly string[]): Problem {
  return {
    message: `Services ${services.join(' and ')} are built differently, but their image has one name: ${repository}.`,
    remedy: 'Give each its own `image:`, or none: then each is named after its service.'
  }
}

export function reservedTag(reference: string): Problem {
  return {
    message: `\`content-…\` and \`buildcache\` are tags that this action keeps for itself: ${reference}.`,
    remedy: 'Choose another tag: a later run would take the image for something that it is not.'
  }
}

/** `key` is below `build`; `what` is there instead, where something is. */
export function buildInputMissing(
  service: string,
  { key, kind, path }: { readonly key: string; readonly kind: 'folder' | 'file'; readonly path: string },
  what: 'nothing' | 'another',
  at: Place | undefined
): Problem {
  const isDockerfile = key === 'dockerfile'
  const named = isDockerfile ? `${path}, the Dockerfile of its build,` : `the ${kind} ${path} of \`build.${key}\``
  const from = isDockerfile ? "the build's context; `dockerfile` names another one" : 'the folder of the compose file'
  return {
    message: `Service ${service}: ${named} ${what === 'nothing' ? 'does not exist' : `is no ${kind}`}.`,
    remedy: `A relative path starts at ${from}. Check its spelling, that it is committed (a submodule needs \`submodules: true\` at actions/checkout), and that what an earlier step makes is made before this one.`,
    ...(at && { at })
  }
}

export function noBuilder(details: string): UserError {
  return new UserError({
    message: 'No builder: `docker buildx` does not work on this runner.',
    remedy:
      'Hosted runners have it. On your own one install Docker Engine with the buildx plugin, or add the step `docker/setup-buildx-action`.',
    details
  })
}

export function dockerMissing(): UserError {
  return new UserError({
    message: 'The program `docker` is not on this runner.',
    remedy:
      'Run the job on a hosted Linux runner (`runs-on: ubuntu-latest`), or install the Docker CLI on your own one.'
  })
}

export function cannotBuildFor(platforms: readonly string[], builder: string, able: readonly string[]): UserError {
  return new UserError({
    message: `The builder ${builder} cannot build for ${platforms.join(', ')}: it does ${able.join(', ')}.`,
    remedy:
      'Add the step `docker/setup-qemu-action` before this one, use a runner of that architecture, or set `platforms` to what the builder does.'
  })
}

export function onePlatformOnly(platforms: readonly string[]): UserError {
  return new UserError({
    message: `Images are needed for ${platforms.join(' and ')}, but this builder makes one platform at a time.`,
    remedy: 'Add the step `docker/setup-buildx-action` before this one, or set `platforms` to one of them.'
  })
}

export function buildFailed(reason: string, details: string, at: Place | undefined): UserError {
  return new UserError({
    message: `The build failed: ${reason}`,
    remedy: "Nothing was deployed. The lines below are the failing step's own last output.",
    details,
    ...(at === undefined ? {} : { at })
  })
}

export function pushRefused(reason: string, details: string): UserError {
  return new UserError({
    message: `The registry refused the push: ${reason}`,
    remedy:
      'Check that the login may write there: for ghcr.io the job needs `permissions: packages: write` and the package must grant this repository access; for Docker Hub an access token with write rights. Nothing was deployed.',
    details
  })
}

export function pushFailed(reason: string, attempts: number, details: string): UserError {
  return new UserError({
    message: `The registry did not take the images, in ${attempts} attempts: ${reason}`,
    remedy: 'Run the job again when the registry answers. Nothing was deployed.',
    details
  })
}

export function noDigest(services: readonly string[]): UserError {
  return new UserError({
    message: `The builder did not say which digest it made for ${services.join(', ')}.`,
    remedy: 'Update Docker and buildx on the runner (buildx 0.12 or newer). Nothing was deployed.'
  })
}

export function loginRefused(registry: string, username: string, details: string): UserError {
  return new UserError({
    message: `The registry ${registry} refused the login of ${username}.`,
    remedy:
      '`registry-username` and `registry-password` are what to check. ghcr.io takes `${{ github.actor }}` and `${{ secrets.GITHUB_TOKEN }}`; Docker Hub an access token in place of the password.',
    details
  })
}

/** A login that may be for any of these. */
export function whichRegistry(domains: readonly string[]): UserError {
  return new UserError({
    message: `There is a login, but not for which registry: the images come from ${[...domains].sort().join(' and ')}.`,
    remedy:
      'Say which one with `registry`, such as `registry: ghcr.io/owner`. For the others log in with a step before this one (`docker login`).'
  })
}

export function registryUnreachable(registry: string, details: string): UserError {
  return new UserError({
    message: `The registry ${registry} could not be reached to log in.`,
    remedy: 'Check the name in `registry`, and that this runner reaches it.',
    details
  })
}

export function loginCancelled(registry: string): UserError {
  return new UserError({ message: `The job was cancelled while it logged in to ${registry}.` })
}

export function pullLoginRefused(registry: string, username: string, details: string): UserError {
  return new UserError({
    message: `The nodes could not pull: ${registry} refused the login of ${username} when the manager tried it.`,
    remedy: 'Check `pull-username` and `pull-password`: a login that may read the images and that stays valid.',
    details
  })
}

/** Why a token that ends with the job is a trap for the nodes (https://github.com/moby/moby/issues/36126). */
export function shortLivedPull(registry: string, kind: string): string {
  return (
    `The nodes get ${kind} to pull from ${registry}, and it is worth nothing once it has expired: when a task is rescheduled ` +
    'to a node that lacks the image, or a service is scaled up, hours or weeks from now, the pull fails. Give `pull-username` ' +
    'and `pull-password` a login that lasts, such as a personal access token with `read:packages`.'
  )
}

export function unresolved(service: string, image: string, details: string, at: Place | undefined): Problem {
  if (/manifest unknown|manifest for \S+ not found|: not found$/.test(details)) {
    return {
      message: `Service ${service}: the registry has no image ${image}.`,
      remedy: 'Check the name and the tag.',
      details,
      ...(at && { at })
    }
  }
  return {
    message: `Service ${service}: the manager could not find out which digest ${image} has.`,
    remedy:
      'See that the image exists and that the nodes may pull it (`pull-username`, `pull-password`), or pin it in the compose file: `image: name:tag@sha256:…`.',
    details,
    ...(at && { at })
  }
}

export function missingBuildSecret(key: string): Problem {
  return {
    message: `The build needs the secret ${key}, and nobody gives it.`,
    remedy: `Add it to the step's \`secrets\`: \`${key.toUpperCase().replace(/[-.]/g, '_')}=\${{ secrets.… }}\`.`
  }
}

export function ambiguousBuildSecret(key: string, names: readonly string[]): Problem {
  return {
    message: `The build secret ${key} may be ${names.join(' or ')}.`,
    remedy: `Leave one of them in \`secrets\`, or write the name exactly: \`${key}=…\`.`
  }
}

export function largeBuildSecret(key: string, size: number, most: number): Problem {
  return {
    message: `The build secret ${key} has ${size} bytes; a builder takes ${most}.`,
    remedy: 'Let the build fetch what is large, and keep the secret to what is secret.'
  }
}

export function buildCancelled(): UserError {
  return new UserError({ message: 'The job was cancelled during the build. Nothing was deployed.' })
}

export function cacheUnsupported(
  wanted: string,
  lacks: 'builder' | 'service',
  builder: { readonly name: string; readonly driver: string }
): UserError {
  return new UserError(
    lacks === 'builder'
      ? {
          message: `\`cache: ${wanted}\`: the builder ${builder.name} (driver ${builder.driver}) cannot export its cache.`,
          remedy: 'Add the step `docker/setup-buildx-action` before this one, or leave `cache` on `auto`.'
        }
      : {
          message: `\`cache: ${wanted}\`: this job has no GitHub cache service.`,
          remedy: 'Use `cache: registry`, or leave `cache` on `auto`.'
        }
  )
}

export function noDirectPort(host: string, reasons: string): UserError {
  return new UserError({
    message: `Images cannot be carried to ${host}: none of the ports that this stack uses for it could be had there.`,
    remedy:
      'See what listens there (`ss -ltn`), set `AllowTcpForwarding yes` in its sshd_config, or use a registry: `registry: ghcr.io/owner`.',
    details: reasons
  })
}

export function notOnEveryNode(service: string, nodes: readonly string[]): Problem {
  return {
    message: `Service ${service} may also run on ${nodes.join(', ')}, and \`transfer: direct\` brings its image to the connected node only.`,
    remedy:
      'Use a registry that all nodes reach (`registry: ghcr.io/owner`), or keep the service here: `deploy.placement.constraints: [node.hostname == …]`.'
  }
}

export function transferFailed(reference: string, details: string): UserError {
  return new UserError({
    message: `The image ${reference} could not be carried to the node.`,
    remedy: 'Nothing was deployed: the old version still serves.',
    details
  })
}

export function diskFull(host: string, details: string): UserError {
  return new UserError({
    message: `The disk of ${host} is full: the image does not fit.`,
    remedy:
      'Free some space there: `docker image prune` removes images that nothing uses, `docker system df` shows what takes it. Nothing was deployed: the old version still serves.',
    details
  })
}

export function oldSave(): UserError {
  return new UserError({
    message: '`transfer: direct` needs Docker 25 or newer on the runner, or a builder of its own.',
    remedy: 'Add the step `docker/setup-buildx-action` before this one.'
  })
}

export function transferCancelled(): UserError {
  return new UserError({
    message: 'The job was cancelled while images were carried to the node. Nothing was deployed.'
  })
}
