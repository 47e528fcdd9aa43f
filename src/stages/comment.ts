import { githubRefused } from '../errors/github.js'
import { GithubError, type Github, type Ports } from '../ports.js'
import { commentMarker, renderComment } from '../report/comment.js'
import type { RunReport } from '../report/model.js'
import { redacted } from '../report/redact.js'

/**
 * Keeps the one comment that a stack has on a pull request up to date: makes it, or changes it in place; one that
 * somebody deleted is made again. Never throws for what GitHub refuses: that is one warning.
 */
export async function keepComment(
  ports: Pick<Ports, 'log'>,
  github: Github,
  of: { readonly pull: number; readonly report: RunReport }
): Promise<void> {
  try {
    const body = renderComment(redacted(of.report, text => ports.log.redact(text)))
    const old = await github.findComment(of.pull, commentMarker(of.report.stack))
    if (old && (await github.updateComment(old.id, body))) {
      ports.log.info(`Comment on pull request #${of.pull} updated: ${old.url}`)
      return
    }
    const made = await github.createComment(of.pull, body)
    ports.log.info(`Comment on pull request #${of.pull} written: ${made.url}`)
  } catch (thrown) {
    if (!(thrown instanceof GithubError)) throw thrown
    const { message, remedy } = githubRefused('comment', thrown)
    ports.log.warning([message, remedy].join(' '))
  }
}
