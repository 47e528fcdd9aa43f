import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { address, block, clip, code, link, prose, sentence, table } from '../../../src/report/markdown.js'
import { elements, render, textOf } from './render.js'
import { nasty } from './samples.js'

/** What is left of a text without colours, marks of direction and line ends. */
const plain = (text: string) =>
  ['\u001b[31m', '\u001b[0m', '\u202e']
    .reduce((rest, mark) => rest.replaceAll(mark, ''), text)
    .replace(/[\r\n]+/g, ' ')
    .trim()

describe('prose', () => {
  it.each(nasty)('shows %j and does nothing else', text => {
    const html = render(prose(text))
    expect(elements(html)).toEqual(['p'])
    expect(textOf(html).trim()).toBe(plain(text))
  })

  it('mentions nobody and refers to nothing, in the text that GitHub looks at', () => {
    const html = render(prose('@mona, @acme/team: fixes #1, acme/shop#2, GH-3'))
    expect(html).not.toMatch(/@\w/)
    expect(html.replace(/&#\d+;/g, '')).not.toMatch(/#\d|GH-\d/)
  })

  it('stays one table cell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const html = render(table(['A', 'B'], [[prose(a), code(b)]]))
        expect(html.match(/<td>/g)).toHaveLength(2)
        expect(elements(html).filter(name => name !== 'code')).toEqual(['table', 'tbody', 'td', 'th', 'thead', 'tr'])
      })
    )
  })
})

describe('code', () => {
  it.each(nasty)('shows %j in one <code>', text => {
    const html = render(code(text))
    expect(elements(html)).toEqual(['code', 'p'])
    expect(textOf(html).trim()).toBe(clip(plain(text), 120))
  })
})

describe('sentence', () => {
  it('makes names of what is in backticks', () => {
    expect(sentence('Service `web` is *new*.')).toBe('Service <code>web</code> is &#42;new&#42;.')
  })

  it('takes an odd backtick for text', () => {
    expect(render(sentence('a ` b <i>'))).toBe('<p>a ` b &lt;i&gt;</p>')
  })

  it.each(nasty)('holds %j', text => {
    const html = render(sentence(`The engine says: ${text}`))
    expect(elements(html).filter(name => name !== 'code')).toEqual(['p'])
  })
})

describe('block', () => {
  it('holds any log', () => {
    const html = render(block(nasty))
    expect(elements(html)).toEqual(['code', 'pre'])
    for (const line of nasty) expect(textOf(html)).toContain(plain(line).slice(0, 40))
  })

  it('has a fence longer than any in it', () => {
    expect(block(['a', '`````', 'b'])).toBe('``````text\na\n`````\nb\n``````')
  })
})

describe('links', () => {
  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>',
    'https://me:secret@example.com',
    '/relative',
    'https://',
    '<script>'
  ])('do not lead to %s', url => {
    expect(link('text', url)).toBe('text')
    expect(render(address(url))).not.toContain('<a ')
  })

  it('hold in an attribute and a cell', () => {
    const html = render(table(['A'], [[link('x', 'https://example.com/?a=1&b="><script>|`')]]))
    expect(elements(html)).toEqual(['a', 'table', 'tbody', 'td', 'th', 'thead', 'tr'])
    expect(html).toContain('href="https://example.com/?a=1&amp;b=%22%3E%3Cscript%3E%7C%60"')
  })
})

describe('clip', () => {
  it('never cuts a character in two', () => {
    expect(clip('🚀🚀🚀', 4)).toBe('🚀…')
    expect(clip('abc', 3)).toBe('abc')
  })
})
