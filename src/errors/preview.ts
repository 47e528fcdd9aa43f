import { UserError } from '../errors.js'

/** A stack has the name that the preview would have, and is something else. `owner` is its preview label, if any. */
export function notThisPreview(stack: string, label: string, owner: string | undefined): UserError {
  const whose = owner === undefined || owner === '' ? 'is no preview' : `is the preview of ${owner}`
  return new UserError({
    message: `The stack ${stack} is there already and ${whose}, not of ${label}: it is left alone.`,
    remedy: 'Set `stack:` to a name that no other repository or stack on this swarm uses.'
  })
}
