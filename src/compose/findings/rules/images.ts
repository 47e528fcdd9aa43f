import { parseReference } from '../../../images/reference.js'
import type { ServiceContext } from '../../context.js'
import { undollar } from '../../model.js'
import type { Note } from '../../translated.js'

/** Images that are no reference at all, and images whose version is left open. */
export function imageProblems({ name, service, written }: ServiceContext): readonly Note[] {
  const at = ['services', name, 'image']
  const image = undollar(service.image ?? '')
  if (service.build !== undefined && service.image === undefined) return []
  const reference = parseReference(image)
  if (reference === undefined) {
    const text = written(at)
    const from = text === undefined || text === image ? '' : `, from \`${text}\``
    const message = `The image of ${name} is \`${image}\`${from}: that is no image reference.`
    return [{ rule: 'image-invalid', service: name, at, message }]
  }
  const { tag, digest } = reference
  if (service.build !== undefined || digest !== undefined || (tag !== undefined && tag !== 'latest')) return []
  const message = `The image of ${name}, ${image}, names no version.`
  return [{ rule: 'image-unpinned', service: name, at, message }]
}
