import { describe, expect, it } from '@jest/globals'
import { catalogue, isRule, ruleText, type Rule } from '../../../src/compose/findings/catalogue.js'
import type { ComposeModel } from '../../../src/compose/model.js'
import type { ComposeProject } from '../../../src/compose/project.js'
import { projectOf, rules, translated, type Given } from './project.js'
import { translate } from '../../../src/compose/translate.js'

const healthy = { healthcheck: { test: ['CMD', 'true'], interval: '1s', retries: 1 } }
const quiet = {
  image: 'nginx:1',
  restart: 'always',
  ...healthy,
  deploy: { update_config: { failure_action: 'rollback', order: 'start-first', monitor: '60s' } }
}
const withUpdate = (update_config: object): Given => ({
  ...quiet,
  deploy: { update_config: { ...quiet.deploy.update_config, ...update_config } }
})
const bind = (source: string): object => ({ type: 'bind', source, target: '/x' })

const subnet = (subnet: string): object => ({ ipam: { config: [{ subnet }] } })

type Row = {
  /** The service `web`, over one that is fine. */
  web?: Given
  services?: Record<string, Given>
  model?: Partial<ComposeModel>
  project?: Partial<ComposeProject>
  policy?: 'auto'
  preview?: { ports: 'drop'; replicas: 1 }
}

/** Rules that no model shows, only the swarm's nodes; see platforms.test.ts. */
type OfNodes = 'platform-without-node' | 'node-without-platform' | 'old-engine'

/** For each rule, models that it speaks about. */
const speaks: Record<Exclude<Rule, OfNodes>, Row[]> = {
  'absolute-bind': [{ web: { volumes: [bind('/srv/x')] } }],
  'added-policy': [{ web: { deploy: {} }, policy: 'auto' }],
  'bind-as-config': [
    { web: { volumes: [bind('/repo/x')] }, project: { paths: { '/repo/x': { kind: 'file', size: 1, mode: 0o644 } } } }
  ],
  'bind-empty': [
    { web: { volumes: [bind('/repo/x')] }, project: { paths: { '/repo/x': { kind: 'file', size: 0, mode: 0o644 } } } }
  ],
  'bind-missing': [{ web: { volumes: [bind('/repo/x')] }, project: { paths: { '/repo/x': { kind: 'missing' } } } }],
  'bind-too-large': [
    {
      web: { volumes: [bind('/repo/x')] },
      project: { paths: { '/repo/x': { kind: 'file', size: 2_000_000, mode: 0o644 } } }
    }
  ],
  'cleared-command': [{ web: { entrypoint: [] } }, { web: { command: [] } }],
  'crowded-network': [
    { web: { networks: { n: null }, deploy: { ...quiet.deploy, replicas: 253 } }, model: { networks: { n: {} } } },
    // with the new tasks of an update: 200 + 1 + 60
    {
      web: { networks: { n: null }, ...withUpdate({ parallelism: 60 }), scale: 200 },
      model: { networks: { n: {} } }
    },
    {
      web: { networks: { n: null }, ...withUpdate({ parallelism: 0 }), scale: 127 },
      model: { networks: { n: {} } }
    },
    { web: { networks: { n: null }, scale: 12 }, model: { networks: { n: subnet('10.9.0.0/28') } } }
  ],
  'depends-on': [{ services: { web: { ...quiet, depends_on: { db: { condition: 'service_healthy' } } }, db: quiet } }],
  devices: [{ web: { devices: [{ source: '/dev/x' }] } }],
  'dnsrr-port': [
    { web: { deploy: { ...quiet.deploy, endpoint_mode: 'dnsrr' }, ports: [{ target: 80, published: '81' }] } }
  ],
  'docker-socket': [{ web: { volumes: [bind('/var/run/docker.sock')] } }],
  'fixed-name': [{ model: { volumes: { d: { name: 'mine' } } } }, { model: { networks: { n: { name: 'mine' } } } }],
  'fixed-subnet': [{ model: { networks: { n: { ipam: { config: [{ subnet: '10.9.0.0/24' }] } } } } }],
  'global-replicas': [{ web: { deploy: { ...quiet.deploy, mode: 'global', replicas: 2 } } }],
  'host-ip': [{ web: { ports: [{ target: 80, published: '80', host_ip: '127.0.0.1' }] } }],
  'host-port': [{ web: { ports: [{ target: 80, published: '80', mode: 'host' }], deploy: {} }, policy: 'auto' }],
  'image-invalid': [
    { web: { image: 'repo:' } },
    { web: { image: '' } },
    { web: { image: 'a/UPPER' } },
    { web: { image: 'a b' } },
    { web: { build: { context: '.' }, image: 'x:' } }
  ],
  'image-unpinned': [
    { web: { image: 'nginx' } },
    { web: { image: 'localhost:5000/nginx' } },
    { web: { image: 'nginx:latest' } }
  ],
  job: [
    { services: { web: { ...quiet, depends_on: { m: { condition: 'service_completed_successfully' } } }, m: quiet } }
  ],
  'literal-secret': [
    {
      web: { environment: { DB_PASSWORD: 'hunter2' } },
      project: { sources: [{ file: 'c', text: 'services: {web: {environment: {DB_PASSWORD: hunter2}}}' }] }
    },
    { web: { environment: { API_KEY: 'abcd' } }, project: { envSources: [{ file: '.env', text: 'API_KEY=abcd\n' }] } }
  ],
  'lost-devices': [
    { web: { gpus: [{ count: 1 }] } },
    { web: { runtime: 'nvidia' } },
    { web: { deploy: { ...quiet.deploy, resources: { reservations: { devices: [{ capabilities: ['gpu'] }] } } } } }
  ],
  'lost-hook': [{ web: { pre_stop: [{ command: ['x'] }] } }, { web: { post_start: [{ command: ['x'] }] } }],
  'lost-isolation': [
    { web: { security_opt: ['x'] } },
    { web: { pid: 'host' } },
    { web: { ipc: 'host' } },
    { web: { userns_mode: 'host' } },
    { web: { domainname: 'x' } },
    { web: { cgroup_parent: 'x' } },
    { web: { group_add: ['x'] } },
    { web: { uts: 'host' } },
    { web: { cgroup: 'host' } }
  ],
  'lost-link': [{ web: { external_links: ['x'] } }],
  'lost-mount-option': [
    { web: { volumes: [{ type: 'tmpfs', target: '/x', tmpfs: { mode: 511 } }] } },
    { web: { tmpfs: ['/x:mode=1777'] } },
    { web: { tmpfs: ['/x:exec'] } },
    { web: { volumes: [{ ...bind('/srv/x'), bind: { recursive: 'disabled' } }] } },
    { web: { volumes: [{ type: 'volume', target: '/x', volume: { labels: { a: 'b' } } }] } }
  ],
  'lost-network-option': [
    { web: { networks: { n: { ipv4_address: '10.0.0.2' } } } },
    { web: { networks: { n: { priority: 3 } } } },
    { model: { networks: { n: { enable_ipv6: true } } } },
    { model: { networks: { n: { enable_ipv4: false } } } },
    { model: { networks: { n: { ipam: { options: { a: 'b' } } } } } },
    { model: { networks: { n: { ipam: { config: [{ gateway: '10.0.0.1' }] } } } } },
    { model: { networks: { n: { driver_opts: { 'com.docker.network.bridge.name': 'x' } } } } }
  ],
  'lost-provider': [{ web: { provider: { type: 'x' } } }, { web: { models: { a: {} } } }],
  'lost-tuning': [
    { web: { cpu_shares: 5 } },
    { web: { dns_opt: ['x'] } },
    { web: { memswap_limit: '1' } },
    { web: { blkio_config: { weight: 1 } } },
    { web: { storage_opt: { size: '1' } } },
    { web: { oom_score_adj: 5 } },
    { web: { mac_address: 'x' } },
    { web: { brand_new: 1 } },
    { web: { deploy: { mode: 'replicated-job', update_config: { parallelism: 1 } } } }
  ],
  'network-refused': [
    { model: { networks: { n: { driver: 'macvlan' } } } },
    { model: { networks: { n: { name: 'my.net' } } } }
  ],
  'no-healthcheck': [{ web: { healthcheck: undefined } }],
  'no-rollback': [
    { web: withUpdate({ failure_action: 'pause' }) },
    { web: { deploy: {} } },
    { web: withUpdate({ failure_action: 'continue' }), policy: 'auto' }
  ],
  'no-services': [{ services: {} }],
  'node-network': [{ web: { network_mode: 'host', deploy: {} }, policy: 'auto' }, { web: { network_mode: 'none' } }],
  'node-volume': [{ web: { volumes: [{ type: 'volume', source: 'd', target: '/d' }], deploy: {} }, policy: 'auto' }],
  'object-driver': [
    { web: { secrets: [{ source: 's' }] }, model: { secrets: { s: { file: '/x', driver: 'vault' } } } },
    { web: { configs: [{ source: 's' }] }, model: { configs: { s: { file: '/x', template_driver: 'golang' } } } }
  ],
  'one-letter-volume': [{ web: { volumes: [{ type: 'volume', target: 'v:/v' }] } }],
  'plain-secret': [
    {
      web: { environment: { DB_PASSWORD: 'hunter2' } },
      project: { sources: [{ file: 'c', text: 'services: {web: {environment: {DB_PASSWORD: "${DB}"}}}' }] }
    }
  ],
  'port-conflict': [
    {
      services: {
        web: { ...quiet, ports: [{ target: 80, published: '80' }] },
        b: { ...quiet, ports: [{ target: 81, published: '80' }] }
      }
    },
    {
      web: {
        ports: [
          { target: 80, published: '80' },
          { target: 81, published: '80' }
        ]
      }
    }
  ],
  'port-range': [{ web: { ports: [{ target: 80, published: '8000-8010' }] } }],
  'preview-port': [{ web: { ports: [{ target: 80, published: '80' }] }, preview: { ports: 'drop', replicas: 1 } }],
  privileged: [{ web: { privileged: true } }],
  'proxy-labels': [
    { web: { labels: { 'traefik.enable': 'true' } } },
    { web: { labels: { caddy: 'x' } } },
    { web: { labels: { 'caddy_1.tls': 'x' } } }
  ],
  'renamed-service': [
    { services: { 'a.b': quiet } },
    { services: { Web: quiet, web: quiet } },
    { model: { networks: { 'n.x': {} } } }
  ],
  'restart-default': [{ web: { restart: undefined } }],
  'restart-no': [{ web: { restart: 'no' } }],
  'rollback-loop': [{ web: { deploy: { ...quiet.deploy, rollback_config: { failure_action: 'rollback' } } } }],
  'shared-network': [{ web: { network_mode: 'service:db' } }, { web: { network_mode: 'container:x' } }],
  'short-monitor': [
    { web: { ...withUpdate({ monitor: '5s' }), healthcheck: { test: ['CMD', 'x'], interval: '10s' } } },
    { web: { ...withUpdate({ monitor: undefined }), healthcheck: { test: ['CMD', 'x'] } } }
  ],
  'start-first-hazard': [
    { web: { ...quiet, ports: [{ target: 80, published: '80', mode: 'host' }] } },
    { web: { ...quiet, volumes: [{ type: 'volume', source: 'd', target: '/d' }] } }
  ],
  'stop-first': [{ web: withUpdate({ order: 'stop-first' }) }, { web: withUpdate({ order: undefined }) }],
  'unknown-rule': [
    { project: { sources: [{ file: 'c', text: 'x-swarm-rollout: {ignore: [no-healthchek]}' }] } },
    { project: { sources: [{ file: 'c', text: 'x-swarm-rollout: {silence: []}' }] } },
    { project: { sources: [{ file: 'c', text: 'services: # swarm-rollout: ignore nonsense' }] } }
  ],
  'unset-variable': [{ project: { unset: ['TAG'] } }],
  'unsupported-mount': [{ web: { volumes: [{ type: 'image', source: 'x', target: '/x' }] } }],
  'url-password': [
    { web: { environment: { DATABASE_URL: 'postgres://u:hunter2@db/x' } } },
    { web: { command: ['run', 'redis://:pw@host'] } }
  ],
  'volumes-from': [{ web: { volumes_from: ['x'] } }]
}

const result = ({ web, services, model, project, policy, preview }: Row) =>
  translated(services ?? { web: { ...quiet, ...web } }, {
    ...(model && { model }),
    ...(project && { project }),
    ...(policy && { policy }),
    ...(preview && { preview })
  })

describe('every rule', () => {
  it.each(
    Object.entries(speaks).flatMap(([rule, rows]) =>
      rows.map((row, index) => [`${rule} ${index + 1}`, rule, row] as const)
    )
  )('%s', (_, rule, row) => {
    expect(rules(result(row))).toEqual(expect.arrayContaining([rule]))
  })

  it('is silent about a file that has everything', () => {
    expect(result({}).findings).toEqual([])
  })

  it.each(Object.keys(catalogue))('%s has words, and an id that can be written in a comment', rule => {
    expect(isRule(rule)).toBe(true)
    const { title, why, remedy } = ruleText(rule as Rule)
    for (const text of [title, why, remedy]) expect(text.trim().length).toBeGreaterThan(10)
    expect(rule).toMatch(/^[a-z]+(-[a-z]+)*$/)
  })
})

describe('what no rule speaks about', () => {
  it.each<[Rule, Row]>([
    ['no-healthcheck', { web: { healthcheck: undefined }, project: { imageHealthchecks: ['web'] } }],
    ['no-healthcheck', { web: { healthcheck: undefined, deploy: { mode: 'replicated-job' } } }],
    ['no-healthcheck', { web: { healthcheck: { disable: true } } }],
    ['no-rollback', { web: { deploy: {} }, policy: 'auto' }],
    ['image-unpinned', { web: { image: 'nginx:1@sha256:' + 'a'.repeat(64) } }],
    ['image-unpinned', { web: { image: 'nginx@sha256:' + 'a'.repeat(64) } }],
    ['image-unpinned', { web: { image: 'x:latest', build: { context: '.' } } }],
    ['image-invalid', { web: { image: undefined, build: { context: '.' } } }],
    ['image-invalid', { web: { image: 'registry.example.com:5000/a/b_c/d-e:v1.2.3' } }],
    ['image-invalid', { web: { image: '[::1]:5000/a:1' } }],
    [
      'plain-secret',
      {
        web: {
          environment: {
            ALLOW_EMPTY_PASSWORD: 'yes',
            PASSWORD_FILE: '/run/secrets/x',
            A_PASSWORD: '/run/x',
            TOKEN: '',
            MAX_TOKEN: '30',
            PASSWORD_MIN_LENGTH: '8'
          }
        }
      }
    ],
    [
      'url-password',
      { web: { environment: { URL: 'http://user@host/', B: 'http://host:80/a@b', C: 'https://host/x:y@z' } } }
    ],
    [
      'proxy-labels',
      {
        web: { labels: { 'traefik.enable': 'true' }, deploy: { ...quiet.deploy, labels: { 'traefik.enable': 'true' } } }
      }
    ],
    [
      'port-conflict',
      {
        services: {
          web: { ...quiet, ports: [{ target: 53, published: '53', protocol: 'udp' }] },
          b: { ...quiet, ports: [{ target: 53, published: '53', protocol: 'tcp' }] }
        }
      }
    ],
    // 251 tasks, one that an update starts beside them, and the service
    ['crowded-network', { web: { networks: { n: null }, scale: 251 }, model: { networks: { n: {} } } }],
    [
      'crowded-network',
      {
        web: { networks: { n: null }, deploy: { ...quiet.deploy, endpoint_mode: 'dnsrr' }, scale: 252 },
        model: { networks: { n: {} } }
      }
    ],
    [
      'crowded-network',
      {
        web: { networks: { n: null }, ...withUpdate({ order: 'stop-first', parallelism: 0 }), scale: 252 },
        model: { networks: { n: {} } }
      }
    ],
    [
      'crowded-network',
      { web: { networks: { n: null }, scale: 900 }, model: { networks: { n: subnet('10.9.0.0/20') } } }
    ],
    ['crowded-network', { web: { networks: { n: null }, scale: 900 }, model: { networks: { n: { external: true } } } }],
    [
      'crowded-network',
      {
        web: { networks: { n: null }, scale: 900 },
        model: { networks: { n: {}, m: {} } },
        preview: { ports: 'drop', replicas: 1 }
      }
    ],
    [
      'crowded-network',
      { web: { networks: { n: null }, deploy: { ...quiet.deploy, mode: 'global' } }, model: { networks: { n: {} } } }
    ],
    ['stop-first', { web: { ...withUpdate({ order: 'stop-first' }), scale: 2 } }],
    [
      'stop-first',
      { web: { ...withUpdate({ order: 'stop-first' }), volumes: [{ type: 'volume', source: 'd', target: '/d' }] } }
    ],
    ['host-ip', { web: { ports: [{ target: 80, published: '80', host_ip: '0.0.0.0' }] } }],
    ['fixed-name', { model: { volumes: { d: { name: 'shop_d' } } } }],
    ['fixed-name', { model: { volumes: { d: { name: 'x', external: true } } } }],
    [
      'node-volume',
      {
        web: {
          volumes: [{ type: 'volume', source: 'd', target: '/d' }],
          deploy: { placement: { constraints: ['node.role == manager'] } }
        }
      }
    ],
    ['lost-tuning', { web: { privileged: false, cpu_shares: 0, 'x-mine': 1, cap_add: ['X'] } }]
  ])('%s: %#', (rule, row) => {
    expect(rules(result(row))).not.toContain(rule)
  })
})

describe('remedies', () => {
  it('spell out the secret for the variable', () => {
    const { findings } = translated({
      db: { ...quiet, image: 'postgres:17', environment: { POSTGRES_PASSWORD: 'hunter2' } }
    })
    const remedy = findings.find(({ rule }) => rule === 'plain-secret')?.remedy
    expect(remedy).toContain(
      '`POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password` (the image reads POSTGRES_PASSWORD_FILE)'
    )
    expect(remedy).toContain('`secrets: {postgres_password: {environment: POSTGRES_PASSWORD}}`')
  })

  it('never repeat the secret', () => {
    const environment = { DB_PASSWORD: 'hunter2', URL: 'http://u:hunter2@x' }
    expect(
      JSON.stringify(translated({ db: { ...quiet, environment, command: ['http://u:hunter2@x'] } }).findings)
    ).not.toContain('hunter2')
  })
})

describe('order', () => {
  it('errors come first', () => {
    const project = projectOf({ services: { web: { image: 'nginx:' } } })
    expect(translate(project, { stack: 'shop', policy: 'auto' }).findings[0]?.level).toBe('error')
  })
})
