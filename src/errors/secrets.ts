import { UserError, type Place, type Problem } from '../errors.js'
import type { ObjectNeed } from '../model.js'

/** Where the compose file asks for the object. */
export function placeOf(need: ObjectNeed): { readonly at?: Place } {
  return need.at === undefined ? {} : { at: need.at }
}

function of(need: ObjectNeed): string {
  const by =
    need.services.length === 0
      ? ''
      : `, which ${need.services.join(' and ')} ${need.services.length > 1 ? 'use' : 'uses'}`
  return `${need.kind} ${need.key}${by}`
}

/** The same as the beginning of a sentence that goes on. */
function subject(need: ObjectNeed): string {
  return need.services.length === 0 ? of(need) : `${of(need)},`
}

/** The usual spelling of a name among a repository's secrets. */
export function secretName(name: string): string {
  const upper = name.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
  return /^\d/.test(upper) ? `_${upper}` : upper
}

function addLine(name: string): string {
  const upper = secretName(name)
  return `Set ${upper} under Settings > Secrets and variables > Actions (one of an environment needs \`environment:\` in the job). Unless the step gives all with \`toJSON(secrets)\`, add it there:\nsecrets: |\n  ${upper}=\${{ secrets.${upper} }}`
}

export function missingObject(need: ObjectNeed): Problem {
  const variable = need.source.from === 'environment' ? need.source.variable : need.key
  return {
    message: `Nobody gives the ${of(need)}: neither \`secrets\` nor the environment has ${variable}.`,
    remedy: addLine(variable),
    ...placeOf(need)
  }
}

export function missingFile(need: ObjectNeed, path: string): Problem {
  return {
    message: `Nobody gives the ${of(need)}: there is no file ${path}, and \`secrets\` has no ${secretName(need.key)}.`,
    remedy: addLine(need.key),
    ...placeOf(need)
  }
}

export function missingExternal(need: ObjectNeed, name: string): Problem {
  return {
    message: `The swarm has no ${need.kind} ${name}, which the compose file calls external, and \`secrets\` has no value to make it of.`,
    remedy: `${addLine(name)}\nOr create it on the server: \`docker ${need.kind} create ${name} -\`.`,
    ...placeOf(need)
  }
}

export function ambiguous(need: ObjectNeed, names: readonly string[]): Problem {
  return {
    message: `Which value is the ${of(need)} meant to have? ${names.join(' and ')} are all the same name by the usual rule.`,
    remedy: `Leave one of them in \`secrets\`, or write the name exactly: \`${need.key}=…\`.`,
    ...placeOf(need)
  }
}

export function emptyObject(need: ObjectNeed, origin: string, inFiles = false): Problem {
  return {
    message: `The ${subject(need)} is empty (${origin}), and the swarm takes no empty ones.`,
    remedy: inFiles
      ? 'Put its value there, or take it out of the service; one newline is enough for a file that has to be there.'
      : 'A secret that does not exist arrives as an empty text: check its name under Settings > Secrets and variables > Actions, and that this job may read it (its environment; a fork has none).',
    ...placeOf(need)
  }
}

export function tooLarge(need: ObjectNeed, origin: string, size: number, most: number): Problem {
  return {
    message: `The ${subject(need)} has ${size} bytes (${origin}); a ${need.kind} holds at most ${most}.`,
    remedy: 'Put large files into the image or a volume, and keep the secret to what is secret.',
    ...placeOf(need)
  }
}

export function badObjectName(need: ObjectNeed, name: string): Problem {
  return {
    message: `The swarm cannot have a ${need.kind} of the name ${JSON.stringify(name)}.`,
    remedy: 'A name has 1 to 64 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.',
    ...placeOf(need)
  }
}

export function unreadableFile(need: ObjectNeed, path: string, reason: string): Problem {
  return {
    message: `The file ${path} of the ${subject(need)} cannot be read: ${reason}.`,
    remedy: 'It must be a file that the runner may read.',
    ...placeOf(need)
  }
}

export function weakSecret(name: string): string {
  return `The value of ${name} is so short or so common that hiding it would ruin the log: it is not masked. Use a longer one.`
}

export function notCreated(kind: 'secret' | 'config', name: string, reason: string): UserError {
  return new UserError({
    message: `The swarm did not take the ${kind} ${name}: ${reason}`,
    remedy: 'Nothing was deployed: the old version still serves.'
  })
}
