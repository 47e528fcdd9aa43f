import type { Json, ObjectNeed } from '../model.js'
import { carryBind, type CarriedFile } from './binds.js'
import type { ServiceContext } from './context.js'
import { compact, compactOrNone } from '../json.js'
import { undollar, type ComposeMount } from './model.js'
import { bytesOf } from './units.js'
import { volumesOf } from './volumes.js'
import type { Note, Translated } from './translated.js'

export interface Mounts {
  readonly volumes: readonly Json[]
  /** Files of the repository, to be mounted as configs. */
  readonly carried: readonly CarriedFile[]
}

/** Volumes, binds and tmpfs of a service. Binds of files in the repository leave as configs. */
export function translateMounts(context: ServiceContext): Translated<Mounts> {
  const mounts = mountsOf(context)
  const parts = mounts.map(mount => translateMount(context, mount))
  return {
    value: {
      volumes: parts.flatMap(part => part.value.volumes),
      carried: parts.flatMap(part => part.value.carried)
    },
    notes: parts.flatMap(part => part.notes)
  }
}

/** Every mount of a service, one for each target: the engine refuses two, and what `volumes` says wins. */
function mountsOf(context: ServiceContext): readonly ComposeMount[] {
  const all = [...volumesOf(context.service), ...shortTmpfs(context), ...sharedMemory(context)]
  const targets = new Set<string>()
  return all.filter(({ target }) => {
    const path = target.replace(/(?<=.)\/+$/, '')
    return targets.has(path) ? false : targets.add(path)
  })
}

/** The configs that carried files need, one per file, whoever mounts it. */
export function carriedNeeds(
  carried: readonly { readonly service: string; readonly file: CarriedFile }[]
): readonly ObjectNeed[] {
  const byKey = Map.groupBy(carried, ({ file }) => file.key)
  return [...byKey].flatMap(([key, uses]) => {
    const services = [...new Set(uses.map(({ service }) => service))]
    return uses.slice(0, 1).map(({ file: { path, mode } }) => {
      return { kind: 'config', key, source: { from: 'file', path, mode }, services } as const
    })
  })
}

function translateMount(context: ServiceContext, mount: ComposeMount): Translated<Mounts> {
  const keep = (volume: Json, notes: readonly Note[] = []): Translated<Mounts> => ({
    value: { volumes: [volume], carried: [] },
    notes
  })
  switch (mount.type) {
    case 'bind':
      return translateBind(context, mount)
    case 'tmpfs':
      return keep(tmpfsMount(mount), lostOptions(context, mount))
    case 'volume':
    case 'cluster':
    case 'npipe':
      return keep(volumeMount(mount), [...volumeNotes(context, mount), ...lostOptions(context, mount)])
    default:
      return { value: { volumes: [], carried: [] }, notes: [unknownMount(context, mount)] }
  }
}

function translateBind(context: ServiceContext, mount: ComposeMount): Translated<Mounts> {
  const carried = carryBind(context, mount)
  if (carried !== undefined) return { value: { volumes: [], carried: carried.value }, notes: carried.notes }
  const bind = compactOrNone({ propagation: mount.bind?.propagation })
  const { source, target, read_only } = mount
  const volume = compact({ type: 'bind', source: source ?? '', target, read_only, bind })
  return {
    value: { volumes: [volume], carried: [] },
    notes: [...bindNotes(context, mount), ...lostOptions(context, mount)]
  }
}

function bindNotes(context: ServiceContext, mount: ComposeMount): readonly Note[] {
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  const source = undollar(mount.source ?? '')
  const service = context.name
  if (/\/docker\.sock$/.test(source)) {
    return [{ rule: 'docker-socket', service, at, message: `${service} mounts the Docker socket of its node.` }]
  }
  const message = `${service} mounts ${source} of whichever node it runs on; it must exist there.`
  return [{ rule: 'absolute-bind', service, at, message }]
}

function volumeMount(mount: ComposeMount): Json {
  const { type, source, target, read_only, volume } = mount
  const options = compactOrNone({ nocopy: volume?.nocopy, subpath: volume?.subpath })
  return compact({ type, source: source === '' ? undefined : source, target, read_only, volume: options })
}

/** A named volume called by one letter, `v:/v`, is a Windows path to Docker's short syntax; we write the long one. */
function volumeNotes(context: ServiceContext, mount: ComposeMount): readonly Note[] {
  if (mount.type !== 'volume' || mount.source?.length !== 1) return []
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  const message = `The volume ${mount.source} of ${context.name} has a name of one letter, which Docker's tools also read as a Windows drive.`
  return [{ rule: 'one-letter-volume', service: context.name, at, message }]
}

function tmpfsMount(mount: ComposeMount): Json {
  const size = bytesOf(mount.tmpfs?.size)
  return compact({ type: 'tmpfs', target: mount.target, tmpfs: size === undefined ? undefined : { size } })
}

/** What the mount says and a stack file has no place for. */
function lostOptions({ name, service }: ServiceContext, mount: ComposeMount): readonly Note[] {
  const { tmpfs, bind, volume } = mount
  const lost = [
    ...(tmpfs?.mode === undefined ? [] : ['mode']),
    ...(tmpfs?.options ?? []),
    ...(bind?.recursive === undefined ? [] : ['recursive']),
    ...(volume?.labels === undefined ? [] : ['labels'])
  ]
  const short = service.tmpfs?.some(entry => entry.split(':')[0] === mount.target) === true
  const at = ['services', name, short ? 'tmpfs' : 'volumes', { item: mount.target }]
  return lost.map(option => {
    const message = `\`${option}\` of the ${mount.type} at ${mount.target} of ${name} is lost: a stack file has no place for it.`
    return { rule: 'lost-mount-option', service: name, at, message }
  })
}

/** `tmpfs: [/run:size=64m]`, which `docker stack deploy` ignores without a word. */
function shortTmpfs({ service }: ServiceContext): readonly ComposeMount[] {
  return (service.tmpfs ?? []).map(entry => {
    const [target = '', options = ''] = entry.split(':')
    const size = /(?:^|,)size=([^,]+)/.exec(options)?.[1]
    const mode = /(?:^|,)mode=0?([0-7]+)/.exec(options)?.[1]
    const tmpfs = {
      ...(size === undefined ? {} : { size }),
      ...(mode === undefined ? {} : { mode: Number.parseInt(mode, 8) }),
      // The others of these are what Swarm does as well.
      options: options.split(',').filter(option => !/^(?:|size=.*|mode=.*|rw|noexec|nosuid|nodev)$/.test(option))
    }
    return { type: 'tmpfs', target, tmpfs }
  })
}

function sharedMemory({ service }: ServiceContext): readonly ComposeMount[] {
  return service.shm_size === undefined
    ? []
    : [{ type: 'tmpfs', target: '/dev/shm', tmpfs: { size: service.shm_size } }]
}

function unknownMount(context: ServiceContext, mount: ComposeMount): Note {
  const at = ['services', context.name, 'volumes', { item: mount.target }]
  const message = `${context.name} has a mount of type ${mount.type} at ${mount.target}, which a stack cannot.`
  return { rule: 'unsupported-mount', service: context.name, at, message }
}
