import type { ServiceContext } from '../../context.js'
import { textOf } from '../../../json.js'
import { undollar } from '../../model.js'
import type { KeyPath, Note } from '../../translated.js'

const secretName =
  /(?:^|_)(?:PASSWORD|PASSWD|PASS|PASSPHRASE|PWD|SECRET|SECRET_KEY|TOKEN|API_?KEY|PRIVATE_KEY|ACCESS_KEY|ENCRYPTION_KEY|MASTER_KEY|AUTH_KEY|APP_KEY|JWT_KEY|CREDENTIALS?)(?:_BASE|_BASE64|_\d+)?$/i

/** Values that are settings, not secrets: `ALLOW_EMPTY_PASSWORD=yes`, a number, a path to a file. */
const noSecret = /^(?:true|false|yes|no|on|off|none|null|\d{1,3}|\/\S*|)$/i

const urlPassword = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@?#]*:([^\s/@]+)@/i

/** Secrets and passwords that a service gets in plain environment variables or on its command line. */
export function plainSecrets(context: ServiceContext): readonly Note[] {
  const variables = Object.entries(context.service.environment ?? {})
  return [
    ...variables.flatMap(([name, value]) => (value === null ? [] : variable(context, name, undollar(value)))),
    ...commandLine(context)
  ]
}

function variable(context: ServiceContext, name: string, value: string): readonly Note[] {
  const { name: service } = context
  const at = ['services', service, 'environment', name]
  const literal = isLiteral(context, at)
  if (urlPassword.test(value)) {
    const message = `${name} of ${service} is a URL with a password in it.`
    return [{ rule: 'url-password', service, at, message, ...(literal ? {} : { level: 'notice' }) }]
  }
  if (!secretName.test(name) || noSecret.test(value.trim())) return []
  const remedy = remedyFor(context, name)
  if (!literal) {
    const message = `${name} of ${service} looks like a secret; as an environment variable, everybody who may inspect the service reads it.`
    return [{ rule: 'plain-secret', service, at, message, remedy }]
  }
  if (context.written(at) !== undefined) {
    const message = `${name} of ${service} looks like a secret, and its value is in the repository.`
    return [{ rule: 'literal-secret', service, at, message, remedy }]
  }
  // a step before this one may have written the file, as it should
  const message = `${name} of ${service} looks like a secret, and its value stands in an environment file, which should be in no repository.`
  return [{ rule: 'literal-secret', level: 'notice', service, at, message, remedy }]
}

function commandLine(context: ServiceContext): readonly Note[] {
  const { name, service } = context
  const words = [...(service.command ?? []), ...(service.entrypoint ?? [])].map(undollar)
  if (!words.some(word => urlPassword.test(word))) return []
  const message = `The command of ${name} has a URL with a password in it.`
  return [{ rule: 'url-password', service: name, at: ['services', name, 'command'], message }]
}

/** Whether the value itself is in the repository: not where it is interpolated, nor where no file has it. */
function isLiteral({ written, inEnvFiles }: ServiceContext, at: KeyPath): boolean {
  const text = written(at)
  if (text === undefined) return inEnvFiles(textOf(at.at(-1)))
  return !/(?<!\$)(?:\$\$)*\$(?:\{|[A-Za-z_])/.test(text)
}

/** Images whose documentation promises `<NAME>_FILE` for their passwords. */
const readsFiles =
  /(?:^|\/)(?:postgres|mysql|mariadb|mongo|postgis|timescaledb|influxdb|wordpress|nextcloud|redmine|rabbitmq|keycloak|gitea|grafana)(?:[:@]|$)/

function remedyFor({ name, service }: ServiceContext, variable: string): string {
  const key = variable.toLowerCase()
  const supported = readsFiles.test(service.image ?? '')
  const reads = supported
    ? `the image reads ${variable}_FILE`
    : `let the application read the file, as many images do for ${variable}_FILE`
  return (
    `Replace it by \`${variable}_FILE: /run/secrets/${key}\` (${reads}), add \`secrets: [${key}]\` to ${name} and, at top level, ` +
    `\`secrets: {${key}: {environment: ${variable}}}\`; then put ${variable} into the repository's secrets and the \`secrets\` input.`
  )
}
