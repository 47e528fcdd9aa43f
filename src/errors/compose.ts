import { UserError } from '../errors.js'

export const defaultNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'] as const

export function noComposeFile(): UserError {
  return new UserError({
    message: `There is no compose file: none of ${defaultNames.join(', ')} is at the root of the repository.`,
    remedy: 'Name it with `compose-file`, and check that actions/checkout runs before this step.'
  })
}

export function composeFilesMissing(files: readonly string[]): UserError {
  return new UserError(
    files.map(file => ({
      message: `The file ${file} does not exist.`,
      remedy:
        'Paths are relative to the root of the repository; check the spelling, and that actions/checkout runs before this step.'
    }))
  )
}

export function composeNotInstalled(details: string): UserError {
  return new UserError({
    message: 'The runner has no `docker compose`.',
    remedy: 'Run the job on a runner with the Docker CLI and its compose plugin, such as ubuntu-latest.',
    details
  })
}
