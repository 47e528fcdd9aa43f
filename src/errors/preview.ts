import { UserError, type Problem } from '../errors.js'

/**
 * A stack has the name of what is to be deployed, and is something else. `label` is that of the preview to be, `owner`
 * that of the one that is there, if they are any.
 */
export function notThisPreview(stack: string, label: string | undefined, owner: string | undefined): UserError {
  const whose = owner === undefined ? 'is no preview' : `is the preview of ${owner}`
  return new UserError({
    message: `The stack ${stack} is there already and ${whose}${label === undefined ? '' : `, not of ${label}`}: it is left alone.`,
    remedy: 'Set `stack:` to a name that no other repository or stack on this swarm uses.'
  })
}

/** `why` is what kept `prune` from taking this one away. */
export function previewStays(stack: string, why: Problem): Problem {
  return { ...why, message: `The preview ${stack} could not be removed: ${why.message}` }
}
