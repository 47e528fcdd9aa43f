import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { openBed, type Bed } from '../../testbed/bed.ts'
import { pushVersions, type Pushed } from '../../testbed/images.ts'
import { Workshop, web } from './workshop.ts'

let bed: Bed
let versions: Pushed[]

beforeAll(async () => {
  bed = await openBed({ name: 'features', builder: false })
  versions = await pushVersions(bed.registry)
}, 180_000)

afterAll(() => bed.close(), 60_000)

const image = (version: 1 | 2 | 3): string => versions[version - 1]?.reference ?? ''

async function container(service: string): Promise<string> {
  return (await bed.server.docker('ps', '-q', '--filter', `label=com.docker.swarm.service.name=${service}`)).trim()
}

async function inside(service: string, ...command: string[]): Promise<string> {
  return (await bed.server.docker('exec', await container(service), ...command)).trim()
}

describe('what a compose file says, in a running container', () => {
  let workshop: Workshop
  afterAll(() => workshop.close())

  beforeAll(async () => {
    workshop = new Workshop(bed, { stack: 'full', secrets: 'DB=hunter2' })
    workshop.write({
      'site/app.conf': 'listen\n',
      'site/sub/run.sh': '#!/bin/sh\necho ran\n',
      'one.txt': 'one\n',
      'token.txt': 'token\n',
      'web.env': "QUOTED='a # b' # a comment\n",
      'compose.yaml': `
name: other
x-base: &base
  image: ${image(1)}
  healthcheck: {test: [CMD, /bin/healthy], interval: 500ms, timeout: 2s, retries: 3}
  stop_grace_period: 1s
  restart: unless-stopped
services:
  web.main:
    <<: *base
    hostname: node-{{.Task.Slot}}
    env_file: web.env
    environment: {SLOT: "slot {{.Task.Slot}}", BRACES: "{{ .Values.x }}"}
    container_name: oldname
    tmpfs: ["/scratch:size=1m"]
    shm_size: 8m
    read_only: false
    ulimits: {core: 0, nofile: {soft: 512, hard: 1024}}
    extra_hosts: ["box:10.1.2.3", "six:::1"]
    working_dir: /tmp
    mem_limit: 64m
    pids_limit: 50
    volumes:
      - ./site:/etc/site:ro
      - ./one.txt:/etc/one.txt
      - data:/data
      - v:/letter
    secrets: [db, {source: token, target: renamed, mode: 0400}]
    networks: {default: {aliases: [front]}}
    links: ["peer:buddy"]
    deploy: {endpoint_mode: dnsrr}
  peer:
    <<: *base
    deploy: {endpoint_mode: dnsrr}
  local:
    <<: *base
    network_mode: none
secrets:
  db: {environment: DB}
  token: {file: ./token.txt}
volumes: {data: , v: }
networks: {default: {driver: bridge, driver_opts: {com.docker.network.bridge.name: br9}}}
`
    })
    chmodSync(join(workshop.workspace, 'site/sub/run.sh'), 0o755)
    const result = await workshop.run()
    if (result.status !== 'success') throw new Error(result.log)
  }, 120_000)

  const main = 'full_web-main'
  it.each<[string, string[], string | RegExp]>([
    ['placeholders of Swarm', ['sh', '-c', 'echo $SLOT $(hostname)'], 'slot 1 node-1'],
    ['other braces', ['sh', '-c', 'echo "$BRACES"'], '{{ .Values.x }}'],
    ['env_file, read by compose', ['sh', '-c', 'echo "$QUOTED"'], 'a # b'],
    ['a directory of the repository', ['cat', '/etc/site/app.conf'], 'listen'],
    ['with the mode of its files', ['/etc/site/sub/run.sh'], 'ran'],
    ['a file of the repository', ['cat', '/etc/one.txt'], 'one'],
    ['a secret from an input', ['cat', '/run/secrets/db'], 'hunter2'],
    [
      'a secret from a file, where it says',
      ['sh', '-c', 'cat /run/secrets/renamed; ls -l /run/secrets/renamed'],
      /^token\s+-r--------/
    ],
    // Of the container's own process: what is run in it later may get the hard limit for the soft one (opencontainers/runc#4195).
    [
      'limits of zero',
      ['sh', '-c', 'grep -E "core|open files" /proc/1/limits'],
      /core file size\s+0\s+0\s[^]*open files\s+512\s/
    ],
    ['tmpfs and its size', ['sh', '-c', 'df /scratch | tail -1'], /tmpfs\s+1024 /],
    ['shared memory', ['sh', '-c', 'df /dev/shm | tail -1'], /\s8192 /],
    ['hosts', ['cat', '/etc/hosts'], /10\.1\.2\.3\s+box[^]*::1\s+six/],
    ['the working directory', ['pwd'], '/tmp'],
    ['a volume of one letter', ['sh', '-c', 'echo x >/letter/x; cat /letter/x'], 'x']
  ])('%s', async (_, command, expected) => {
    const output = await inside(main, ...command)
    if (typeof expected === 'string') expect(output).toBe(expected)
    else expect(output).toMatch(expected)
  })

  it.each(['web.main', 'oldname', 'front', 'buddy', 'peer', 'web-main'])('the name %s resolves', async name => {
    const asker = name === 'buddy' || name === 'peer' ? main : 'full_peer'
    expect(await inside(asker, 'nslookup', name)).toMatch(/Address[^]*Address/)
  })

  it('names belong to the stack, not to the project name of the file', async () => {
    const names = await bed.server.docker('volume', 'ls', '-q')
    expect(names.trim().split('\n').sort()).toEqual(['full_data', 'full_v'])
    expect(await bed.server.docker('network', 'ls', '--format', '{{.Name}}')).toContain('full_default')
  })

  it('the same file again touches nothing', async () => {
    expect(await workshop.run()).toMatchObject({ status: 'success', outputs: { status: 'unchanged' } })
  }, 60_000)
})

describe('a migration', () => {
  const stack = 'jobs'
  let workshop: Workshop
  beforeAll(() => {
    workshop = new Workshop(bed, { stack })
  })
  afterAll(() => workshop.close())

  const files = (version: 1 | 2 | 3, migration: object) =>
    workshop.compose({
      web: web(image(version), { depends_on: { migrate: { condition: 'service_completed_successfully' } } }),
      migrate: {
        image: image(1),
        environment: { PORT: '', EXIT_AFTER: '0.2', ...migration },
        depends_on: { db: { condition: 'service_healthy' } }
      },
      db: web(image(1))
    })

  /** The moments at which tasks of a service started, oldest first. */
  async function starts(service: string): Promise<string[]> {
    const ids = (await bed.server.docker('service', 'ps', '-q', '--no-trunc', `${stack}_${service}`)).trim().split('\n')
    const tasks = JSON.parse(await bed.server.docker('inspect', ...ids)) as { CreatedAt: string }[]
    return tasks.map(({ CreatedAt }) => CreatedAt).sort()
  }

  it('runs before the services that wait for it, after those that it waits for', async () => {
    files(1, { PRINT: 'migration one' })
    expect(await workshop.run()).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    const [[db = ''], [migrate = ''], [web = '']] = (await Promise.all([
      starts('db'),
      starts('migrate'),
      starts('web')
    ])) as [string[], string[], string[]]
    expect([db, migrate, web]).toEqual([db, migrate, web].sort())
  }, 120_000)

  it('does not run again when only another service changed', async () => {
    const before = await starts('migrate')
    files(2, { PRINT: 'migration one' })
    expect(await workshop.run()).toMatchObject({ status: 'success', outputs: { status: 'deployed' } })
    expect(await starts('migrate')).toEqual(before)
  }, 120_000)

  it('that fails leaves the rest untouched, and its log is shown', async () => {
    const before = await starts('web')
    files(3, { PRINT: 'column already exists', EXIT_CODE: '3' })
    const result = await workshop.run()
    expect(result.status).toBe('failure')
    expect(result.log).toContain('column already exists')
    expect(await starts('web')).toEqual(before)
  }, 180_000)
})
