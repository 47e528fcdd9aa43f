import { emptyReport, type RunReport } from '../../../src/report/model.js'

const digest = (letter: string) => letter.repeat(64)
const start = Date.UTC(2026, 10, 22, 15, 4, 5)

/** A deploy as one sees it every day. */
export const deployed: RunReport = {
  ...emptyReport({ command: 'deploy', status: 'deployed', stack: 'shop', startedAt: start, endedAt: start + 42_000 }),
  release: 'r42',
  previousRelease: 'r41',
  commit: 'c0ffee'.repeat(6) + 'c0ff',
  refName: 'main',
  actor: 'mona',
  repository: 'acme/shop',
  serverUrl: 'https://github.com',
  runUrl: 'https://github.com/acme/shop/actions/runs/9',
  url: 'https://shop.example.com/',
  services: [
    {
      key: 'web',
      imageBefore: `ghcr.io/acme/shop:1.2@sha256:${digest('a')}`,
      imageAfter: `ghcr.io/acme/shop:1.3@sha256:${digest('b')}`,
      running: 2,
      desired: 2,
      durationMs: 14_200,
      verdict: 'deployed',
      reason: 'Both tasks run the new version.'
    },
    {
      key: 'db',
      imageBefore: `postgres:17@sha256:${digest('c')}`,
      imageAfter: `postgres:17@sha256:${digest('c')}`,
      running: 1,
      desired: 1,
      durationMs: null,
      verdict: 'unchanged',
      reason: 'Unchanged.'
    }
  ],
  jobs: [{ service: 'migrate', verdict: 'completed', durationMs: 3100, reason: 'Completed once.' }],
  timeline: [
    { service: 'web', label: 'web.1 starting', startMs: start, endMs: start + 6000, state: 'running' },
    { service: 'web', label: 'web.1 running', startMs: start + 6000, endMs: start + 14_200, state: 'done' },
    { service: 'web', label: 'web.2 running', startMs: start + 9000, endMs: start + 14_200, state: 'done' }
  ],
  findings: [
    {
      level: 'warning',
      rule: 'no-healthcheck',
      message: 'Service `db` has no healthcheck.',
      remedy: 'Add one.',
      service: 'db',
      file: 'compose.yaml',
      line: 12
    }
  ],
  rotated: ['DATABASE_PASSWORD'],
  releases: [
    {
      id: 'r42',
      commit: 'c0ffee'.repeat(6) + 'c0ff',
      ref: 'main',
      actor: 'mona',
      at: '2026-11-22T15:04:47Z',
      verdict: 'deployed',
      current: true
    },
    {
      id: 'r41',
      commit: 'd'.repeat(40),
      ref: 'main',
      actor: 'hubot',
      at: '2026-11-20T09:00:00Z',
      verdict: 'deployed',
      current: false
    }
  ]
}

/** A deploy whose new version dies at its start. */
export const rolledBack: RunReport = {
  ...deployed,
  status: 'rolled-back',
  reason: 'Service `web` did not start, and the whole stack is back at release `r41`, which serves.',
  services: deployed.services.map(row =>
    row.key === 'web' ? { ...row, verdict: 'rolled-back', reason: 'Rolled back: the new tasks exit 1 at once.' } : row
  ),
  failures: [
    {
      service: 'web',
      cause: 'The container exits with code 1 within 2 s of its start.',
      remedy: 'Its log below says why.',
      task: 'web.1 (9k3jx0)',
      node: 'server-1',
      history: ['15:04:08 web.1 starting', '15:04:09 web.1 failed: exit code 1'],
      logs: ['listening on 8080', 'Error: connect ECONNREFUSED 10.0.0.5:5432', '    at main (/app/index.js:3:9)']
    }
  ],
  timeline: [
    { service: 'web', label: 'web.1 new', startMs: start, endMs: start + 3000, state: 'failed' },
    { service: 'web', label: 'web.1 back', startMs: start + 3000, endMs: start + 12_000, state: 'done' }
  ],
  notes: ['Release `r42` stays on the server as a record; nothing of it runs.']
}

/** What names, logs and branches may hold when somebody means harm, or none. */
export const nasty = [
  '<script>alert(1)</script>',
  '<!-- swarm-rollout:shop -->',
  '</details></summary>',
  '| a | b |',
  '`code` ``` fence',
  '@everyone and @acme/team',
  'fixes #1 and GH-2',
  '[click](javascript:alert(1))',
  '![pixel](https://evil.example/p.png)',
  'https://evil.example www.evil.example',
  '**bold** _em_ ~~gone~~ \\| $x$',
  '# heading',
  '- item',
  '1. item',
  '\u001b[31mred\u001b[0m \u202egnp.exe',
  'line\nbreak\r\nand ``` more',
  '$(id) `id` "quotes" \'single\'',
  '🚀'.repeat(50),
  '```mermaid\ngantt\n```',
  'click me href "javascript:alert(1)"',
  'a:b;c%%d#e{f}'
]
