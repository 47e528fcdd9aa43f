import type { Place, Problem } from '../../errors.js'
import { indexSources } from '../positions.js'
import { unsetVariables } from '../unset.js'
import { keyFailures } from './keys.js'
import { referenceFailures } from './references.js'
import type { Evidence, Failure, Scene } from './scene.js'
import { valueFailures } from './values.js'
import { variableFailures } from './variables.js'
import { yamlProblems } from './yaml.js'

const failures: readonly Failure[] = [...variableFailures, ...keyFailures, ...valueFailures, ...referenceFailures]

/** Turns what `docker compose config` says when it fails into problems with a place and a remedy. Never empty. */
export function blame(stderr: string, evidence: Evidence): readonly Problem[] {
  const said = messageIn(stderr)
  const broken = yamlProblems(evidence.sources)
  if (broken.length > 0) return broken
  const scene: Scene = {
    ...evidence,
    positions: indexSources(evidence.sources, evidence.envSources),
    fileOf: path => (path.startsWith(`${evidence.workspace}/`) ? path.slice(evidence.workspace.length + 1) : path)
  }
  for (const { says, means } of failures) {
    const match = says.exec(said)
    const problems = match === null ? [] : [means(match, scene)].flat()
    if (problems.length > 0) return problems.map(problem => withUnset(problem, stderr))
  }
  return [withUnset(unknown(said, scene), stderr)]
}

/** What compose refuses is often the blank that an unset variable left. */
function withUnset(problem: Problem, stderr: string): Problem {
  const unset = unsetVariables(stderr)
  return unset.length === 0 ? problem : { ...problem, details: `Not set, and taken for empty: ${unset.join(', ')}.` }
}

/** What compose said last, without its warnings. */
function messageIn(stderr: string): string {
  const lines = stderr.split('\n').filter(line => !/^time="[^"]*" level=\w+ /.test(line))
  return lines
    .join('\n')
    .replace(/: invalid compose project$/m, '')
    .trim()
}

/** Anything else in compose's own words, at the service or key that it names, if it names one. */
function unknown(said: string, scene: Scene): Problem {
  const at = placeNamed(said, scene)
  const message = `docker compose refuses the compose files: ${scene.fileOf(said) === said ? said.replaceAll(`${scene.workspace}/`, '') : scene.fileOf(said)}`
  return { message, ...(at === undefined ? {} : { at }) }
}

function placeNamed(said: string, { positions }: Scene): Place | undefined {
  const path = /\b((?:services|networks|volumes|secrets|configs)(?:\.[\w.[\]-]+)+)/.exec(said)?.[1]?.split(/[.[\]]+/)
  const service = /\bservice "?([\w.-]+)"?/.exec(said)?.[1]
  const found = path?.filter(step => step !== '') ?? (service === undefined ? undefined : ['services', service])
  return found === undefined ? undefined : positions.locate(found)
}
