import { describe, expect, it } from '@jest/globals'
import { concludingLines } from '../../../src/errors/rollout.js'
import { startObservation } from '../../../src/rollout/observe.js'
import { conclude } from '../../../src/rollout/outcome.js'
import { progress } from '../../../src/rollout/progress.js'
import { fixture, replay } from './replay.js'

/** What the job's log says of a recorded rollout, from the change to the end. */
function told(name: string, verdict: 'deployed' | 'failed' | 'rolled-back'): string[] {
  const recorded = fixture(name)
  const { steps, observation, judgement } = replay(recorded)
  const all = [startObservation(recorded.targets, recorded.startedAt), ...steps.map(step => step.observation)]
  const lines = all.slice(1).flatMap((next, index) => progress(all[index] ?? next, next))
  const records = new Map(Object.entries(recorded.evidence))
  return [...lines, ...concludingLines(conclude({ observation, judgement, verdict, records }))].map(line =>
    line.replace(/\d\d:\d\d:\d\d/, 'hh:mm:ss').replace(/sb\d+-/g, 'node-')
  )
}

describe('the log of a rollout', () => {
  it('has one line for each change, and none for a look', () => {
    const lines = told('update.good', 'deployed')
    expect(lines.every((line, index) => line !== lines[index - 1])).toBe(true)
    expect(lines).toMatchSnapshot()
  })
  it('tells of a rollback in the order in which it happened', () => {
    expect(told('update.image-missing', 'rolled-back')).toMatchSnapshot()
  })
  it('tells why a first deploy fails, with the last lines of the task', () => {
    expect(told('first.unhealthy', 'failed')).toMatchSnapshot()
  })
  it('keeps the services apart', () => {
    expect(told('first.waits-for-other', 'deployed')).toMatchSnapshot()
  })
  it('tells of nodes', () => {
    expect(told('cluster.manager-back', 'deployed').filter(line => line.startsWith('Node'))).toMatchSnapshot()
  })
})

describe('what a rollout leaves behind', () => {
  const end = (name: string, verdict: 'deployed' | 'rolled-back') => {
    const recorded = fixture(name)
    const { observation, judgement } = replay(recorded)
    return conclude({ observation, judgement, verdict, records: new Map(Object.entries(recorded.evidence)) })
  }

  it('is a diagnosis with the last lines of the task that made the swarm go back', () => {
    const [web] = end('update.rolled-back', 'rolled-back').services
    expect(web?.diagnosis?.cause).toMatch(/^web\.\d on sb\d-1 exited with code 7\.$/)
    expect(web?.diagnosis?.logs).toContain('boom: no database')
  })

  it('is a timeline whose bars lie within the watch', () => {
    const { timeline, startedAt, endedAt } = end('update.rolled-back', 'rolled-back')
    expect(timeline.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['updating', 'rolling-back', 'failed']))
    for (const { from, to } of timeline) {
      expect(from).toBeGreaterThanOrEqual(startedAt)
      expect(to).toBeGreaterThan(from)
      expect(to).toBeLessThanOrEqual(endedAt)
    }
  })
})
