import type { Place, Problem } from '../../errors.js'
import type { Source } from '../project.js'
import { withPlace, type Failure, type Scene } from './scene.js'

/** Failures of interpolation. */
export const variableFailures: readonly Failure[] = [
  {
    says: /required variable (\w+) is missing a value(?:: (.*))?/,
    means: ([, name = '', reason = ''], scene) => {
      const missing = requiredVariables(scene)
      return missing.length > 0 ? missing : requiredProblem({ name, reason }, undefined)
    }
  },
  {
    says: /^invalid interpolation format for ([^\n]+?)\.?\n(?:You may need[^\n]*\n)?([\s\S]*)/,
    means: ([, path = '', text = ''], scene) =>
      withPlace(scene, path.split('.'), {
        message: `\`${path}\` holds a \`$\` that starts no variable: ${text.trim().split('\n')[0] ?? ''}`,
        remedy: 'Write `$$` for a dollar sign that is meant as one, and `${NAME}` with both braces for a variable.'
      })
  },
  {
    says: /error while interpolating ([^:\n]+): failed to cast to expected type: (.*)/,
    means: ([, path = '', reason = ''], scene) => {
      const at = path.split('.')
      const text = scene.positions.written(at)
      const from = text === undefined ? '' : ` (\`${text}\`)`
      return withPlace(scene, at, {
        ...(text === undefined || text.includes('$')
          ? {
              message: `\`${path}\`${from} has the wrong type once its variables are filled in: ${reason}.`,
              remedy: 'Set the variable, or give it a default of the right type, such as `${NAME:-2}`.'
            }
          : {
              message: `\`${path}\`${from} has the wrong type: ${reason}.`,
              remedy: 'Write a value of the type that the key takes.'
            })
      })
    }
  }
]

interface Required {
  readonly name: string
  readonly reason: string
}

/** Every `${NAME:?reason}` of the files whose variable has no value: compose only names one at a time. */
function requiredVariables({ sources, envSources, environment }: Scene): readonly Problem[] {
  const known = new Set([...Object.keys(environment).filter(name => environment[name] !== ''), ...namesIn(envSources)])
  const found = new Map<string, Problem>()
  for (const { file, text } of sources) {
    for (const [index, line] of text.split('\n').entries()) {
      for (const match of line.replace(/^\s*#.*|\s#.*/, '').matchAll(/(?<!\$)\$\{(\w+):?\?([^}]*)\}/g)) {
        const [, name = '', reason = ''] = match
        if (known.has(name) || found.has(name)) continue
        found.set(name, requiredProblem({ name, reason }, { file, line: index + 1, column: match.index + 1 }))
      }
    }
  }
  return [...found.values()]
}

function namesIn(envSources: readonly Source[]): readonly string[] {
  const lines = envSources.flatMap(({ text }) => text.split('\n'))
  return lines.flatMap(line => /^\s*(?:export\s+)?([\w.-]+)\s*=\s*\S/.exec(line)?.[1] ?? [])
}

function requiredProblem({ name, reason }: Required, at: Place | undefined): Problem {
  return {
    message: `The variable ${name} must be set${reason === '' ? '' : ` (${reason})`}.`,
    remedy: `Set it in the step: \`env: {${name}: …}\`, or in a file named by \`env-file\`.`,
    ...(at === undefined ? {} : { at })
  }
}
