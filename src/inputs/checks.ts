import type { Login } from '../images/docker-config.js'
import type { Parsed } from './parse.js'

/** A user name and a password, both or neither. */
export function login(
  prefix: string,
  username: string | undefined,
  password: string | undefined
): Parsed<Login | undefined> {
  if (username !== undefined && password !== undefined) return { value: { username, password }, problems: [] }
  if (username === undefined && password === undefined) return { value: undefined, problems: [] }
  const missing = username === undefined ? 'username' : 'password'
  return {
    value: undefined,
    problems: [
      {
        message: `\`${prefix}-${missing}\` is empty, but its other half is given.`,
        remedy: `Give both, or neither. A secret that does not exist arrives as an empty text: check its name under Settings > Secrets.`
      }
    ]
  }
}

/** `SHA256:…` of a host key, without the padding. */
export function fingerprint(value: string | undefined): Parsed<string | undefined> {
  if (value === undefined || /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(value)) {
    return { value: value?.replace(/=$/, ''), problems: [] }
  }
  return {
    value: undefined,
    problems: [
      {
        message: '`ssh-fingerprint` is not a SHA256 fingerprint.',
        remedy:
          'It reads `SHA256:` and 43 characters: on the server, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it.'
      }
    ]
  }
}

/** At most 40 characters, so that `<stack>_<service>` and `<stack>-pr-<number>` stay within a DNS label's 63. */
export function stackName(value: string | undefined): Parsed<string | undefined> {
  if (value === undefined || /^[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?$/i.test(value)) return { value, problems: [] }
  return {
    value: undefined,
    problems: [
      {
        message: `\`stack\` is not a name that Docker takes: ${JSON.stringify(value.slice(0, 60))}.`,
        remedy: 'Use 1 to 40 letters, digits, hyphens and underscores, with a letter or digit at both ends.'
      }
    ]
  }
}

/** http and https URLs without a login in them: they are shown in logs, outputs and Deployments. */
export function urls(name: string, values: readonly string[]): Parsed<readonly string[]> {
  const secretive = values.filter(value => URL.canParse(value) && hasCredentials(new URL(value)))
  if (secretive.length > 0) {
    return {
      value: [],
      problems: [
        {
          message: `\`${name}\` has a URL with a user name or password in it.`,
          remedy: 'Give a URL that answers without a login, such as a health page.'
        }
      ]
    }
  }
  const problems = values
    .filter(value => !/^https?:\/\//.test(value) || !URL.canParse(value))
    .map(value => ({
      message: `\`${name}\` has a line that is not an http or https URL: ${JSON.stringify(value)}.`,
      remedy: 'Write it whole, for example `https://example.com/health`.'
    }))
  return { value: values, problems }
}

/** A password may stand there without a user name. */
function hasCredentials({ username, password }: URL): boolean {
  return username !== '' || password !== ''
}
