import type { Change } from '../release/compare.js'
import type { FieldChange } from '../release/fields.js'
import type { PlanRow } from './model.js'

/** What a deploy would do, as rows of a plan: the very changes that a deploy then applies. */
export function planRows(changes: readonly Change[]): readonly PlanRow[] {
  return changes.flatMap(change => {
    const row = rowOf(change)
    return row === null ? [] : [{ service: change.key, ...row }]
  })
}

function rowOf(change: Change): Omit<PlanRow, 'service'> | null {
  switch (change.kind) {
    case 'create':
      return { kind: change.job ? 'run' : 'create', fields: [{ name: 'image', after: change.image }] }
    case 'update':
      return {
        kind: change.job ? 'run' : 'update',
        fields: [...why(change.why), ...change.fields.map(field), ...change.drift.map(byHand)]
      }
    case 'drift':
      return { kind: 'update', fields: change.fields.map(byHand) }
    case 'unchanged':
      return { kind: 'unchanged', fields: [] }
    case 'remove':
      return { kind: 'remove', fields: [] }
    // Neither is touched, nor was it ever asked for.
    case 'skip':
    case 'foreign':
      return null
  }
}

type Field = PlanRow['fields'][number]

const reasons = {
  changed: [],
  unfinished: [{ name: 'its last update had not finished' }],
  adopted: [{ name: 'deployed without this action so far' }],
  restored: [{ name: 'deployed again from its record' }]
} as const

function why(reason: keyof typeof reasons): readonly Field[] {
  return reasons[reason]
}

/** Values only where the comparison gives them, which is where they can hold no secret; else the names. */
function field({ field: name, from, to, added = [], removed = [], changed = [] }: FieldChange): Field {
  const names = [
    ...added.map(each => `+${each}`),
    ...removed.map(each => `−${each}`),
    ...changed.map(each => `~${each}`)
  ]
  if (names.length > 0) return { name, after: names.join(' ') }
  return { name, ...(from !== undefined && { before: from }), ...(to !== undefined && { after: to }) }
}

function byHand(change: FieldChange): Field {
  const { name, ...rest } = field(change)
  return { name: `${name} (changed by hand)`, ...rest }
}
