import type { Level } from '../../model.js'
import { adviceRules } from './advice.js'
import type { RuleText } from './rule.js'
import { translationRules } from './translation.js'

const levels: Readonly<Record<Level, string>> = {
  error: 'The run stops before anything is built or deployed.',
  warning: 'The deploy goes on; with `strict: true` it does not.',
  notice: 'For your information.'
}

const intro = `# Findings

<!-- Generated from src/compose/findings by \`node scripts/findings-page.ts\`; do not edit. -->

Before anything is built or deployed, the action reads the compose files and says what it found: what a swarm cannot do,
what it does differently, and what puts an update at risk. Each finding has a rule, a level and a place in your own YAML.
It shows as an annotation on the file, in the job's summary, and in the output \`findings\`.
\`command: check\` does only this, without a server or a Docker Engine.

| level | means |
| ----- | ----- |
${Object.entries(levels)
  .map(([level, meaning]) => `| ${level} | ${meaning} |`)
  .join('\n')}

## Silencing a rule

With a comment inside a service, beside its name or right above it, for that service; a reason may follow:

\`\`\`yaml
services:
  worker: # swarm-rollout: ignore no-healthcheck (it has no port, and dies when it fails)
    image: worker:3
\`\`\`

Or with a key, which also works through YAML anchors, merge keys and \`extends\`:

\`\`\`yaml
services:
  worker:
    image: worker:3
    x-swarm-rollout:
      ignore: [no-healthcheck, restart-default]
\`\`\`

Both work for an entry of \`networks\`, \`volumes\`, \`secrets\` and \`configs\` too. A comment outside of any entry, and
\`x-swarm-rollout\` at the top level, are for everything. Silencing an error allows what it stopped: the service is
deployed without the thing that a swarm cannot do. Errors that would deploy something broken cannot be silenced.
`

/** The whole of docs/findings.md. */
export function findingsPage(): string {
  const advice = section('What puts an update, or a secret, at risk', adviceRules)
  const translation = section('What a swarm does differently, or not at all', translationRules)
  return `${intro}\n${advice}\n${translation}`
}

function section(title: string, rules: Readonly<Record<string, RuleText>>): string {
  const sorted = Object.entries(rules).sort(([a], [b]) => (a < b ? -1 : 1))
  return `## ${title}\n\n${sorted.map(([id, rule]) => entry(id, rule)).join('\n')}`
}

function entry(id: string, { level, title, why, remedy, silence }: RuleText): string {
  const fixed = silence === false ? ' It cannot be silenced.' : ''
  return `### ${id}\n\n**${title}** (${level})\n\n${why}\n\n${remedy}${fixed}\n`
}
