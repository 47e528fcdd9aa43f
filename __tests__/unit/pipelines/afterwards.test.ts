import { describe, expect, it } from '@jest/globals'
import { lookAround } from '../../../src/pipelines/rollout/afterwards.js'
import { asDeployment } from '../../../src/pipelines/run/on-github.js'
import { present } from '../../../src/pipelines/run/present.js'
import type { Outcome, Run, StackTarget } from '../../../src/pipelines/run/run.js'
import { EngineError, type Github, type Host, type Ports } from '../../../src/ports.js'
import { emptyReport } from '../../../src/report/model.js'

const full = new Error('ENOSPC: no space left on device, write')
const report = emptyReport({ command: 'deploy', status: 'deployed', stack: 'shop', startedAt: 0, endedAt: 1_000 })
const outcome: Outcome = { report }

/** A run whose warnings and last lines are written down. */
function world(outputs: Partial<Ports['outputs']> = {}) {
  const warnings: string[] = []
  const lines: string[] = []
  const log = { info: (line: string) => lines.push(line), warning: (line: string) => warnings.push(line) }
  const ports = {
    log: { ...log, redact: (text: string) => text },
    outputs: { set: () => undefined, summary: () => Promise.resolve(), ...outputs },
    cancelled: new AbortController().signal
  } as unknown as Ports
  const inputs = { previewLimit: 5, environment: undefined }
  const job = { repository: 'octocat/shop', commit: 'c0ffee', refName: 'main', runUrl: '' }
  return { run: { ports, inputs, job } as unknown as Run, warnings, lines }
}

describe('once it is decided how a deploy ended', () => {
  it('a connection that is lost costs the URL of a preview, and no more', async () => {
    const { run, warnings } = world()
    const lost = () => Promise.reject(new EngineError(0, 'The connection to sb1 was lost.'))
    const host = { engine: { services: lost, tasksOfStack: lost, objects: lost } } as unknown as Host
    const urlAt = (port: number) => `http://sb1:${port}`
    const target = { stack: 'shop-pr-7', preview: { label: 'octocat/shop#7', number: 7, urlAt } }
    const found = await lookAround(run, host, target as unknown as StackTarget)
    expect(found).toEqual({ url: null, notes: warnings })
    expect(warnings).toEqual([
      expect.stringMatching(/^The URL of shop-pr-7 is not known: .*connection to sb1 was lost/)
    ])
  })

  it.each<[string, Partial<Github>]>([
    ['cannot be opened', { createDeployment: () => Promise.reject(new TypeError('id of null')) }],
    [
      'cannot be closed',
      {
        createDeployment: () => Promise.resolve(7),
        createDeploymentStatus: (_id, { state }) =>
          state === 'in_progress' ? Promise.resolve() : Promise.reject(new TypeError('id of null'))
      }
    ]
  ])('a Deployment that %s, by a defect even, is a warning', async (_, github) => {
    const { run, warnings } = world()
    const ended = await asDeployment(run, github as Github, { stack: 'shop' }, () => Promise.resolve(outcome))
    expect(ended).toBe(outcome)
    expect(warnings).toEqual([expect.stringMatching(/^The action itself failed: id of null/)])
  })

  it.each<[string, Partial<Ports['outputs']>]>([
    [
      'outputs',
      {
        set: () => {
          throw full
        }
      }
    ],
    ['summary', { summary: () => Promise.reject(full) }]
  ])('%s that the runner does not take are a warning', async (what, outputs) => {
    const { run, warnings, lines } = world(outputs)
    await present(run, outcome)
    expect(warnings).toEqual([expect.stringContaining(`The job’s ${what} could not be written: ENOSPC`)])
    expect(lines).toEqual(['deployed: shop'])
  })
})
