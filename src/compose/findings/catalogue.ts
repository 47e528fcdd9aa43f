import { adviceRules } from './advice.js'
import type { RuleText } from './rule.js'
import { translationRules } from './translation.js'

/** Every rule there is: the one source of its level, its words in the log, and its section in docs/findings.md. */
export const catalogue = { ...adviceRules, ...translationRules } as const satisfies Readonly<Record<string, RuleText>>

export type Rule = keyof typeof catalogue

export function ruleText(rule: Rule): RuleText {
  return catalogue[rule]
}

export function isRule(name: string): name is Rule {
  return Object.hasOwn(catalogue, name)
}
