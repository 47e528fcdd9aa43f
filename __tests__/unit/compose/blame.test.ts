import { describe, expect, it } from '@jest/globals'
import { blame } from '../../../src/compose/blame/index.js'

const refused = (text: string, stderr: string, environment: Record<string, string> = {}) =>
  blame(stderr, { workspace: '/repo', sources: [{ file: 'compose.yaml', text }], envSources: [], environment })

/** What compose 2.40 prints for a file, where the problem is, and words that it must have. */
const rows: readonly [string, string, string, string, string, string][] = [
  [
    'an undefined volume',
    'services:\n  a:\n    image: x\n    volumes: [dat:/x]\nvolumes: {data: {}}\n',
    'service "a" refers to undefined volume dat: invalid compose project',
    '4:15',
    'volume dat, which is not declared',
    'Did you mean data?'
  ],
  [
    'a date without quotes',
    'services:\n  a:\n    environment:\n      DAY: 2020-01-01\n',
    'validating /repo/compose.yaml: services.a.environment.DAY invalid jsonType time.Time',
    '4:7',
    '`services.a.environment.DAY` is a date to YAML',
    'quotes'
  ],
  [
    'an undefined network',
    'services:\n  a:\n    networks: [foo]\n',
    'service "a" refers to undefined network foo: invalid compose project',
    '3:16',
    'network foo',
    '`networks: {foo: {}}`'
  ],
  [
    'an undefined secret',
    'services:\n  a:\n    secrets: [foo]\n',
    'service "a" refers to undefined secret foo: invalid compose project',
    '3:15',
    'secret foo',
    '{foo: {external: true}}'
  ],
  [
    'an undefined dependency',
    'services:\n  a:\n    depends_on: [wbe]\n  web: {image: x}\n',
    'service "a" depends on undefined service "wbe": invalid compose project',
    '3:18',
    'no service',
    'Did you mean web?'
  ],
  [
    'a dependency behind a profile',
    'services:\n  a:\n    depends_on: [b]\n  b: {profiles: [z]}\n',
    'service "a" depends on undefined service "b": invalid compose project',
    '3:18',
    'profile z',
    'Add z to `profiles`'
  ],
  [
    'a circle of dependencies',
    'services:\n  a:\n    depends_on: [b]\n',
    'dependency cycle detected: a -> b -> a',
    '3:5',
    'a -> b -> a',
    'depends_on'
  ],
  [
    'a circle of extends',
    'services:\n  a:\n    extends: b\n',
    'Circular reference:\n  a in /repo/compose.yaml\n  extends b in /repo/compose.yaml\n  extends a in /repo/compose.yaml',
    '3:5',
    'a extends b extends a',
    'extends'
  ],
  [
    'a circle of includes',
    'include: [b.yaml]\n',
    'include cycle detected:\n/repo/compose.yaml\n include /repo/b.yaml\n include /repo/compose.yaml',
    '1:1',
    'compose.yaml includes b.yaml includes compose.yaml',
    'include'
  ],
  [
    'a base that is not there',
    'services:\n  a:\n    extends: {service: b}\n',
    'cannot extend service "a" in /repo/compose.yaml: service "b" not found',
    '3:5',
    'a extends b, which is not in compose.yaml',
    'Correct the name'
  ],
  [
    'a misspelt key',
    'services:\n  a:\n    imge: x\n',
    "validating /repo/compose.yaml: services.a additional properties 'imge' not allowed",
    '3:5',
    '`imge` is no key',
    'Did you mean `image`?'
  ],
  [
    'a misspelt section',
    'service:\n  a: {image: x}\n',
    "validating /repo/compose.yaml:  additional properties 'service' not allowed",
    '1:1',
    '`service` is no key of the top level',
    'Did you mean `services`?'
  ],
  [
    'a key in the wrong place',
    'services:\n  a:\n    update_config: {}\n',
    "validating /repo/compose.yaml: services.a additional properties 'update_config' not allowed",
    '3:5',
    'update_config',
    'belongs under'
  ],
  [
    'a key that is none',
    'services:\n  a:\n    zzz: {}\n',
    "validating /repo/compose.yaml: services.a additional properties 'zzz' not allowed",
    '3:5',
    'zzz',
    '`x-`'
  ],
  [
    'a name that is none',
    'services:\n  "a b": {image: x}\n',
    "validating /repo/compose.yaml: services additional properties 'a b' not allowed",
    '2:3',
    'name of one of the services',
    'letters'
  ],
  [
    'a list where there is none',
    'services:\n  a:\n    ports: 80\n',
    'validating /repo/compose.yaml: services.a.ports must be a array',
    '3:5',
    'must be an array',
    '`ports: [ … ]`'
  ],
  [
    'a service that is text',
    'services:\n  a: x\n',
    'services.a must be a mapping',
    '2:3',
    'must be a mapping',
    'key: value'
  ],
  [
    'neither image nor build',
    'services:\n  a: {}\n',
    'service "a" has neither an image nor a build context specified: invalid compose project',
    '2:3',
    'neither',
    'both files'
  ],
  [
    'a duration',
    'services:\n  a:\n    stop_grace_period: 5 minutes\n',
    'decoding failed due to the following error(s):\n\n\'services[a].stop_grace_period\' time: unknown unit " minutes" in duration "5 minutes"',
    '3:5',
    'stop_grace_period',
    '`1m30s`'
  ],
  [
    'a size',
    'services:\n  a:\n    mem_limit: lots\n',
    "decoding failed due to the following error(s):\n\n'services[a].mem_limit' invalid size: 'lots'",
    '3:5',
    'mem_limit',
    '`64m`'
  ],
  [
    'two limits',
    'services:\n  a:\n    mem_limit: 1g\n',
    "services.a: can't set distinct values on 'mem_limit' and 'deploy.resources.limits.memory': invalid compose project",
    '3:5',
    'differ',
    'deploy.resources.limits.memory'
  ],
  [
    'two networks',
    'services:\n  a:\n    network_mode: host\n',
    'service a declares mutually exclusive `network_mode` and `networks`: invalid compose project',
    '3:5',
    'both',
    'one of them'
  ],
  [
    'an empty config',
    'configs:\n  c: {}\n',
    'configs.c: one of file|environment|content must be set',
    '2:3',
    'where its value comes from',
    'file, environment, content'
  ],
  [
    'a dollar sign',
    'services:\n  a:\n    command: echo $9\n',
    'invalid interpolation format for services.a.command.\nYou may need to escape any $ with another $.\necho $9',
    '3:5',
    'echo $9',
    '`$$`'
  ],
  [
    'a type after interpolation',
    'services:\n  a:\n    read_only: "${Z}"\n',
    'time="2026-01-01T00:00:00Z" level=warning msg="The \\"Z\\" variable is not set. Defaulting to a blank string."\nerror while interpolating services.a.read_only: failed to cast to expected type: invalid boolean: ',
    '3:5',
    '(`${Z}`)',
    'default of the right type'
  ],
  [
    'a file that is not there',
    'services:\n  a:\n    env_file: nope.env\n',
    'env file /repo/nope.env not found: stat /repo/nope.env: no such file or directory',
    '3:15',
    'nope.env does not exist',
    'Environment files'
  ],
  [
    'an include that is not there',
    'include:\n  - x/b.yaml\n',
    'open /repo/x/b.yaml: no such file or directory',
    '2:7',
    'x/b.yaml does not exist',
    'spelling'
  ],
  [
    'a line of an environment file',
    'services: {}\n',
    'failed to read /repo/a.env: line 2: key cannot contain a space',
    '2:undefined',
    'a.env',
    'NAME=value'
  ],
  ['an anchor', 'services:\n  a: *foo\n', "yaml: unknown anchor 'foo' referenced", '2:6', '*foo', '&foo'],
  [
    'a conflict',
    'services:\n  a: {image: x}\n',
    'services.a conflicts with imported resource',
    '2:3',
    'includes',
    'Rename'
  ],
  [
    'a port',
    'services:\n  a:\n    ports: ["a:b"]\n',
    'Invalid containerPort: b',
    '3:15',
    'containerPort: b',
    '"80:8080"'
  ],
  [
    'a port with too much',
    'services:\n  a:\n    ports: ["80:80:80:80"]\n',
    'Invalid ip address 80:80: address 80:80:: too many colons in address',
    '3:16',
    'port cannot be read',
    '"80:8080"'
  ],
  [
    'a volume',
    'services:\n  a:\n    volumes: [":/x"]\n',
    'invalid spec: :/x: empty section between colons',
    '3:16',
    'volume cannot be read',
    'no variable'
  ],
  [
    'a bare test',
    'services:\n  a:\n    healthcheck: {test: [curl, x]}\n',
    'healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"',
    '3:19',
    'healthcheck of a',
    '[CMD,'
  ],
  [
    'a container name for two',
    'services:\n  a:\n    container_name: x\n',
    "services.scale: can't set container_name and a as container name must be unique: invalid compose project",
    '3:5',
    'several replicas',
    'Remove'
  ],
  [
    'a volume without a target',
    'services:\n  a:\n    volumes: [{type: volume}]\n',
    'service volume services.a.volumes.[0] is missing a mount target',
    '3:15',
    'no `target`',
    'target: /data'
  ],
  [
    'platforms',
    'services:\n  a:\n    platform: linux/riscv64\n',
    'service.build.platforms MUST include service.platform "linux/riscv64"',
    '3:15',
    'lacks linux/riscv64',
    'build.platforms'
  ],
  [
    'a pattern',
    'services:\n  a:\n    container_name: ""\n',
    "validating /repo/compose.yaml: services.a.container_name '' does not match pattern '[a-z]+'",
    '3:5',
    'cannot be',
    'letters'
  ],
  [
    'a key of a newer compose',
    'services:\n  a:\n    pre_start: []\n',
    "validating /repo/compose.yaml: services.a additional properties 'pre_start' not allowed",
    '3:5',
    'pre_start',
    'older than this key'
  ],
  [
    'a container name twice',
    'services:\n  a:\n    container_name: x\n',
    'services.a: container name "x" is already in use by service {}"',
    '3:5',
    'another service',
    'Remove'
  ],
  [
    'a port without a target',
    'services:\n  a:\n    ports: [{published: 80}]\n',
    'service ports services.a.ports.[0] is missing a target port',
    '3:13',
    'no `target`',
    'target'
  ],
  [
    'text that is not UTF-8',
    'services:\n  a:\n    image: \ufffd\n',
    'yaml: invalid leading UTF-8 octet',
    '3:12',
    'UTF-8',
    'Save'
  ],
  [
    'anything else, at the service it names',
    'services:\n  a:\n    image: x\n',
    'service "a" is not nice in /repo/compose.yaml',
    '2:3',
    'not nice in compose.yaml',
    ''
  ]
]

describe('what compose refuses', () => {
  it.each(rows)('%s', (_, text, stderr, place, message, remedy) => {
    const [problem, ...others] = refused(text, stderr)
    expect(others).toEqual([])
    expect(`${problem?.at?.line}:${problem?.at?.column}`).toBe(place)
    expect(problem?.message).toContain(message)
    expect(problem?.remedy ?? '').toContain(remedy)
    expect(JSON.stringify(problem)).not.toContain('/repo/')
  })

  it('names every variable that must be set, not only the first', () => {
    const text = 'services:\n  a:\n    image: x:${TAG:?the tag} # ${NOT:?}\n    command: $${ESC:?} ${SET:?} ${B?}\n'
    const problems = refused(
      text,
      'error while interpolating services.a.image: required variable TAG is missing a value: the tag',
      { SET: 'x' }
    )
    expect(problems.map(({ message, at }) => `${at?.line} ${message}`)).toEqual([
      '3 The variable TAG must be set (the tag).',
      '4 The variable B must be set.'
    ])
  })

  it('names every key that does not exist', () => {
    const problems = refused(
      'services:\n  a:\n    foo: 1\n    bar: 2\n',
      "validating /repo/compose.yaml: services.a additional properties 'bar', 'foo' not allowed"
    )
    expect(problems.map(({ at }) => at?.line)).toEqual([4, 3])
  })

  it('says which variables were blank', () => {
    const stderr =
      'time="x" level=warning msg="The \\"PORT\\" variable is not set. Defaulting to a blank string."\nNo port specified: :/udp<empty>'
    expect(refused('services: {a: {ports: ["${PORT}:/udp"]}}', stderr)[0]?.details).toBe(
      'Not set, and taken for empty: PORT.'
    )
  })
})

describe('what is no YAML', () => {
  it.each([
    [
      'duplicate keys',
      'services:\n  a:\n    image: x\n    image: y\n',
      '4:5 The same key stands twice in one mapping: image.'
    ],
    ['a tab', 'services:\n\ta: 1\n', '2:1 A tab is used to indent.'],
    ['an open quote', 'services:\n  a: "x\n', '3:1 A quote, bracket or comma is missing.'],
    ['nothing', '  \n', 'undefined:undefined compose.yaml is empty.'],
    ['a list', '- a\n', '1:undefined compose.yaml is no compose file: its top level is not a mapping.'],
    ['a word', 'hello\n', '1:undefined compose.yaml is no compose file: its top level is not a mapping.']
  ])('%s', (_, text, expected) => {
    const [problem] = refused(text, 'yaml: line 1: whatever')
    expect(`${problem?.at?.line}:${problem?.at?.column} ${problem?.message}`).toBe(expected)
    expect(problem?.remedy).toBeDefined()
  })

  it('names all of it at once', () => {
    const text = 'services:\n  a:\n    image: x\n    image: y\n  a:\n    image: z\n'
    expect(refused(text, 'yaml: whatever').map(({ at }) => at?.line)).toEqual([4, 5])
  })

  it('merge keys are no duplicates', () => {
    const [problem] = refused('x: &x {a: 1}\nservices:\n  a:\n    <<: *x\n    a: 2\n', 'something else')
    expect(problem?.message).toContain('something else')
  })
})
