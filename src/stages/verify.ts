import type { Problem } from '../errors.js'
import { messageOf } from '../errors.js'
import type { Ports } from '../ports.js'

/** How long one request may take. */
const requestMs = 10_000
/** Between two tries of one URL. */
const pauseMs = 1_000

/**
 * Asks every URL until it answers 2xx, all at once, for at most timeoutMs. Returns a problem for each that did not; a
 * redirect is followed, and the page that it ends at counts.
 */
export async function verifyUrls(
  ports: Pick<Ports, 'http' | 'clock' | 'cancelled'>,
  urls: readonly string[],
  timeoutMs: number,
  signal: AbortSignal
): Promise<readonly Problem[]> {
  const until = ports.clock.now() + timeoutMs
  const answers = await Promise.all(urls.map(url => verifyUrl(ports, url, until, signal)))
  return answers.filter(answer => answer !== null)
}

async function verifyUrl(
  ports: Pick<Ports, 'http' | 'clock'>,
  url: string,
  until: number,
  signal: AbortSignal
): Promise<Problem | null> {
  for (;;) {
    const answer = await tryRequest(ports, url, signal)
    if (answer === null) return null
    if (signal.aborted || ports.clock.now() + pauseMs >= until) {
      return {
        message: `${url} ${answer}.`,
        remedy:
          'The tasks run, but this URL does not answer 2xx. Look at what stands between it and the service: DNS, the proxy, the published port, the path.'
      }
    }
    await ports.clock.sleep(pauseMs, signal)
  }
}

/** null for a 2xx; else what came back instead, to go on from the URL in a sentence. */
async function tryRequest(ports: Pick<Ports, 'http'>, url: string, signal: AbortSignal): Promise<string | null> {
  try {
    const { status } = await ports.http.request(url, { timeoutMs: requestMs, signal })
    return status >= 200 && status < 300 ? null : `answered ${status}`
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return `did not answer (${messageOf(cause)})`
  }
}
