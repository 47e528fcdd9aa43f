import type { Finding } from '../../model.js'
import type { Positions } from '../positions.js'
import type { Note } from '../translated.js'
import { ruleText } from './catalogue.js'
import type { Silence } from './silence.js'

const rank = { error: 0, warning: 1, notice: 2 } as const

/** Gives each note its place in the user's files, its level and its remedy, and leaves out what the user silenced. */
export function settle(notes: readonly Note[], positions: Positions, silence: Silence): readonly Finding[] {
  return notes
    .flatMap(note => {
      const place = note.place ?? positions.locate(note.at) ?? {}
      return silence.covers(note, place) ? [] : [findingOf(note, place)]
    })
    .sort((a, b) => rank[a.level] - rank[b.level])
}

function findingOf(note: Note, place: Partial<Finding>): Finding {
  const text = ruleText(note.rule)
  return {
    level: note.level ?? text.level,
    rule: note.rule,
    message: note.message,
    remedy: note.remedy ?? text.remedy,
    ...(note.service === undefined ? {} : { service: note.service }),
    ...place
  }
}
