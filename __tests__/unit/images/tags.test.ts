import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isTag } from '../../../src/images/reference.js'
import { asTag, defaultTags, tagProblems } from '../../../src/images/tags.js'

const commit = '0123456789abcdef0123456789abcdef01234567'

describe('defaultTags', () => {
  it.each([
    ['a branch', { commit, ref: 'refs/heads/main', refName: 'main' }, ['sha-0123456789ab', 'main']],
    ['a git tag', { commit, ref: 'refs/tags/v1.2.3', refName: 'v1.2.3' }, ['sha-0123456789ab', 'v1.2.3']],
    [
      'a pull request',
      { commit, ref: 'refs/pull/7/merge', refName: '7/merge', pullRequest: 7 },
      ['sha-0123456789ab', 'pr-7']
    ],
    [
      'a pull request that is no preview',
      { commit, ref: 'refs/pull/7/merge', refName: '7/merge' },
      ['sha-0123456789ab']
    ],
    ['no commit', { commit: '', ref: 'refs/heads/a/b', refName: 'a/b' }, ['a-b']],
    [
      'a branch named as a content',
      { commit: '', ref: 'refs/heads/x', refName: `content-${'a'.repeat(24)}` },
      [`ref-content-${'a'.repeat(24)}`]
    ],
    ['a branch named as the cache', { commit: '', ref: 'refs/heads/x', refName: 'buildcache' }, ['ref-buildcache']],
    ['nothing', { commit: '', ref: '', refName: '' }, ['latest']]
  ])('%s', (_, source, tags) => {
    expect(defaultTags(source)).toEqual(tags)
  })
})

it.each([
  ['feature/Ünïcode & more', 'feature-n-code-more'],
  ['--x', 'x'],
  ['..', 'unnamed'],
  ['$(rm -rf /)', 'rm--rf'],
  [`${'y'.repeat(300)}`, 'y'.repeat(100)],
  ['release-1.0.', 'release-1.0']
])('%j becomes the tag %s', (branch, tag) => {
  expect(asTag(branch)).toBe(tag)
})

it('makes a tag of any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => isTag(asTag(text))))
})

it('names every tag that is none, and what to write instead', () => {
  const problems = tagProblems(['ok', 'ghcr.io/owner/web:1', '-no', 'a b'])
  expect(problems.map(problem => problem.message)).toEqual([
    '`tags` has a line that is not an image tag: "ghcr.io/owner/web:1".',
    '`tags` has a line that is not an image tag: "-no".',
    '`tags` has a line that is not an image tag: "a b".'
  ])
  expect(problems[0]?.remedy).toContain('Write the tag alone')
})
