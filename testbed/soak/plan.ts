import {
  changed,
  firstDefinition,
  identity,
  rotated,
  scaled,
  type Behaviour,
  type Definition,
  type Making
} from './app.ts'
import type { Dice } from './dice.ts'

/** Which runs a soak makes, and how each of them may end. Pure. */

export type Kind =
  | 'first'
  | 'good'
  | 'slow start'
  | 'no-op'
  | 'scale'
  | 'rotation'
  | 'rollback'
  | 'broken'
  | 'crash'
  | 'late crash'
  | 'flapping'
  | 'cancelled'
  | 'killed'
  | 'two at once'

/** Every kind but the first deploy and the killed run, whose lock takes a minute and a half to expire. */
const common: readonly Kind[] = [
  'good',
  'slow start',
  'no-op',
  'scale',
  'rotation',
  'rollback',
  'broken',
  'crash',
  'late crash',
  'flapping',
  'cancelled',
  'two at once'
]

/** `runs` runs dealt to lanes: each lane begins with a first deploy, `killed` lanes have a killed run that is not their last. */
export function deal(dice: Dice, options: { runs: number; lanes: number; killed: number }): Kind[][] {
  const { runs, lanes, killed } = options
  const rest = Math.max(0, runs - lanes - Math.min(killed, lanes))
  const deck = Array.from({ length: Math.ceil(rest / common.length) }, () => dice.shuffled(common))
  const dealt: Kind[][] = Array.from({ length: lanes }, () => ['first'])
  dice.shuffled(deck.flat().slice(0, rest)).forEach((kind, index) => dealt[lanes - 1 - (index % lanes)]?.push(kind))
  for (const lane of dealt.slice(0, killed)) lane.splice(dice.from(1, Math.max(1, lane.length - 2)), 0, 'killed')
  return dealt
}

/** What a run is to do, and how it may end. */
export interface Attempt {
  readonly definition: Definition
  readonly inputs?: Readonly<Record<string, string>>
  /** Statuses that are right for it; empty is a run that ended before it had one. */
  readonly right: readonly string[]
}

export interface Deployed {
  readonly release: string
  readonly definition: Definition
}

/** What is known of a stack when a run is made for it. */
export interface Situation extends Making {
  /** The releases that were deployed, oldest first; the last one is live. */
  readonly history: readonly Deployed[]
  /** The run before was killed. */
  readonly afterKill: boolean
}

const good = ['deployed']
const bad = ['rolled-back']

/** What a kind of run means for a stack now. */
export function attemptOf(kind: Kind, situation: Situation): Attempt {
  const { dice, mark, history, afterKill } = situation
  const live = history.at(-1)?.definition
  if (live === undefined) return { definition: firstDefinition(situation), right: good }
  const change = (behaviour: Behaviour) => changed(live, behaviour, situation)
  switch (kind) {
    case 'first':
    case 'good':
    case 'two at once':
      return { definition: change('good'), right: good }
    case 'no-op':
      return { definition: live, right: afterKill ? ['unchanged', 'deployed'] : ['unchanged'] }
    case 'scale':
      return { definition: scaled(live, dice), right: good }
    case 'rotation':
      return { definition: rotated(live, mark), right: good }
    case 'rollback':
      return rollback(live, situation)
    case 'cancelled': {
      const quick = dice.happens(0.4)
      const right = ['cancelled', '', ...(quick ? good : [])]
      return { definition: change(quick ? 'good' : 'never'), right }
    }
    case 'killed':
      return { definition: change('never'), right: [] }
    case 'slow start':
      return { definition: change(kind), right: good }
    default:
      return { definition: change(kind), right: bad }
  }
}

function rollback(live: Definition, { dice, history }: Situation): Attempt {
  const earlier = history.slice(-4, -1)
  const target = dice.happens(0.5) ? earlier.at(-1) : dice.pick(earlier)
  if (target === undefined) return { definition: live, right: ['unchanged'] }
  const previous = target === earlier.at(-1) && dice.happens(0.7)
  const same = [...Object.keys(live.services), ...Object.keys(target.definition.services)].every(
    name => identity(live, name) === identity(target.definition, name)
  )
  return {
    definition: target.definition,
    inputs: { command: 'rollback', release: previous ? 'previous' : target.release },
    right: same ? ['unchanged'] : good
  }
}
