import type { ServiceContext } from '../../context.js'
import { undollar } from '../../model.js'
import type { Note } from '../../translated.js'

/** An image reference, after distribution/reference `ReferenceRegexp`. */
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const host =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?'
const reference = new RegExp(
  `^(?:${host}/)?${component}(?:/${component})*(?::(?<tag>[\\w][\\w.-]{0,127}))?(?<digest>@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$`
)

/** Images that are no reference at all, and images whose version is left open. */
export function imageProblems({ name, service, written }: ServiceContext): readonly Note[] {
  const at = ['services', name, 'image']
  const image = undollar(service.image ?? '')
  if (service.build !== undefined && service.image === undefined) return []
  const match = reference.exec(image)
  if (match === null) {
    const text = written(at)
    const from = text === undefined || text === image ? '' : `, from \`${text}\``
    const message = `The image of ${name} is \`${image}\`${from}: that is no image reference.`
    return [{ rule: 'image-invalid', service: name, at, message }]
  }
  const { tag, digest } = match.groups ?? {}
  if (service.build !== undefined || digest !== undefined || (tag !== undefined && tag !== 'latest')) return []
  const message = `The image of ${name}, ${image}, names no version.`
  return [{ rule: 'image-unpinned', service: name, at, message }]
}
