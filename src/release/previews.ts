import type { Service, SwarmObject } from '../engine-types.js'
import { label } from '../model.js'
import { parsePreviewLabel } from '../preview/name.js'
import { parseEntry } from './record.js'

/** A stack that shows a pull request. */
export interface Preview {
  readonly stack: string
  /** `owner/repo#7` */
  readonly preview: string
  /** Of the last deploy, in milliseconds since 1970. */
  readonly lastDeploy: number
}

export interface ExpiryRule {
  /** The runner's time, in milliseconds since 1970: the time of a release is that of the runner which deployed it. */
  readonly now: number
  /** Life after the last deploy; null lives on. */
  readonly ttlMs: number | null
  /** Whether the pull request is known to be closed. */
  readonly closed?: (preview: Preview) => boolean
  /** At most so many live on, the newest. */
  readonly limit?: number
}

export interface Expired {
  readonly preview: Preview
  /** Completes "removed, as …". */
  readonly why: string
}

/** The previews of a swarm, by their release records and their services; newest deploy first. */
export function listPreviews(records: readonly SwarmObject[], services: readonly Service[]): readonly Preview[] {
  const seen = [
    ...records.map(object => {
      const entry = parseEntry(object)
      return { labels: object.Spec.Labels ?? {}, at: Date.parse(entry?.at ?? object.CreatedAt ?? '') }
    }),
    ...services.map(({ Spec, CreatedAt }) => ({ labels: Spec.Labels ?? {}, at: Date.parse(CreatedAt ?? '') }))
  ]
  const previews = new Map<string, Preview>()
  for (const { labels, at } of seen) {
    const stack = labels[label.namespace]
    const preview = labels[label.preview]
    if (stack === undefined || preview === undefined || preview === '') continue
    const lastDeploy = Math.max(previews.get(stack)?.lastDeploy ?? 0, Number.isFinite(at) ? at : 0)
    previews.set(stack, { stack, preview, lastDeploy })
  }
  return [...previews.values()].sort((a, b) => b.lastDeploy - a.lastDeploy)
}

/**
 * Whether a pull request is known to be closed. `state` is what GitHub said of it: null for "not found", undefined when
 * it could not be asked. A token that cannot see the repository is told "not found" of every number, so that counts
 * only where the repository itself was `visible`.
 */
export function isKnownClosed(
  state: { readonly state: 'open' | 'closed' } | null | undefined,
  visible: boolean
): boolean {
  return state === null ? visible : state?.state === 'closed'
}

/**
 * A preview that was to go, looked at again among those that are there `now`: why it still shall go, or null when it
 * shall not any more, as it was deployed again, its pull request was reopened, or its stack is gone or another's.
 */
export function stillExpired(preview: Preview, now: readonly Preview[], rule: ExpiryRule): Expired | null {
  const same = (other: Preview) => other.stack === preview.stack && other.preview === preview.preview
  return expiredPreviews(now, rule).find(expired => same(expired.preview)) ?? null
}

/** Which previews shall go, and why. */
export function expiredPreviews(previews: readonly Preview[], rule: ExpiryRule): readonly Expired[] {
  const { now, ttlMs, closed, limit } = rule
  let living = 0
  return [...previews]
    .sort((a, b) => b.lastDeploy - a.lastDeploy)
    .flatMap(preview => {
      if (closed?.(preview) ?? false) return [{ preview, why: 'its pull request is closed' }]
      if (ttlMs !== null && now - preview.lastDeploy > ttlMs) {
        return [{ preview, why: `its last deploy was ${age(now - preview.lastDeploy)} ago` }]
      }
      living++
      return limit !== undefined && living > limit ? [{ preview, why: `${limit} newer previews are live` }] : []
    })
}

/** Those of one repository, `owner/repo`. */
export function previewsOf(repository: string, previews: readonly Preview[]): readonly Preview[] {
  const ours = repository.toLowerCase()
  return previews.filter(({ preview }) => parsePreviewLabel(preview)?.repository.toLowerCase() === ours)
}

/** What to say of more live previews than the limit allows; null when there are not. The deploy itself removes none. */
export function overLimit(previews: readonly Preview[], limit: number): string | null {
  const expired = expiredPreviews(previews, { now: 0, ttlMs: null, ...(limit > 0 && { limit }) })
  if (expired.length === 0) return null
  const names = expired.map(({ preview }) => `\`${preview.stack}\``).join(', ')
  return (
    `${previews.length} previews are live, more than \`preview-limit\` allows (${limit}): the next run with ` +
    `\`command: prune\` and that limit removes ${names}.`
  )
}

function age(ms: number): string {
  const hours = Math.floor(ms / 3_600_000)
  if (hours >= 48) return `${Math.floor(hours / 24)} days`
  return hours >= 1 ? `${hours} h` : `${Math.floor(ms / 60_000)} min`
}
