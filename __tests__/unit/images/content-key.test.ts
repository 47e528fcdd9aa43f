import { describe, expect, it } from '@jest/globals'
import { canKey, contentKey, type TreeEntry } from '../../../src/images/content-key.js'
import { parseIgnore } from '../../../src/images/ignore.js'
import type { Target } from '../../../src/images/plan.js'
import type { JsonObject } from '../../../src/model.js'

describe('parseIgnore', () => {
  it.each<[string, string[], string[]]>([
    ['node_modules', ['node_modules', 'node_modules/a/b'], ['web/node_modules', 'node_modules2']],
    ['/dist/', ['dist', 'dist/x'], ['a/dist']],
    ['*.md', ['a.md'], ['docs/a.md', 'a.mdx']],
    ['**/*.md', ['a.md', 'docs/x/a.md'], ['a.mdx']],
    ['**/node_modules', ['node_modules', 'a/node_modules/b'], ['a/node_modulesx']],
    ['docs/**', ['docs/a', 'docs/a/b'], ['docs2/a']],
    ['a/**/z', ['a/z', 'a/b/c/z'], ['b/a/z']],
    ['?.txt', ['a.txt'], ['ab.txt', '/.txt']],
    ['[a-c].txt', ['b.txt'], ['d.txt']],
    ['\\*.txt', ['*.txt'], ['a.txt']],
    ['a+b(1).txt', ['a+b(1).txt'], ['aab1.txt']],
    ['*\n!keep.md', ['a', 'x/y'], ['keep.md']],
    ['docs\n!docs/keep', ['docs/a'], ['docs/keep', 'docs/keep/b']],
    ['!keep.md\n*.md', ['keep.md'], ['a']],
    ['# a\n\n  b  \r\n#c', ['b'], ['# a', '#c', 'a']],
    ['./a/../b', ['b'], ['a']],
    ['../b\n/../c', ['c'], ['b', '../b']],
    ['', [], ['a', '.git']]
  ])('%j', (text, left, taken) => {
    const { ignores } = parseIgnore(text)
    expect(left.filter(path => !ignores(path))).toEqual([])
    expect(taken.filter(ignores)).toEqual([])
  })

  it('leaves nothing out where there is no file', () => {
    expect(parseIgnore(null).ignores('a')).toBe(false)
  })

  it('knows that an exception may be below a folder', () => {
    expect(parseIgnore('a\n!a/b').mayHoldExceptions).toBe(true)
    expect(parseIgnore('a').mayHoldExceptions).toBe(false)
  })
})

const target = (build: JsonObject = {}, more: Partial<Target> = {}): Target => ({
  name: 'web',
  services: ['web'],
  build: { context: '/w', dockerfile: 'Dockerfile', args: { A: '1' }, ...build },
  secrets: [],
  references: [],
  deploys: {},
  ...more
})
const tree: TreeEntry[] = [
  { path: 'a', kind: 'file', mode: 0o644, hash: '1' },
  { path: 'l', kind: 'link', mode: 0o777, hash: 'a' }
]
const read = { dockerfile: 'FROM scratch', trees: { '/w': tree } }
const key = (each = target(), platforms = ['linux/amd64'], what: Parameters<typeof contentKey>[2] = read): string =>
  contentKey(each, platforms, what)

describe('contentKey', () => {
  it.each<[string, string]>([
    ['an argument', key(target({ args: { A: '2' } }))],
    ['a target', key(target({ target: 'x' }))],
    ['the Dockerfile', key(target(), ['linux/amd64'], { ...read, dockerfile: 'FROM x' })],
    ['a platform', key(target(), ['linux/amd64', 'linux/arm64'])],
    ['bytes', key(target(), ['linux/amd64'], { ...read, trees: { '/w': [{ ...tree[0], hash: '2' } as TreeEntry] } })],
    [
      'a mode',
      key(target(), ['linux/amd64'], {
        ...read,
        trees: { '/w': [{ ...tree[0], mode: 0o755 } as TreeEntry, ...tree.slice(1)] }
      })
    ],
    [
      'a bit that makes a program run as its owner',
      key(target(), ['linux/amd64'], {
        ...read,
        trees: { '/w': [{ ...tree[0], mode: 0o4644 } as TreeEntry, ...tree.slice(1)] }
      })
    ],
    ['a file that is gone', key(target(), ['linux/amd64'], { ...read, trees: { '/w': tree.slice(1) } })],
    [
      "a link's target",
      key(target(), ['linux/amd64'], {
        ...read,
        trees: { '/w': [...tree.slice(0, 1), { ...tree[1], hash: 'b' } as TreeEntry] }
      })
    ],
    ['a secret', key(target({}, { secrets: [{ id: 'x', source: { from: 'environment', variable: 'X' } }] }))],
    ['the image of another service', key(target({ additional_contexts: { base: 'service:base' } }))],
    [
      'what the image of another service is made of',
      key(target({ additional_contexts: { base: 'service:base' } }), ['linux/amd64'], {
        ...read,
        images: { base: 'content-2' }
      })
    ],
    ['another context', key(target({ additional_contexts: { lib: 'docker-image://x:1' } }))]
  ])('changes with %s', (_, other) => {
    expect(other).not.toBe(key())
    expect(other).toMatch(/^content-[0-9a-f]{24}$/)
  })

  it.each<[string, string]>([
    ['tags', key(target({ tags: ['a/b:c'] }))],
    ['caches', key(target({ cache_from: ['x'], cache_to: ['y'] }))],
    [
      'where the checkout is',
      key(target({ context: '/elsewhere' }), ['linux/amd64'], { ...read, trees: { '/elsewhere': tree } as never })
    ],
    ['where the Dockerfile is', key(target({ dockerfile: '../other' }))],
    ['who uses it', key(target({}, { services: ['x'], name: 'x' }))]
  ])('stays with other %s', (_, other) => {
    expect(other).toBe(key())
  })

  it.each<[JsonObject, boolean]>([
    [{}, true],
    [{ no_cache: true }, false],
    [{ pull: true }, false],
    [{ context: 'https://github.com/o/r.git' }, false],
    [{ additional_contexts: { a: 'service:b' } }, true],
    [{ additional_contexts: { a: '/lib', b: 'docker-image://x' } }, true],
    [{ additional_contexts: { a: 'https://x.git' } }, false]
  ])('%j can have one: %s', (build, able) => {
    expect(canKey(target(build))).toBe(able)
  })
})
