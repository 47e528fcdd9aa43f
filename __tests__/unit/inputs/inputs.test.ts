import { describe, expect, it } from '@jest/globals'
import { UserError } from '../../../src/errors.js'
import { readInputs } from '../../../src/inputs.js'

const server = { host: 'deploy@203.0.113.7' }

/** The problems of these inputs, as messages; empty when they are fine. */
function problemsOf(raw: Record<string, string>): string[] {
  try {
    readInputs(raw)
    return []
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    expect(error.problems.every(problem => problem.remedy !== undefined)).toBe(true)
    return error.problems.map(problem => problem.message)
  }
}

describe('the inputs', () => {
  it('need only a host', () => {
    expect(readInputs(server)).toMatchObject({
      command: 'deploy',
      hosts: [{ kind: 'ssh', user: 'deploy', host: '203.0.113.7', socket: '/var/run/docker.sock' }],
      timeoutMs: 600_000,
      stableForMs: 10_000,
      onFailure: 'rollback',
      policy: 'auto',
      platforms: 'auto',
      keepReleases: 5,
      removeVolumes: undefined,
      strict: false
    })
  })

  it('need no host to check', () => {
    expect(problemsOf({ command: 'check' })).toEqual([])
  })

  it('name every problem at once', () => {
    const problems = problemsOf({
      command: 'deply',
      host: 'deploy@-bad',
      'ssh-fingerprint': 'MD5:00:11',
      timeout: '10 minutes',
      'keep-releases': '0',
      strict: 'yes',
      stack: 'my stack',
      'verify-url': 'example.com',
      'registry-username': 'somebody',
      secrets: 'no equals sign'
    })
    for (const word of [
      'command',
      'host',
      'ssh-fingerprint',
      'timeout',
      'keep-releases',
      'strict',
      'stack',
      'verify-url',
      'registry-password',
      'secrets'
    ]) {
      expect(problems).toContainEqual(expect.stringContaining(word))
    }
  })

  it.each([
    ['user@host', { user: 'user', host: 'host' }],
    ['ssh://user@host:2222', { user: 'user', host: 'host', port: 2222 }],
    ['host', { host: 'host' }],
    ['user@[2001:db8::1]:22', { user: 'user', host: '2001:db8::1', port: 22 }],
    ['user@[FD77:0::02]', { user: 'user', host: 'fd77::2' }],
    ['ssh://user@host/run/user/1000/docker.sock', { user: 'user', host: 'host', socket: '/run/user/1000/docker.sock' }]
  ])('take %s for a host', (host, expected) => {
    expect(readInputs({ host }).hosts).toEqual([expect.objectContaining(expected)])
  })

  it('take a local socket for a host', () => {
    expect(readInputs({ host: 'unix:///run/docker.sock' }).hosts).toEqual([
      { text: 'unix:///run/docker.sock', kind: 'unix', socket: '/run/docker.sock' }
    ])
  })

  it.each([
    '-oProxyCommand=id',
    'user@host;id',
    'user@host -p 22',
    '$(id)@host',
    'user@host:0',
    'user@host:65536',
    'user@',
    "us'er@host"
  ])('refuse %s as a host', host => {
    expect(problemsOf({ host })).toContainEqual(expect.stringContaining('not an SSH address'))
  })

  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['500ms', 500]
  ])('read the duration %s', (text, ms) => {
    expect(readInputs({ ...server, 'lock-timeout': text }).lockTimeoutMs).toBe(ms)
  })

  it.each(['10', '', 's', '1.5h', '-1s', '1s2'])('refuse or default the duration %j', text => {
    expect(problemsOf({ ...server, 'lock-timeout': text })).toHaveLength(text === '' ? 0 : 1)
  })

  it.each([
    [{ timeout: 'soon' }, 'timeout'],
    [{ 'stable-for': '1 day' }, 'stable-for'],
    [{ host: 'deploy@' }, 'host']
  ])('make one problem of one mistake: %j', (mistake, name) => {
    expect(problemsOf({ ...server, ...mistake })).toEqual([expect.stringContaining(`\`${name}\``)])
  })

  it('refuse a window that the timeout never reaches', () => {
    expect(problemsOf({ ...server, timeout: '10s', 'stable-for': '10s' })).toEqual([
      expect.stringContaining('stable-for')
    ])
  })

  it.each(['https://user:hunter2@example.com', 'https://:hunter2@example.com', 'ftp://user:hunter2@example.com'])(
    'refuse the login in %s, and do not repeat it',
    url => {
      const problems = problemsOf({ ...server, 'verify-url': url })
      expect(problems).toEqual([expect.stringContaining('user name or password')])
      expect(problems.join()).not.toContain('hunter2')
    }
  )

  it('refuse half a login, naming the empty half', () => {
    expect(problemsOf({ ...server, registry: 'ghcr.io/o', 'registry-username': 'o', 'registry-password': '' })).toEqual(
      [expect.stringContaining('`registry-password` is empty')]
    )
  })
})

describe('the secrets input', () => {
  const secrets = (text: string): Record<string, string> =>
    Object.fromEntries(readInputs({ ...server, secrets: text }).secrets)

  it('takes lines', () => {
    expect(secrets('# a comment\nA=1\n\n  B = two words \nC=a=b=c\nD=')).toEqual({
      A: '1',
      B: ' two words ',
      C: 'a=b=c',
      D: ''
    })
  })

  it('takes a value of several lines in quotes', () => {
    expect(secrets('KEY="-----BEGIN-----\nabc\n-----END-----\n"\nNEXT=1')).toEqual({
      KEY: '-----BEGIN-----\nabc\n-----END-----\n',
      NEXT: '1'
    })
  })

  it.each<[string, string, Record<string, string>]>([
    ['a comment behind a quote', 'A="x" # note\nB="y"', { A: 'x', B: 'y' }],
    ['a comment that holds quotes itself', `A='x' # it's "y"\nB=1`, { A: 'x', B: '1' }],
    ['blanks and the end of a line of Windows behind it', 'A="x"  \r\nB=\'y\'\r\n', { A: 'x', B: 'y' }],
    ['an empty value', 'A="" # none\nB=\'\'', { A: '', B: '' }],
    ['quotes inside, where the line ends with one', 'A="{"a":"b"}"\nB="pa"ss"', { A: '{"a":"b"}', B: 'pa"ss' }],
    ['a number sign inside', 'A="a # b"\nB="pa"#ss"', { A: 'a # b', B: 'pa"#ss' }],
    [
      'JSON of several lines',
      `A='{\n  "a": "b # c",\n  "d": 1\n}'\nB=1`,
      { A: '{\n  "a": "b # c",\n  "d": 1\n}', B: '1' }
    ],
    ['a comment behind the last of several lines', 'A="one\ntwo" # note\nB="y"', { A: 'one\ntwo', B: 'y' }],
    ['an assignment in other quotes inside', `A='X="1"\nY="2"'\nB=1`, { A: 'X="1"\nY="2"', B: '1' }]
  ])('takes %s', (_, text, values) => expect(secrets(text)).toEqual(values))

  it.each<[string, string, readonly string[]]>([
    ['behind a quote', 'A=1\nB="hunter2" or\nC="y"', ['line 2 goes on behind the quote that closes B']],
    ['behind a quote, a second value', 'B="hunter2" C="y"', ['line 1 goes on behind the quote that closes B']],
    ['in the place of a comment', 'B="hunter2"#x\nC=1', ['line 1 goes on behind the quote that closes B']],
    ['but the end of a value', '\nA="hunter2\nB=1', ['the quote that opens A in line 2 is never closed']],
    [
      'but the end of a value before the next',
      'A="hunter2\nmore\nB="y"\nno name',
      ['the quote that opens A in line 1 is never closed', 'line 4 is not `NAME=value`']
    ]
  ])('refuses anything %s, by its line and without its text', (_, text, messages) => {
    const problems = problemsOf({ ...server, secrets: text })
    expect(problems).toEqual(messages.map(message => expect.stringContaining(message)))
    expect(problems.join()).not.toContain('hunter2')
  })

  it('takes a key as the workflow leaves it, without quotes', () => {
    const key = '-----BEGIN RSA PRIVATE KEY-----\r\nabc==\r\nNOT=A NAME\r\n-----END RSA PRIVATE KEY-----'
    expect(secrets(`A=1\nKEY=${key}\nB=2\n`)).toEqual({ A: '1', KEY: key, B: '2' })
    expect(secrets(`KEY="${key}\r\n"\nB=2`)).toEqual({ KEY: `${key}\r\n`, B: '2' })
    expect(problemsOf({ ...server, secrets: 'KEY=-----BEGIN X-----\nabc def' }).join()).toContain('line 2')
  })

  it('takes the JSON of all secrets, to the last byte', () => {
    const all = { A: 'p@ss$word1', B: 'line 1\r\nline 2\n', C: '"quoted" \u{1F600}' }
    expect(secrets(JSON.stringify(all, null, 2))).toEqual(all)
  })

  it('is empty when there are none', () => {
    expect(secrets('null')).toEqual({})
    expect(secrets('')).toEqual({})
  })

  it('never repeats a value in a message', () => {
    for (const text of ['hunter2', '{"A": hunter2}', '{"A": ["hunter2"]}', 'A="hunter2']) {
      expect(problemsOf({ ...server, secrets: text }).join()).not.toContain('hunter2')
    }
  })
})
