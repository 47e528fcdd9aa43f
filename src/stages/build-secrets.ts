import { UserError, type Problem } from '../errors.js'
import { ambiguousBuildSecret, largeBuildSecret, missingBuildSecret } from '../errors/images.js'
import type { BakeOptions } from '../images/bake.js'
import type { Target } from '../images/plan.js'
import type { BuildSecret } from '../model.js'
import type { Ports } from '../ports.js'
import { masksOf, masksOfBytes } from '../secrets/masks.js'
import { findValue } from '../secrets/match.js'

/** The secrets of some builds as files, until they are disposed of. */
export interface BuildSecrets extends AsyncDisposable {
  /** Path of the file that holds a secret. */
  readonly place: BakeOptions['secrets']
  readonly files: readonly string[]
}

/**
 * Every build secret as a file (mode 0600 in the run's own folder): from an environment variable it would also reach
 * whatever the builder starts itself, such as the git that buildx asks about the checkout.
 * @throws UserError naming every secret that nobody gives, or that is not clear or too large.
 */
export async function gatherBuildSecrets(
  ports: Ports,
  targets: readonly Target[],
  values: ReadonlyMap<string, string>
): Promise<BuildSecrets> {
  const places = new Map<string, string>()
  // Of values of this run: a secret that is a file of the user's is read where it is.
  const own: string[] = []
  const problems = new Map<string, Problem>()
  const wanted = new Map(targets.flatMap(target => target.secrets).map(each => [JSON.stringify(each), each]))
  for (const [key, secret] of wanted) {
    const found = await findSecret(ports, values, secret)
    if ('message' in found) problems.set(found.message, found)
    else if ('file' in found) places.set(key, found.file)
    else {
      const file = await ports.files.writeTemp('secret', found.value)
      own.push(file)
      places.set(key, file)
    }
  }
  const remove = async (): Promise<void> => {
    await Promise.all(own.map(file => ports.files.remove(file)))
  }
  if (problems.size > 0) {
    await remove()
    throw new UserError([...problems.values()])
  }
  return {
    place: secret => places.get(JSON.stringify(secret)),
    files: [...places.values()],
    [Symbol.asyncDispose]: remove
  }
}

/** The most that BuildKit takes (session/secrets/secretsprovider, MaxSecretSize). */
const mostSecretBytes = 500 * 1024

/**
 * A value of the `secrets` input goes before a file, as with the stack's own secrets; and an empty one is none, as one
 * that GitHub does not have is.
 */
async function findSecret(
  ports: Ports,
  values: ReadonlyMap<string, string>,
  { id, source }: BuildSecret
): Promise<{ readonly file: string } | { readonly value: string } | Problem> {
  const candidates =
    source.from === 'environment' ? [source.variable] : source.from === 'external' ? [source.name, id] : [id]
  const match = findValue(candidates, { secrets: values, env: source.from === 'file' ? {} : ports.env })
  if (match.found === 'ambiguous') return ambiguousBuildSecret(id, match.names)
  if (match.found !== 'nothing') {
    const size = Buffer.byteLength(match.value)
    if (size === 0) return missingBuildSecret(id)
    if (size > mostSecretBytes) return largeBuildSecret(id, size, mostSecretBytes)
    for (const mask of masksOf(match.value).masks) ports.log.mask(mask)
    return { value: match.value }
  }
  if (source.from === 'content') return { value: source.content }
  if (source.from !== 'file') return missingBuildSecret(id)
  const bytes = await ports.files.read(source.path)
  if (bytes === null) return missingBuildSecret(id)
  if (bytes.byteLength > mostSecretBytes) return largeBuildSecret(id, bytes.byteLength, mostSecretBytes)
  for (const mask of masksOfBytes(bytes).masks) ports.log.mask(mask)
  return { file: source.path }
}
