import { describe, expect, it } from '@jest/globals'
import { plainSummary } from '../../../testbed/plain.ts'

describe('a summary in a terminal', () => {
  it.each([
    ['<code>shop</code> of <a href="https://example.com/?a=b&amp;c">here</a>', 'shop of here'],
    ['shop&#64;&#8203;sha256:1 says &#34;no&#34; &amp; &lt;b&gt;', 'shop@sha256:1 says "no" & <b>'],
    ['a &lt;code&gt; that somebody wrote', 'a <code> that somebody wrote'],
    ['one<br>two', 'one two'],
    ['<details open><summary>Log</summary>\n\ntext\n\n</details>\n\n<sub>end</sub>\n', '▸ Log\n\ntext\n\nend'],
    ['a\n\n```mermaid\ngantt\n  x\n```\n\nb', 'a\n\n(a chart of the time it took, on GitHub)\n\nb'],
    ['&unknown; <b>', '&unknown; <b>']
  ])('%j is %j', (markdown, plain) => expect(plainSummary(markdown)).toBe(plain))
})
