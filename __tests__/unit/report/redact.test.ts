import { describe, expect, it } from '@jest/globals'
import { renderComment } from '../../../src/report/comment.js'
import { redacted } from '../../../src/report/redact.js'
import { renderSummary } from '../../../src/report/summary.js'
import { textOf } from './render.js'
import { rolledBack } from './samples.js'

const secret = 'p@ss$w_rd*1|<x>'
const redact = (text: string) => text.replaceAll(secret, '***').replaceAll('shop', '***')

describe('a report without its secrets', () => {
  it.each(['log', 'history', 'cause', 'reason', 'note', 'image', 'finding', 'branch'])('has none in the %s', where => {
    const [failure] = rolledBack.failures
    const [row] = rolledBack.services
    const [finding] = rolledBack.findings
    if (!failure || !row || !finding) throw new Error('the sample lacks something')
    const text = `before ${secret} after`
    const leaks = {
      log: { failures: [{ ...failure, logs: [text] }] },
      history: { failures: [{ ...failure, history: [text] }] },
      cause: { failures: [{ ...failure, cause: text }] },
      reason: { services: [{ ...row, reason: text }] },
      note: { notes: [text] },
      image: { services: [{ ...row, imageAfter: text }] },
      finding: { findings: [{ ...finding, message: text }] },
      branch: { refName: text }
    }
    for (const make of [renderSummary, renderComment]) {
      const page = textOf(make(redacted({ ...rolledBack, ...leaks[where as keyof typeof leaks] }, redact)))
      expect(page).toContain('before *** after')
      expect(page).not.toContain('w_rd')
    }
  })

  it('keeps the marker, by which the comment is found again, although the name of the stack is a secret of somebody', () => {
    expect(renderComment(redacted(rolledBack, redact))).toMatch(/^<!-- swarm-rollout:shop -->\n/)
  })
})
