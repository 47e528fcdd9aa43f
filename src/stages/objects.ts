import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { messageOf, type Problem } from '../errors.js'
import { missingExternal, notCreated, unreadableFile, weakSecret } from '../errors/secrets.js'
import { label, type ObjectNeed } from '../model.js'
import { EngineError, type Engine, type Ports } from '../ports.js'
import { masksOfBytes } from '../secrets/masks.js'
import { keyName, readablePart, versionedName } from '../secrets/name.js'
import { planObject, type ReadyObject } from '../secrets/plan.js'

/** What the stack's secrets and configs are made of. */
export interface ObjectPlan {
  readonly objects: readonly ReadyObject[]
  /** Not made by this run: the swarm must have them. */
  readonly externals: readonly ObjectNeed[]
  readonly problems: readonly Problem[]
  /** Those of the problems that no value of a secret can solve: an empty file, a name that the swarm refuses. */
  readonly inFiles: readonly Problem[]
}

/**
 * Finds and reads the value of every secret and config, checks it, and masks what is secret. Nothing is thrown: missing,
 * ambiguous, empty and too large ones are problems, each with its line of the compose file.
 */
export async function readObjects(
  ports: Ports,
  request: {
    readonly needs: readonly ObjectNeed[]
    /** The `secrets` input. */
    readonly values: ReadonlyMap<string, string>
    /** Files are named relative to it in messages. */
    readonly workspace: string
  }
): Promise<ObjectPlan> {
  const values = { secrets: request.values, env: ports.env }
  const planned = await Promise.all(
    request.needs.map(async need => {
      if (need.source.from !== 'file') return planObject(need, values, null)
      const shown = posix.relative(request.workspace, need.source.path)
      const file = await readFile(ports, need, need.source.path, shown)
      return isProblem(file)
        ? { is: 'problem' as const, problem: file, inFiles: true }
        : planObject(need, values, file, shown)
    })
  )
  const objects = planned.flatMap(each => (each.is === 'ready' ? [each.object] : []))
  for (const object of objects) if (object.hidden) hide(ports, object)
  return {
    objects,
    externals: planned.flatMap(each => (each.is === 'external' ? [each.need] : [])),
    problems: planned.flatMap(each => (each.is === 'problem' ? [each.problem] : [])),
    inFiles: planned.flatMap(each => (each.is === 'problem' && each.inFiles ? [each.problem] : []))
  }
}

async function readFile(
  ports: Ports,
  need: ObjectNeed,
  path: string,
  shown: string
): Promise<Uint8Array | Problem | null> {
  try {
    return await ports.files.read(path)
  } catch (error) {
    return unreadableFile(need, shown, messageOf(error))
  }
}

function isProblem(file: Uint8Array | Problem | null): file is Problem {
  return file !== null && !(file instanceof Uint8Array)
}

function hide(ports: Ports, { data, need }: ReadyObject): void {
  const { masks, weak } = masksOfBytes(data)
  for (const mask of masks) ports.log.mask(mask)
  if (weak) ports.log.warning(weakSecret(need.key), need.at)
}

/** Which of the external objects the swarm does not have, as problems. */
export async function findExternals(engine: Engine, externals: readonly ObjectNeed[]): Promise<readonly Problem[]> {
  const missing = await Promise.all(
    externals.map(async need => {
      const name = externalName(need)
      // The name filter matches beginnings too.
      const found = await engine.objects(need.kind, { name })
      return found.some(object => object.Spec.Name === name) ? [] : [missingExternal(need, name)]
    })
  )
  return missing.flat()
}

function externalName(need: ObjectNeed): string {
  return need.source.from === 'external' ? need.source.name : (need.name ?? need.key)
}

export interface Objects {
  /** `secret:KEY` or `config:KEY` to its name in the swarm. */
  readonly names: Readonly<Record<string, string>>
  /** The names that this run made. */
  readonly made: readonly string[]
}

/**
 * Makes sure that the swarm has every object, under a name that says which value it is. One that is there is left
 * alone; two runs at once make it only once.
 * @throws UserError when the swarm does not take one.
 */
export async function ensureObjects(ports: Ports, engine: Engine, request: ObjectRequest): Promise<Objects> {
  const { stack, plan } = request
  const wanted = plan.objects.length === 0 ? [] : nameObjects(await ensureKey(engine, stack), request)
  const there = wanted.length === 0 ? new Set<string>() : await existing(engine, stack)
  const made: string[] = []
  for (const { object, name } of wanted) {
    const { kind } = object.need
    if (there.has(`${kind}:${name}`)) continue
    there.add(`${kind}:${name}`)
    if (await create(engine, kind, name, object.data, labels(stack, kind, object.need.labels))) made.push(name)
    ports.log.info(`Made the ${kind} ${name} from ${object.origin}.`)
  }
  return { names: allNames(plan, wanted), made }
}

/** The names that {@link ensureObjects} would give, and which of them it would make; changes nothing. */
export async function foreseeObjects(engine: Engine, request: ObjectRequest): Promise<Objects> {
  const { stack, plan } = request
  if (plan.objects.length === 0) return { names: allNames(plan, []), made: [] }
  // Without a key nothing of the stack is there yet, and any other will do to tell the names apart.
  const wanted = nameObjects((await readKey(engine, keyName(stack))) ?? randomBytes(32), request)
  const there = await existing(engine, stack)
  const made = wanted.filter(({ object, name }) => !there.has(`${object.need.kind}:${name}`))
  return { names: allNames(plan, wanted), made: made.map(({ name }) => name) }
}

interface ObjectRequest {
  readonly stack: string
  readonly plan: ObjectPlan
}

interface Named {
  readonly object: ObjectPlan['objects'][number]
  readonly name: string
}

function nameObjects(key: Uint8Array, { stack, plan }: ObjectRequest): readonly Named[] {
  return plan.objects.map(object => ({
    object,
    name: versionedName(key, {
      kind: object.need.kind,
      readable: readablePart(stack, object.need.key, object.need.name),
      data: object.data
    })
  }))
}

function allNames(plan: ObjectPlan, named: readonly Named[]): Readonly<Record<string, string>> {
  const externals = plan.externals.map(need => [`${need.kind}:${need.key}`, externalName(need)] as const)
  const own = named.map(({ object, name }) => [`${object.need.kind}:${object.need.key}`, name] as const)
  return Object.fromEntries([...externals, ...own])
}

async function existing(engine: Engine, stack: string): Promise<Set<string>> {
  const kinds = ['secret', 'config'] as const
  const lists = await Promise.all(kinds.map(kind => engine.objects(kind, { stack })))
  return new Set(kinds.flatMap((kind, index) => (lists[index] ?? []).map(object => `${kind}:${object.Spec.Name}`)))
}

function labels(
  stack: string,
  kind: 'secret' | 'config' | 'key',
  own: Readonly<Record<string, string>> = {}
): Readonly<Record<string, string>> {
  return { ...own, [label.namespace]: stack, [label.kind]: kind }
}

/** false when another run was faster. */
async function create(
  engine: Engine,
  kind: 'secret' | 'config',
  name: string,
  data: Uint8Array,
  own: Readonly<Record<string, string>>
): Promise<boolean> {
  try {
    await engine.createObject(kind, name, data, own)
    return true
  } catch (error) {
    if (!(error instanceof EngineError) || error.status === 0) throw error
    if (error.status === 409) return false
    throw notCreated(kind, name, error.message)
  }
}

/**
 * The stack's key for naming objects: 32 random bytes in a config of the swarm, made once. A config can be read by
 * whoever may use the swarm's API; those could also mount the secrets themselves. From the names alone, which show in
 * lists, logs and outputs, it protects.
 */
async function ensureKey(engine: Engine, stack: string): Promise<Uint8Array> {
  const name = keyName(stack)
  const found = await readKey(engine, name)
  if (found !== undefined) return found
  await create(engine, 'config', name, randomBytes(32), labels(stack, 'key'))
  const made = await readKey(engine, name)
  if (made === undefined) throw notCreated('config', name, 'it is not there after it was made')
  return made
}

async function readKey(engine: Engine, name: string): Promise<Uint8Array | undefined> {
  const found = (await engine.objects('config', { name })).find(object => object.Spec.Name === name)
  if (found === undefined) return undefined
  const data = found.Spec.Data ?? (await engine.config(found.ID))?.Spec.Data
  return data === undefined ? undefined : Buffer.from(data, 'base64')
}
