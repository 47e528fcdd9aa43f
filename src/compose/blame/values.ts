import type { Place } from '../../errors.js'
import { isList, objectOf, textOf } from '../../json.js'
import { lineWith, withPlace, type Failure, type Scene } from './scene.js'

/** Values that have the right shape and mean nothing. Compose names no key here: the text itself is looked for. */
export const valueFailures: readonly Failure[] = [
  {
    says: /^(Invalid (?:ip address|containerPort|hostPort|proto|port range)|No port specified|invalid port|Invalid range)[^:\d]*:? ?([^\s<]*)/i,
    means: ([said = '', , text = ''], scene) => ({
      message: `A port cannot be read: ${said.trim()}.`,
      remedy: 'Ports are written `published:target`, such as `"80:8080"`, `"53:53/udp"` or `"8080"`, in quotes.',
      ...placed(lineWith(`:${text}`, scene.sources) ?? lineWith(text.replace(/:$/, ''), scene.sources))
    })
  },
  {
    says: /^invalid spec: (\S+?): ([^\n]+)/,
    means: ([, text = '', reason = ''], scene) => ({
      message: `A volume cannot be read: ${text}: ${reason}.`,
      remedy:
        'Volumes are written `name:/path`, `./file:/path:ro` or `/on/the/server:/path`; check that no variable in it is empty.',
      ...placed(lineWith(text, scene.sources))
    })
  },
  {
    says: /^healthcheck\.test must start either by/,
    means: (_, scene) => {
      const service = serviceWithBareTest(scene)
      const message = `The healthcheck${service === undefined ? '' : ` of ${service}`} is a list that does not say how to run it.`
      const remedy = 'Write `test: [CMD, curl, -f, http://localhost/]`, or one string that a shell runs.'
      return withPlace(scene, ['services', service ?? '', 'healthcheck', 'test'], { message, remedy })
    }
  },
  {
    says: /can't set container_name and ([\w.-]+) as container name must be unique/,
    means: ([, service = ''], scene) =>
      withPlace(scene, ['services', service, 'container_name'], {
        message: `${service} has several replicas and one \`container_name\`.`,
        remedy: 'Remove `container_name`: services find each other by the name of the service.'
      })
  },
  {
    says: /^services\.([\w.-]+): container name "([^"]+)" is already in use/,
    means: ([, service = '', name = ''], scene) =>
      withPlace(scene, ['services', service, 'container_name'], {
        message: `${service} has the \`container_name\` ${name}, which another service has too.`,
        remedy: 'Remove one of them: services find each other by the name of the service.'
      })
  },
  {
    says: /^service ports services\.([\w.-]+)\.ports\.\[(\d+)\] is missing a target port/,
    means: ([, service = '', index = ''], scene) =>
      withPlace(scene, ['services', service, 'ports', { index: Number(index) }], {
        message: `A port of ${service} has no \`target\`.`,
        remedy: 'Write `target`, the port inside of the container: `{target: 8080, published: 80}`.'
      })
  },
  {
    says: /^service volume services\.([\w.-]+)\.volumes\.\[(\d+)\] is missing a mount target/,
    means: ([, service = '', index = ''], scene) =>
      withPlace(scene, ['services', service, 'volumes', { index: Number(index) }], {
        message: `A volume of ${service} has no \`target\`.`,
        remedy: 'Write `target`, the path inside of the container: `{type: volume, source: data, target: /data}`.'
      })
  },
  {
    says: /^service\.build\.platforms MUST include service\.platform "([^"]+)"/,
    means: ([, platform = ''], scene) => ({
      message: `\`build.platforms\` lacks ${platform}, which \`platform\` of the same service asks for.`,
      remedy: `Add ${platform} to \`build.platforms\`, or take \`platform\` out.`,
      ...placed(lineWith(platform, scene.sources))
    })
  },
  {
    says: /^validating [^\n]+?: ((?:services|networks|volumes|secrets|configs)\.[\w.-]+) '([^']*)' does not match pattern/,
    means: ([, path = '', value = ''], scene) =>
      withPlace(scene, path.split('.'), {
        message: `\`${path}\` cannot be \`${value}\`.`,
        remedy: 'Use letters, digits, `.`, `_` and `-`, a letter or digit first; check that no variable in it is empty.'
      })
  },
  {
    says: /^validating [^\n]+?: ((?:services|networks|volumes|secrets|configs)\.[^\n ]+) invalid jsonType time\.Time/,
    means: ([, path = ''], scene) =>
      withPlace(scene, path.split('.'), {
        message: `\`${path}\` is a date to YAML, and compose takes none.`,
        remedy: 'Put it in quotes.'
      })
  },
  {
    says: /yaml: (invalid (?:leading|trailing|length|Unicode)[^\n]*|control characters are not allowed)/,
    means: ([, reason = ''], scene) => {
      const at = lineWith('\uFFFD', scene.sources)
      return {
        message: `A compose file is not plain UTF-8 text: ${reason}.`,
        remedy: 'Save it as UTF-8.',
        ...placed(at)
      }
    }
  }
]

function placed(at: Place | undefined): { readonly at?: Place } {
  return at === undefined ? {} : { at }
}

function serviceWithBareTest({ positions }: Scene): string | undefined {
  const services = positions.values(['services']).flatMap(value => Object.entries(objectOf(value)))
  const bare = services.find(([, service]) => {
    const { test } = objectOf(objectOf(service)['healthcheck'])
    return isList(test) && !['CMD', 'CMD-SHELL', 'NONE'].includes(textOf(test[0]))
  })
  return bare?.[0]
}
