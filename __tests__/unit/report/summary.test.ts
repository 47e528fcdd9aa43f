import { describe, expect, it } from '@jest/globals'
import { commentMarker, longestComment, renderComment } from '../../../src/report/comment.js'
import { bytes } from '../../../src/report/fit.js'
import { emptyReport, type RunReport } from '../../../src/report/model.js'
import { longestSummary, renderSummary } from '../../../src/report/summary.js'
import { elements, render, textOf } from './render.js'
import { deployed, nasty, rolledBack } from './samples.js'

const lines = (markdown: string) => textOf(render(markdown)).split(/\n+/)

describe('the summary', () => {
  it('begins with the verdict', () => {
    expect(lines(renderSummary(deployed))[0]).toBe('✅ Deployed shop r42')
    expect(lines(renderSummary(rolledBack)).slice(0, 2)).toEqual([
      '↩️ Rolled back shop r42',
      'Service web did not start, and the whole stack is back at release r41, which serves.'
    ])
  })

  it('shows what each service came to, images shortened', () => {
    const text = renderSummary(deployed)
    expect(textOf(text)).toContain('| web | acme/shop:1.2@aaaaaaaa → :1.3@bbbbbbbb | 2/2 | 14 s | ✅ Both tasks run')
    expect(textOf(text)).toContain('| db | postgres:17@cccccccc | 1/1 |   | ➖ Unchanged. |')
  })

  it('says which image did not come to run, in short, and an official one as people write it', () => {
    const [web, db] = rolledBack.services
    if (!web || !db) throw new Error('no services')
    const official = `docker.io/library/postgres:17@sha256:${'c'.repeat(64)}`
    const row = { ...web, imageAfter: web.imageBefore, imageWanted: `ghcr.io/acme/shop:1.3@sha256:${'b'.repeat(64)}` }
    const services = [row, { ...db, imageBefore: official, imageAfter: official }]
    const text = textOf(renderSummary({ ...rolledBack, services }))
    expect(text).toContain('| web | acme/shop:1.2@aaaaaaaa, not :1.3@bbbbbbbb | 2/2 |')
    expect(text).toContain('| db | postgres:17@cccccccc | 1/1 |')
  })

  it('opens a few findings that ask for something, not those that only tell', () => {
    const notices = deployed.findings.map(finding => ({ ...finding, level: 'notice' as const }))
    expect(renderSummary(deployed)).toContain('<details open><summary>Findings: 1 warning</summary>')
    expect(renderSummary({ ...deployed, findings: notices })).toContain(
      '<details><summary>Findings: 1 notice</summary>'
    )
  })

  it('calls the release that a plan compares with what it is', () => {
    const plan = { ...deployed, command: 'plan', status: 'planned' as const }
    expect(textOf(renderSummary(plan))).toContain('runs now: r41')
    expect(textOf(renderSummary(deployed))).toContain('release before: r41')
  })

  it('draws the rollout in seconds since its start', () => {
    expect(renderSummary(deployed)).toContain(
      '```mermaid\ngantt\n    dateFormat x\n    axisFormat %s s\n    tickInterval 2second\n    todayMarker off\n' +
        '    section web\n' +
        '    web.1 starting :active, 0, 6000\n    web.1 running :done, 6000, 14200\n'
    )
  })

  it('folds history and log of what failed, and says the cause in the open', () => {
    const html = render(renderSummary(rolledBack))
    const open = html.replace(/<details[^]*?<\/details>/g, '')
    expect(textOf(open)).toContain('The container exits with code 1 within 2 s of its start. Its log below says why.')
    expect(open).not.toContain('ECONNREFUSED')
    expect(html).toContain('Error: connect ECONNREFUSED 10.0.0.5:5432\n')
  })

  it('links findings to their line and lists releases to go back to', () => {
    const text = renderSummary(deployed)
    expect(text).toContain(`<a href="https://github.com/acme/shop/blob/${deployed.commit ?? ''}/compose.yaml#L12">`)
    expect(textOf(text)).toContain('| r41 | ddddddd | main | hubot | 2026-11-20 09:00 UTC | deployed |')
  })

  it('shows what was found on the server, with what to do', () => {
    const checks: RunReport['checks'] = [
      { name: 'engine', state: 'ok', detail: 'Docker Engine 28.5.2' },
      { name: 'disk', state: 'warning', detail: 'Only <b>800 MiB</b> are free.', remedy: 'Make room.' }
    ]
    const text = renderSummary({ ...deployed, checks })
    expect(textOf(text)).toContain('| ✅ ok | engine | Docker Engine 28.5.2 |')
    expect(textOf(text)).toContain('| ⚠️ warning | disk | Only <b>800 MiB</b> are free. Make room. |')
  })

  it('has no part without content', () => {
    const report = emptyReport({ command: 'remove', status: 'removed', stack: 'shop', startedAt: 0, endedAt: 2500 })
    expect(renderSummary(report)).toBe('## 🧹 Removed <code>shop</code>\n\nin 3 s\n\n<sub>1970-01-01 00:00 UTC</sub>\n')
  })

  it('shows a plan, variables by name only, and one that would change nothing', () => {
    const plan: RunReport = {
      ...emptyReport({ command: 'plan', status: 'planned', stack: 'shop', startedAt: 0, endedAt: 0 }),
      plan: [
        {
          service: 'web',
          kind: 'update',
          fields: [
            {
              name: 'image',
              before: 'acme/shop:1@sha256:' + 'a'.repeat(64),
              after: 'acme/shop:2@sha256:' + 'b'.repeat(64)
            },
            { name: 'env DATABASE_URL' },
            { name: 'replicas', before: '1', after: '2' }
          ]
        },
        { service: 'cache', kind: 'create', fields: [{ name: 'image', after: 'redis:8' }] },
        { service: 'old', kind: 'remove', fields: [] },
        { service: 'db', kind: 'unchanged', fields: [] }
      ]
    }
    const text = textOf(renderSummary(plan).replaceAll('<br>', '; '))
    expect(text).toContain(
      '| web | ✏️ update | image acme/shop:1@aaaaaaaa → :2@bbbbbbbb; env DATABASE_URL; replicas 1 → 2 |\n' +
        '| cache | 🆕 create | image redis:8 |\n| old | 🗑️ remove |   |\n\n1 service stays as it is.'
    )
    const same = { ...plan, plan: plan.plan.filter(({ kind }) => kind === 'unchanged') }
    expect(renderSummary(same)).toContain('A deploy would change nothing.\n\n1 service stays as it is.')
  })
})

/** Every text of a report replaced by one that means harm. */
function poisoned(report: RunReport, text: string): RunReport {
  const poison = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return ['status', 'state', 'level', 'kind', 'command'].includes(key) ? value : text
    if (Array.isArray(value)) return value.map(item => poison(item, key))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)]))
  }
  return poison(report, '') as RunReport
}

describe('whatever names, logs and branches hold', () => {
  const usual = [
    'a',
    'br',
    'code',
    'details',
    'em',
    'h2',
    'h3',
    'li',
    'p',
    'pre',
    'strong',
    'sub',
    'summary',
    'blockquote'
  ]
  const allowed = new Set([...usual, 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul', '!--'])

  it.each(nasty)('%j changes nothing of the page', text => {
    for (const make of [renderSummary, renderComment]) {
      const html = render(make(poisoned(rolledBack, text)))
      const harmless = render(make(poisoned(rolledBack, 'x')))
      expect(elements(html).filter(name => !allowed.has(name))).toEqual([])
      expect(html).not.toMatch(/href="(?!https?:)/)
      for (const tag of ['<td>', '<tr>', '<h3>', '<pre>', '<blockquote>', '<details', '</details>', '<a ']) {
        expect([tag, html.split(tag).length]).toEqual([tag, harmless.split(tag).length])
      }
    }
  })

  it.each(nasty)('%j stays one bar of the diagram', text => {
    const bars = renderSummary(poisoned(rolledBack, text)).split('```mermaid\ngantt\n    ')[1]?.split('```')[0] ?? ''
    expect(bars.trim().split('\n')).toHaveLength(4 + 1 + 2)
    expect(bars).toMatch(/ {4}section [^:;#%{}"<>\n]+\n( {4}[^:;#%{}"<>\n]+ :(crit|done|active), \d+, \d+\n)+/)
  })
})

describe('limits', () => {
  const many = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index))
  const huge: RunReport = {
    ...rolledBack,
    services: many(400, index => ({
      ...(rolledBack.services[0] as RunReport['services'][number]),
      key: `service-${index}`
    })),
    failures: many(60, index => ({
      ...(rolledBack.failures[0] as RunReport['failures'][number]),
      service: `service-${index}`,
      logs: many(2000, line => `${line} ${'é🚀'.repeat(200)}`)
    })),
    findings: many(900, () => rolledBack.findings[0] as RunReport['findings'][number])
  }

  it('keep the summary within 1 MiB, with whole folds and the verdict', () => {
    const text = renderSummary(huge)
    expect(bytes(text)).toBeLessThanOrEqual(longestSummary)
    expect(bytes(text)).toBeGreaterThan(20_000)
    expect(text).toMatch(/^## ↩️ Rolled back/)
    expect(text.match(/<details/g)?.length).toBe(text.match(/<\/details>/g)?.length)
    expect(text).toMatch(/… and \d+ more/)
  })

  it('keep the comment within 65,536 characters, its marker first', () => {
    const text = renderComment(huge)
    expect(text.length).toBeLessThanOrEqual(longestComment)
    expect(text.startsWith(`${commentMarker('shop')}\n`)).toBe(true)
    expect(text.match(/<details/g)?.length).toBe(text.match(/<\/details>/g)?.length)
  })

  it('hold for one endless line', () => {
    const text = renderComment({
      ...rolledBack,
      reason: 'x'.repeat(2_000_000),
      notes: many(500, () => 'y'.repeat(9000))
    })
    expect(text.length).toBeLessThanOrEqual(longestComment)
  })
})

describe('the comment', () => {
  it('leads with the URL, and has none once the preview is gone', () => {
    const preview = { ...deployed, stack: 'shop-pr-7', preview: { number: 7 } }
    expect(renderComment(preview)).toContain('**<a href="https://shop.example.com/">')
    const gone = renderComment({ ...preview, status: 'removed', services: [] })
    expect(gone).toContain('### 🧹 Preview removed <code>shop-pr-7</code>')
    expect(gone).not.toContain('shop.example.com')
  })

  it('has a marker of its stack that cannot end early', () => {
    expect(commentMarker('shop')).toBe('<!-- swarm-rollout:shop -->')
    expect(commentMarker('a--><script>')).toBe('<!-- swarm-rollout:a--__script_ -->')
  })
})
