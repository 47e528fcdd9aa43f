import { afterEach, describe, expect, it } from '@jest/globals'
import type { GithubError } from '../../../src/ports.js'
import type { Reply } from '../../../testbed/github/handlers.ts'
import { world, type World } from './world.js'

let here: World
afterEach(() => here.fake.close())

const limited = (headers: Record<string, string>, status = 403): Reply => ({
  status,
  body: { message: 'You have exceeded a secondary rate limit.' },
  headers
})

async function thrown(call: Promise<unknown>): Promise<Pick<GithubError, 'refusal' | 'status'>> {
  try {
    await call
  } catch (error) {
    const { refusal, status } = error as GithubError
    return { refusal, status }
  }
  throw new Error('nothing was thrown')
}

describe('requests', () => {
  it('are repeated on 5xx with growing pauses', async () => {
    here = await world()
    here.fake.faults.push({ path: /comments/, times: 2, reply: { status: 502, body: 'bad gateway' } })
    expect(await here.github.findComment(7, 'x')).toBeNull()
    expect(here.naps).toEqual([1000, 2000])
  })

  it('are repeated on a broken connection, not for ever', async () => {
    here = await world()
    here.fake.faults.push({ path: /comments/, times: 99, reply: 'hang up' })
    expect(await thrown(here.github.findComment(7, 'x'))).toEqual({ refusal: 'unreachable', status: 0 })
    expect(here.fake.calls).toHaveLength(2)
  })

  it('are not repeated any more while it is down, until it answers again', async () => {
    here = await world()
    const fault = { path: /comments/, times: 5, reply: { status: 503, body: '' } }
    here.fake.faults.push(fault)
    await thrown(here.github.findComment(7, 'x'))
    expect(here.fake.calls).toHaveLength(4)
    await thrown(here.github.findComment(7, 'x'))
    expect(here.fake.calls).toHaveLength(5)
    await here.github.findComment(7, 'x')
    fault.times = 1
    await here.github.findComment(7, 'x')
    expect(here.fake.calls).toHaveLength(8)
  })

  it('that make something are not repeated: the first may have made it', async () => {
    here = await world()
    here.fake.faults.push({ method: 'POST', path: /comments/, times: 9, reply: { status: 502, body: '' } })
    expect(await thrown(here.github.createComment(7, 'hello'))).toEqual({ refusal: 'server', status: 502 })
    expect(here.fake.calls).toHaveLength(1)
  })

  it('wait as long as a rate limit says, also those that make something', async () => {
    here = await world()
    here.fake.faults.push({ path: /comments/, times: 1, reply: limited({ 'retry-after': '7' }) })
    await here.github.createComment(7, 'hello')
    expect(here.naps).toEqual([7000])
    expect(here.fake.repository.comments).toHaveLength(1)
  })

  it('wait for the reset of the primary limit', async () => {
    here = await world()
    const reset = String(1_800_000_000 + 12)
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
    here.fake.faults.push({ path: /comments/, times: 1, reply: limited(headers, 429) })
    await here.github.findComment(7, 'x')
    expect(here.naps).toEqual([12_000])
  })

  it('do not wait for longer than a run should, all in all', async () => {
    here = await world()
    here.fake.faults.push({ path: /comments/, times: 1, reply: limited({ 'retry-after': '3600' }) })
    expect(await thrown(here.github.findComment(7, 'x'))).toEqual({ refusal: 'limited', status: 403 })
    here.fake.faults.push({ path: /comments/, times: 3, reply: limited({ 'retry-after': '40' }) })
    expect(await thrown(here.github.findComment(7, 'x'))).toEqual({ refusal: 'limited', status: 403 })
    expect(here.naps).toEqual([40_000])
  })

  it('do not wait once the job is cancelled, and are still sent', async () => {
    here = await world()
    here.abort.abort()
    here.fake.faults.push({ path: /comments/, times: 1, reply: { status: 502, body: '' } })
    expect(await thrown(here.github.findComment(7, 'x'))).toEqual({ refusal: 'server', status: 502 })
    expect(await here.github.findComment(7, 'x')).toBeNull()
    expect(here.naps).toEqual([])
  })

  it.each([
    [200, '<html>login</html>'],
    [200, '[{"body": 5}]'],
    [200, '{"message": "not a list"}'],
    [200, '']
  ])('survive a reply of another shape: %d %s', async (status, body) => {
    here = await world()
    here.fake.faults.push({ path: /comments/, times: 1, reply: { status, body } })
    expect(await here.github.findComment(7, 'x')).toBeNull()
  })
})

describe('pullRequest', () => {
  it('says how it stands now, and null for one that is not there', async () => {
    here = await world()
    const headSha = 'a'.repeat(40)
    here.fake.repository.pulls.set(7, { number: 7, headRef: 'x', headSha, state: 'closed', merged: true })
    expect(await here.github.pullRequest(7)).toEqual({ state: 'closed', merged: true, headSha })
    expect(await here.github.pullRequest(8)).toBeNull()
    expect(here.fake.violations).toEqual([])
  })
})

describe('repositoryVisible', () => {
  it('tells a pull request that is gone from a repository that the token does not see', async () => {
    here = await world()
    expect(await here.github.repositoryVisible()).toBe(true)
    expect(here.fake.violations).toEqual([])
    const reply = { status: 404, body: { message: 'Not Found' } }
    here.fake.faults.push({ path: /^\/repos\//, times: 2, reply })
    expect(await here.github.pullRequest(7)).toBeNull()
    expect(await here.github.repositoryVisible()).toBe(false)
  })
})
