import type { Problem } from '../../errors.js'
import { belongsUnder, didYouMean } from '../known-keys.js'
import { withPlace, type Failure, type Scene } from './scene.js'

/** Keys that do not exist, and values of the wrong shape. */
export const keyFailures: readonly Failure[] = [
  {
    says: /^validating ([^\n]+?): ?([\w.[\]-]*) additional properties ([^\n]+) not allowed/,
    means: ([, file = '', path = '', keys = ''], scene) =>
      [...keys.matchAll(/'([^']*)'/g)].map(([, key = '']) => unknownKey(scene, file, steps(path), key))
  },
  {
    says: /^(?:validating ([^\n]+?): )?((?:services|networks|volumes|secrets|configs|include)[\w.[\]-]*) must be ([^\n]+)/,
    means: ([, file = '', path = '', shape = ''], scene) =>
      withPlace(
        scene,
        steps(path),
        { message: `\`${path}\` must be ${shape.replace(/^a (?=[aeiou])/, 'an ')}.`, remedy: shapeRemedy(path, shape) },
        scene.fileOf(file)
      )
  },
  {
    says: /^decoding failed[^\n]*\n\s*'?(\w+)\[([^\]]+)\]([\w.[\]-]*)'? ([^\n]+)/,
    means: ([, section = '', name = '', rest = '', reason = ''], scene) => {
      const path = [section, name, ...steps(rest)]
      const message = `\`${path.join('.')}\` cannot be read: ${reason}.`
      return withPlace(scene, path, { message, remedy: unitRemedy(reason) })
    }
  },
  {
    says: /^service "([^"]+)" has neither an image nor a build context specified/,
    means: ([, name = ''], scene) =>
      withPlace(scene, ['services', name], {
        message: `The service ${name} has neither \`image\` nor \`build\`.`,
        remedy:
          'Write one of them. Where this file only changes services of another, name both files with `compose-file`, the other first.'
      })
  },
  {
    says: /^services?\.?([\w.-]+)?:? ?can't set distinct values on '([^']+)' and '([^']+)'/,
    means: ([, name = '', one = '', other = ''], scene) =>
      withPlace(scene, ['services', name, one], {
        message: `\`${one}\` and \`${other}\` of ${name} differ.`,
        remedy: `Keep \`${other}\`.`
      })
  },
  {
    says: /^service "?([\w.-]+)"? declares mutually exclusive `(\w+)` and `(\w+)`/,
    means: ([, name = '', one = '', other = ''], scene) =>
      withPlace(scene, ['services', name, one], {
        message: `The service ${name} has both \`${one}\` and \`${other}\`.`,
        remedy: 'Keep one of them.'
      })
  },
  {
    says: /^(secrets|configs)\.([\w.-]+): one of ([\w|]+) must be set/,
    means: ([, section = '', name = '', choices = ''], scene) =>
      withPlace(scene, [section, name], {
        message: `\`${section}.${name}\` does not say where its value comes from.`,
        remedy: `Write one of ${choices.split('|').join(', ')}, or \`external: true\` for one that is in the swarm or in the \`secrets\` input.`
      })
  }
]

/** `services.a.ports.[0]` and `services[a].x` as steps. */
function steps(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter(step => step !== '')
}

function unknownKey(scene: Scene, file: string, path: readonly string[], key: string): Problem {
  const where = path.length === 0 ? 'the top level' : `\`${path.join('.')}\``
  if (path.length === 1) {
    const message = `\`${key}\` cannot be the name of one of the ${path[0] ?? ''}.`
    return withPlace(
      scene,
      [...path, key],
      { message, remedy: 'Names are letters, digits, `.`, `_` and `-`.' },
      scene.fileOf(file)
    )
  }
  const meant = didYouMean(key, path)
  const known = meant === key
  const under = belongsUnder(key, path)
  const remedy =
    under !== undefined
      ? `\`${key}\` belongs under \`${under}\`.`
      : meant === undefined || known
        ? known
          ? 'The docker compose of this runner is older than this key: use a newer one, or remove the key.'
          : 'Remove it, or start it with `x-` if it is an extension of your own.'
        : `Did you mean \`${meant}\`?`
  return withPlace(scene, [...path, key], { message: `\`${key}\` is no key of ${where}.`, remedy }, scene.fileOf(file))
}

function shapeRemedy(path: string, shape: string): string {
  if (shape.includes('array'))
    return `Write a list: \`${path.split('.').at(-1) ?? ''}: [ … ]\`, or one item per line after \`- \`.`
  if (shape.includes('mapping')) return 'Write `key: value` lines below it.'
  return 'Check the indentation, and put quotes around text.'
}

function unitRemedy(reason: string): string {
  if (reason.includes('duration') || reason.includes('time:'))
    return 'Durations are written like `30s`, `1m30s` or `2h`.'
  if (reason.includes('size')) return 'Sizes are written like `64m` or `2g`.'
  return 'Correct the value.'
}
