import type { Problem } from '../../errors.js'
import { nearest } from '../findings/nearest.js'
import { isList, isObject, objectOf, textOf } from '../../json.js'
import { lineWith, withPlace, type Failure, type Scene } from './scene.js'

/** Files and names that are referred to and do not exist, and circles. */
export const referenceFailures: readonly Failure[] = [
  {
    says: /^service "([^"]+)" refers to undefined (volume|network|secret|config) ([^\s:]+)/,
    means: ([, service = '', kind = '', name = ''], scene) => undefinedName(scene, service, kind, name)
  },
  {
    says: /^service "([^"]+)" depends on undefined service "([^"]+)"/,
    means: ([, service = '', name = ''], scene) => undefinedDependency(scene, service, name)
  },
  {
    says: /^dependency cycle detected: ([^\n]+)/,
    means: ([, circle = ''], scene) =>
      withPlace(scene, ['services', circle.split(' -> ')[0] ?? '', 'depends_on'], {
        message: `Services wait for each other in a circle: ${circle}.`,
        remedy: 'Take one `depends_on` out of the circle.'
      })
  },
  {
    says: /^Circular reference:\n([\s\S]+)/,
    means: ([, chain = ''], scene) => {
      const names = [...chain.matchAll(/^\s*(?:extends )?([\w.-]+) in /gm)].map(([, name = '']) => name)
      return withPlace(scene, ['services', names[0] ?? '', 'extends'], {
        message: `Services extend each other in a circle: ${names.join(' extends ')}.`,
        remedy: 'Take one `extends` out of the circle; move what they share into a service that extends nothing.'
      })
    }
  },
  {
    says: /^include cycle detected:\n([\s\S]+)/,
    means: ([, chain = ''], scene) => {
      const files = chain.split('\n').map(line => scene.fileOf(line.trim().replace(/^include /, '')))
      return withPlace(scene, ['include'], {
        message: `Compose files include each other in a circle: ${files.join(' includes ')}.`,
        remedy: 'Take one `include` out of the circle.'
      })
    }
  },
  {
    says: /^cannot extend service "([^"]+)" in ([^\n]+?): service "([^"]+)" not found/,
    means: ([, service = '', file = '', base = ''], scene) =>
      withPlace(scene, ['services', service, 'extends'], {
        message: `${service} extends ${base}, which is not in ${scene.fileOf(file)}.`,
        remedy: 'Correct the name, or name its file: `extends: {file: …, service: …}`.'
      })
  },
  {
    says: /^(?:env file ([^\n]+?) not found|couldn't find env file: ([^\n]+)|open ([^\n]+?): no such file or directory|stat ([^\n]+?): no such file or directory)/,
    means: ([, ...paths], scene) => missingFile(scene, paths.find(path => path !== undefined) ?? '')
  },
  {
    says: /^failed to read ([^\n]+?): line (\d+): ([^\n]+)/,
    means: ([, file = '', line = '', reason = ''], scene) => ({
      message: `${scene.fileOf(file)} is no environment file: ${reason}.`,
      remedy: 'Each line is `NAME=value`, empty, or a comment after `#`.',
      at: { file: scene.fileOf(file), line: Number(line) }
    })
  },
  {
    says: /unknown anchor '([^']+)' referenced/,
    means: ([, anchor = ''], scene) => unknownAnchor(scene, anchor)
  },
  {
    says: /^(services|networks|volumes|secrets|configs)\.([\w.-]+) conflicts with imported resource/,
    means: ([, section = '', name = ''], scene) =>
      withPlace(scene, [section, name], {
        message: `\`${section}.${name}\` is in this file and in one that it includes.`,
        remedy: 'Rename one of them, or change the included one with several files under one `include` path.'
      })
  }
]

function undefinedName(scene: Scene, service: string, kind: string, name: string): Problem {
  const section = `${kind}s`
  const declared = scene.positions.values([section]).flatMap(value => Object.keys(objectOf(value)))
  const meant = nearest(name, declared)
  const step = kind === 'volume' ? itemWith(scene, service, name) : name
  const declare = kind === 'secret' ? `\`secrets: {${name}: {external: true}}\`` : `\`${section}: {${name}: {}}\``
  return withPlace(scene, ['services', service, section, step], {
    message: `${service} uses the ${kind} ${name}, which is not declared under \`${section}\`.`,
    remedy:
      meant === undefined
        ? `Declare it at top level: ${declare}.`
        : `Did you mean ${meant}? Otherwise declare it at top level: ${declare}.`
  })
}

/** The volume entry whose source is this name. */
function itemWith(scene: Scene, service: string, name: string): string | { readonly index: number } {
  const lists = scene.positions.values(['services', service, 'volumes']).filter(isList)
  const index = lists.at(-1)?.findIndex(entry => {
    const source = isObject(entry) ? textOf(entry['source']) : textOf(entry).split(':')[0]
    return source === name
  })
  return index === undefined || index === -1 ? name : { index }
}

function undefinedDependency(scene: Scene, service: string, name: string): Problem {
  const at = ['services', service, 'depends_on', name]
  const profiles = scene.positions.values(['services', name, 'profiles']).flat().map(textOf)
  if (profiles.length > 0) {
    return withPlace(scene, at, {
      message: `${service} waits for ${name}, which is only there with the profile ${profiles.join(' or ')}.`,
      remedy: `Add ${profiles[0] ?? ''} to \`profiles\`, or write \`depends_on: {${name}: {condition: …, required: false}}\`.`
    })
  }
  const services = scene.positions.values(['services']).flatMap(value => Object.keys(objectOf(value)))
  const meant = nearest(name, services)
  return withPlace(scene, at, {
    message: `${service} waits for ${name}, which is no service of these files.`,
    remedy: meant === undefined ? 'Correct the name, or take it out of `depends_on`.' : `Did you mean ${meant}?`
  })
}

function missingFile(scene: Scene, path: string): Problem {
  const file = scene.fileOf(path)
  const name = file.split('/').at(-1) ?? file
  const at = lineWith(name, scene.sources)
  return { message: `${file} does not exist.`, remedy: missingRemedy(name), ...(at === undefined ? {} : { at }) }
}

function missingRemedy(name: string): string {
  return /env/.test(name)
    ? `Environment files are rarely in a repository: write ${name} in a step before this one, from secrets and variables, or mark it \`required: false\`.`
    : 'Check the spelling; paths are relative to the compose file that names them.'
}

function unknownAnchor(scene: Scene, anchor: string): Problem {
  const message = `The alias *${anchor} has no anchor &${anchor} before it.`
  const remedy = `Write \`&${anchor}\` in front of the value that it stands for, above this line; anchors do not reach into other files.`
  const at = lineWith(`*${anchor}`, scene.sources)
  return { message, remedy, ...(at === undefined ? {} : { at }) }
}
