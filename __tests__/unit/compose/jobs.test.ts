import { describe, expect, it } from '@jest/globals'
import { translated, type Given } from './project.js'

const after = (condition: string, ...names: string[]): Given => ({
  image: 'a:1',
  depends_on: Object.fromEntries(names.map(name => [name, { condition, required: true }]))
})
const completed = 'service_completed_successfully'
const healthy = 'service_healthy'
const started = 'service_started'
const plain = { image: 'a:1' }

describe('phases', () => {
  it.each<[string, Record<string, Given>, string[][]]>([
    ['all at once', { a: plain, b: after(started, 'a') }, [['a', 'b']]],
    ['a job gates', { web: after(completed, 'job'), job: plain }, [['job'], ['web']]],
    ['health gates', { web: after(healthy, 'db'), db: plain }, [['db'], ['web']]],
    [
      'a chain',
      { web: after(completed, 'job'), job: after(healthy, 'db'), db: plain, other: plain },
      [['db', 'other'], ['job'], ['web']]
    ],
    [
      'started keeps the phase of what it waits for',
      { web: after(started, 'api'), api: after(completed, 'job'), job: plain },
      [['job'], ['web', 'api']]
    ],
    ['what is not there gates nothing', { web: after(completed, 'gone') }, [['web']]]
  ])('%s', (_, services, expected) => {
    expect(translated(services).phases).toEqual(expected)
  })
})

describe('jobs', () => {
  it('are what others wait for to complete, and what the file calls a job', () => {
    const services = {
      web: after(completed, 'migrate', 'seed'),
      migrate: plain,
      seed: { ...plain, deploy: { mode: 'global' } },
      cron: { ...plain, deploy: { mode: 'replicated-job' } }
    }
    const { jobs, stack } = translated(services)
    expect(jobs).toEqual(['migrate', 'seed', 'cron'])
    expect(jobs.map(job => stack.services[job]?.deploy?.['mode'])).toEqual([
      'replicated-job',
      'global-job',
      'replicated-job'
    ])
  })
})
