import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureToolchain, pathWith } from '../../testbed/toolchain.ts'
import { localFiles } from '../../src/adapters/files.js'
import { localShell } from '../../src/adapters/shell.js'
import type { ComposeProject } from '../../src/compose/project.js'
import { translate, type Translation } from '../../src/compose/translate.js'
import { UserError, type Problem } from '../../src/errors.js'
import { readCompose } from '../../src/stages/read-compose.js'
import { scratch } from '../scratch.ts'

/** What the real docker compose makes of the user's files, and of the runner around them. No engine is needed. */
let env: Record<string, string>
let folder: string

beforeAll(async () => {
  const toolchain = await ensureToolchain('28')
  const config = scratch('docker-config')
  if (toolchain.plugins !== '') symlinkSync(toolchain.plugins, join(config, 'cli-plugins'))
  env = { PATH: pathWith(toolchain), HOME: '/nonexistent', DOCKER_CONFIG: toolchain.plugins === '' ? '' : config }
}, 180_000)

beforeEach(() => {
  folder = scratch('compose')
})

interface Given {
  readonly files?: string[]
  readonly envFiles?: string[]
  readonly profiles?: string[]
  readonly env?: Record<string, string>
}

async function read(repository: Record<string, string>, given: Given = {}): Promise<ComposeProject> {
  for (const [path, text] of Object.entries(repository)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const ports = {
    env: { ...env, ...given.env },
    shell: localShell,
    files: localFiles(folder, () => undefined),
    cancelled: new AbortController().signal
  }
  const { files = [], envFiles = [], profiles = [] } = given
  return await readCompose(ports, { workspace: folder, files, envFiles, profiles, stack: 'shop', variables: {} })
}

async function stack(...parameters: Parameters<typeof read>): Promise<Translation> {
  return translate(await read(...parameters), { stack: 'shop', policy: 'none' })
}

async function problems(...parameters: Parameters<typeof read>): Promise<readonly Problem[]> {
  try {
    await read(...parameters)
  } catch (error) {
    if (error instanceof UserError) return error.problems
    throw error
  }
  throw new Error('compose took it')
}

const web = 'services: {web: {image: "nginx:${TAG:-1}"}}\n'
const image = ({ stack }: Translation, service = 'web'): string | undefined => stack.services[service]?.image

describe('which files count', () => {
  it.each([
    ['compose.yaml before docker-compose.yml', { 'compose.yaml': web, 'docker-compose.yml': 'services: {}' }],
    ['docker-compose.yml alone', { 'docker-compose.yml': web }],
    ['no override file', { 'compose.yaml': web, 'compose.override.yaml': 'services: {web: {image: "dev:1"}}' }]
  ])('%s', async (_, repository) => {
    expect(image(await stack(repository))).toBe('nginx:1')
  })

  it('several, in their order, with !reset and !override', async () => {
    const base = 'services: {web: {image: "nginx:1", ports: ["80:80"], command: [a], environment: {A: "1", B: "2"}}}'
    const prod =
      'services:\n  web:\n    ports: !override ["81:80"]\n    command: !reset null\n    environment: {B: "3"}\n'
    const { stack: out } = await stack({ 'a.yaml': base, 'b.yaml': prod }, { files: ['a.yaml', 'b.yaml'] })
    expect(out.services['web']).toMatchObject({ ports: [{ published: 81 }], environment: { A: '1', B: '3' } })
    expect(out.services['web']?.['command']).toBeUndefined()
  })

  it('include and extends of other files, and a finding in the file that says it', async () => {
    const { stack: out, findings } = await stack({
      'compose.yaml':
        'include: [deploy/db.yaml]\nservices:\n  web:\n    extends: {file: base.yaml, service: base}\n    image: nginx:1\n',
      'base.yaml': 'services:\n  base:\n    restart: always\n    security_opt: [x]\n',
      'deploy/db.yaml': 'services:\n  db:\n    image: postgres\n'
    })
    expect(Object.keys(out.services)).toEqual(['db', 'web'])
    const at = (rule: string) =>
      findings.filter(finding => finding.rule === rule).map(({ file, line, service }) => `${service} ${file}:${line}`)
    expect(at('lost-isolation')).toEqual(['web base.yaml:4'])
    expect(at('image-unpinned')).toEqual(['db deploy/db.yaml:3'])
  })

  it('profiles', async () => {
    const text = 'services: {web: {image: "a:1"}, tools: {image: "b:1", profiles: [ops]}}'
    expect(Object.keys((await stack({ 'compose.yaml': text })).stack.services)).toEqual(['web'])
    expect(Object.keys((await stack({ 'compose.yaml': text }, { profiles: ['ops'] })).stack.services)).toEqual([
      'tools',
      'web'
    ])
  })
})

describe('where variables come from', () => {
  it.each<[string, Record<string, string>, Given, string]>([
    ['the default', {}, {}, 'nginx:1'],
    ['.env beside the file', { '.env': 'TAG=2\n' }, {}, 'nginx:2'],
    ['the job before .env', { '.env': 'TAG=2\n' }, { env: { TAG: '3' } }, 'nginx:3'],
    ['env-file instead of .env', { '.env': 'TAG=2\n', 'prod.env': 'TAG=4\n' }, { envFiles: ['prod.env'] }, 'nginx:4']
  ])('%s', async (_, more, given, expected) => {
    expect(image(await stack({ 'compose.yaml': web, ...more }, given))).toBe(expected)
  })

  it('.env beside a compose file in a folder, not that of the root', async () => {
    const repository = { '.env': 'TAG=root\n', 'deploy/.env': 'TAG=deploy\n', 'deploy/compose.yaml': web }
    expect(image(await stack(repository, { files: ['deploy/compose.yaml'] }))).toBe('nginx:deploy')
  })

  it('the runner’s own settings of compose count nowhere', async () => {
    const given = {
      env: {
        COMPOSE_FILE: 'other.yaml',
        COMPOSE_PROJECT_NAME: 'other',
        COMPOSE_PROFILES: 'x',
        COMPOSE_ENV_FILES: 'no.env'
      }
    }
    const { model } = await read(
      { 'compose.yaml': 'services: {web: {image: "${COMPOSE_PROJECT_NAME}:1"}, x: {image: "a:1", profiles: [x]}}' },
      given
    )
    expect(Object.keys(model.services)).toEqual(['web'])
    expect(model.services['web']?.image).toBe('shop:1')
  })

  it('one that is not set is a finding where it is used, an error where it breaks an image', async () => {
    const { findings } = await stack({
      'compose.yaml': 'services:\n  web:\n    image: nginx:${NOPE}\n    environment:\n      - A=${GONE}\n'
    })
    const seen = findings.map(({ level, rule, line }) => `${level} ${rule} ${line}`)
    expect(seen).toEqual(
      expect.arrayContaining(['error image-invalid 3', 'warning unset-variable 3', 'warning unset-variable 5'])
    )
  })
})

describe('what is refused', () => {
  it.each<[string, Record<string, string>, Given, string]>([
    ['no file at all', {}, {}, 'undefined There is no compose file'],
    ['a file that is not there', {}, { files: ['x.yaml'] }, 'undefined The file x.yaml does not exist.'],
    [
      'an env-file that is not there',
      { 'compose.yaml': web },
      { envFiles: ['x.env'] },
      'undefined The file x.env does not exist.'
    ],
    ['no YAML', { 'compose.yaml': 'services:\n\tweb: 1\n' }, {}, 'compose.yaml:2 A tab is used to indent.'],
    ['a misspelt key', { 'compose.yaml': 'services:\n  web:\n    imgae: x\n' }, {}, 'compose.yaml:3 `imgae` is no key'],
    [
      'in an included file',
      { 'compose.yaml': 'include: [b/c.yaml]\n', 'b/c.yaml': 'services:\n  web:\n    imgae: x\n' },
      {},
      'b/c.yaml:3 `imgae` is no key'
    ],
    [
      'an undefined volume',
      { 'compose.yaml': 'services:\n  web:\n    image: x\n    volumes: ["data:/d"]\n' },
      {},
      'compose.yaml:4 web uses the volume data'
    ],
    [
      'a variable that must be set',
      { 'compose.yaml': 'services:\n  web:\n    image: x:${TAG:?}\n' },
      {},
      'compose.yaml:3 The variable TAG must be set'
    ],
    [
      'extends in a circle',
      { 'compose.yaml': 'services:\n  a: {extends: b}\n  b: {extends: a}\n' },
      {},
      'Services extend each other in a circle'
    ]
  ])('%s', async (_, repository, given, expected) => {
    const [problem] = await problems(repository, given)
    const place = problem?.at === undefined ? 'undefined' : `${problem.at.file}:${problem.at.line}`
    expect(`${place} ${problem?.message}`).toContain(expected)
    expect(problem?.remedy?.length).toBeGreaterThan(10)
  })

  it('a runner without compose', async () => {
    const [problem] = await problems({ 'compose.yaml': web }, { env: { PATH: '/nonexistent' } })
    expect(problem?.message).toBe('The runner has no `docker compose`.')
  })
})

describe('what compose prints', () => {
  it('is read even where it cannot be JSON: a build with an ssh key', async () => {
    const text =
      'services:\n  web:\n    image: me/web:1\n    build: {context: ., ssh: ["key=/some/path"]}\n    environment: {A: "1_000", B: "2020-01-01", C: "0440", D: "yes", E: ""}\n'
    const { stack: out, builds } = await stack({ 'compose.yaml': text })
    expect(out.services['web']?.['environment']).toEqual({ A: '1_000', B: '2020-01-01', C: '0440', D: 'yes', E: '' })
    expect(builds[0]?.build['ssh']).toBeDefined()
  })
})
