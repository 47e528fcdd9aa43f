import type { Problem } from '../errors.js'
import { branchLabel } from './name.js'

/** What the template of a preview's URL may name. `port` is known only once the swarm has chosen one. */
export interface UrlParts {
  readonly number: number
  readonly branch: string
  readonly stack: string
  readonly port?: number
}

const placeholder = /\{([^{}]*)\}/g
const known = new Set(['number', 'branch', 'stack', 'port'])

/** What is wrong with a `preview-url`, before any preview is made with it. */
export function checkPreviewUrl(template: string): readonly Problem[] {
  const remedy = 'For example `preview-url: https://pr-{number}.example.com`.'
  const strange = [...template.matchAll(placeholder)].map(([, name]) => name ?? '').filter(name => !known.has(name))
  if (strange.length > 0) {
    return [
      {
        message: `\`preview-url\` has ${strange.map(name => `\`{${name}}\``).join(', ')}, which nothing fills in.`,
        remedy: 'It knows `{number}`, `{branch}`, `{stack}` and `{port}`.'
      }
    ]
  }
  const sample = fillIn(template, { number: 1, branch: 'main', stack: 'app-pr-1', port: 30_000 })
  if (!URL.canParse(sample) || !/^https?:\/\/[^/]/i.test(sample)) {
    return [{ message: `\`preview-url\` is not an http or https URL: ${JSON.stringify(template)}.`, remedy }]
  }
  const url = new URL(sample)
  if (url.username || url.password) {
    return [{ message: '`preview-url` holds a user name or a password, and it is shown to everybody.', remedy }]
  }
  if (/\{(?:number|branch|stack)\}/.test(template) || template.includes('{port}')) return []
  return [{ message: '`preview-url` is the same for every pull request.', remedy }]
}

/**
 * The URL of a preview; null while it names a port that is not known yet. The branch is cut so that the label of the
 * host name it stands in stays within DNS's 63 characters.
 */
export function previewUrl(template: string, parts: UrlParts): string | null {
  if (template.includes('{port}') && parts.port === undefined) return null
  return fillIn(template, parts)
}

/** Host name of a preview's URL, which is known also while its port is not; null when the template has none. */
export function previewHost(template: string, parts: UrlParts): string | null {
  const url = fillIn(template, { ...parts, port: parts.port ?? 1 })
  return URL.canParse(url) ? new URL(url).hostname : null
}

function fillIn(template: string, parts: UrlParts): string {
  const rest = template
    .replaceAll('{number}', String(parts.number))
    .replaceAll('{stack}', parts.stack)
    .replaceAll('{port}', String(parts.port ?? ''))
  return rest.replaceAll('{branch}', branchLabel(parts.branch, roomForBranch(rest)))
}

/** How many characters the branch may take in the tightest label of the host that names it. */
function roomForBranch(template: string): number {
  const host = /^https?:\/\/([^/:?#]*)/i.exec(template)?.[1] ?? ''
  const room = host
    .split('.')
    .filter(label => label.includes('{branch}'))
    .map(label => {
      const times = label.split('{branch}').length - 1
      return Math.floor((63 - (label.length - times * '{branch}'.length)) / times)
    })
  return Math.max(7, Math.min(63, ...room))
}
