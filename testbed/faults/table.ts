import type { Result } from './run.ts'

/** The page about faults: its table is what a run of the suite found, and nothing else. */
export function page(results: readonly Result[], ran: { readonly date: string; readonly engine: string }): string {
  const groups = Object.values(Object.groupBy(results, ({ name, version, at }) => `${name}\0${version}\0${at}`)).filter(
    group => group !== undefined
  )
  const rows = groups.map(group => {
    const [{ name, version, at }] = group as [Result]
    const verdicts = [...new Set(group.map(({ verdict }) => verdict || 'no verdict'))].join(', ')
    const right = group.filter(({ wrong }) => wrong.length === 0).length
    const safe = group.filter(({ lost }) => lost.length === 0).length
    return [name, at, version, `${group.length}`, verdicts, `${right}/${group.length}`, `${safe}/${group.length}`]
  })
  const head = ['Fault', 'Strikes during', 'Version', 'Runs', 'Verdict', 'Verdict right', 'Nothing lost']
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return `# Faults

What happens to a deploy when a connection, an engine, a node or a manager is lost in the middle of it. \`npm run faults\` plays this on the testbed:
four real engines, three of them managers, and the committed action. Every scenario deploys version 1, strikes while version 2 is on its
way, asks every engine itself which containers are healthy, repairs everything, and deploys version 3.

- **Verdict right**: the run ended as it may, what it said is what the engines show, it left no process, and the next run is green.
- **Nothing lost**: something of the service serves all the same, the old version's secrets are there after a run that was not green, and the
  volume holds what it held.

**Strikes during**: \`before the run\` of version 2, or in it: the build, a job, as services are written (apply), while the swarm updates them (watch), or on
the way back. **Version**: version 2 is \`good\`, \`broken\` (its healthcheck never passes), \`built\` (an image is built and pushed first), or good with
a \`job\` that runs before the service. All but the built are of one image and differ in a variable.

This page was written by \`npm run faults -- --write\` on ${ran.date}, Docker Engine ${ran.engine}, on a machine busy with other tests. Each row is
from the last time that its scenario was played.

${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}
`
}
